"""Context, action and outcome of a compression decision. Standard library only."""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Literal

from dwcp.codecs.facts import BlockFacts

__all__ = [
    "CANDIDATES",
    "STORAGE",
    "TRANSFER",
    "Action",
    "Context",
    "CostModel",
    "Host",
    "Link",
    "Objective",
    "Outcome",
    "action_named",
    "can_be_chosen",
]


@dataclass(frozen=True)
class Action:
    """A codec at a level, with or without a reference.

    Attributes:
        codec: ``none``, ``lz4``, ``lz4hc``, ``snappy``, ``zstd`` or ``delta``.
        level: the codec's own level; 0 where it has none.
    """

    codec: str
    level: int = 0

    @cached_property
    def name(self) -> str:
        """As the codecs spell it: ``zstd-3``, ``lz4``, ``delta-9``."""
        return f"{self.codec}-{self.level}" if self.codec in ("lz4hc", "zstd", "delta") else self.codec

    def __str__(self) -> str:
        return self.name

    def __hash__(self) -> int:
        # Kept with the name, where the generated one would be worked out anew each time.
        return hash(self.name)

    @property
    def use_reference(self) -> bool:
        """Whether a reference is needed."""
        return self.codec == "delta"

    @property
    def transfer_class(self) -> Literal["hde", "amst", "none"]:
        """The published three-way view: delta encoding, many streams with light compression, or neither."""
        if self.codec == "none":
            return "none"
        light = self.codec in ("lz4", "snappy") or (self.codec == "zstd" and self.level <= 1)
        return "amst" if light else "hde"

    @property
    def published_level(self) -> int:
        """The published level, 0 to 9: 0 for no compression, 9 for the strongest."""
        if self.codec == "none":
            return 0
        if self.codec in ("lz4", "snappy"):
            return 1
        return max(1, min(9, self.level))

    @property
    def storage_algorithm(self) -> Literal["zstd", "lz4", "snappy", "none"]:
        """The published algorithm: a delta is a zstd frame, LZ4 HC is read by any LZ4."""
        if self.codec in ("zstd", "delta"):
            return "zstd"
        if self.codec in ("lz4", "lz4hc"):
            return "lz4"
        return "snappy" if self.codec == "snappy" else "none"


CANDIDATES: tuple[Action, ...] = (
    Action("none"),
    Action("snappy"),
    Action("lz4"),
    Action("lz4hc", 9),
    *(Action("zstd", level) for level in (-7, -3, -1, 1, 3, 6, 9, 12, 15, 19)),
    *(Action("delta", level) for level in (1, 3, 9, 19)),
)
"""Everything that is measured and predicted, in the order of the graph's candidate axis."""

TRANSFER: frozenset[Action] = frozenset(action for action in CANDIDATES if action.codec != "snappy")
"""What a transfer may choose: whatever the receiver's frame reader takes, less the redundant."""

STORAGE: frozenset[Action] = frozenset(CANDIDATES)
"""What a store may choose."""

_BY_NAME = {action.name: action for action in CANDIDATES}


def action_named(name: str) -> Action:
    """The candidate of that name; KeyError when there is none."""
    return _BY_NAME[name]


class CostModel(StrEnum):
    """How compressing and sending add up."""

    SERIAL = "serial"
    """One after the other: network seconds plus the CPU price times compressing seconds."""
    PIPELINED = "pipelined"
    """At the same time: the slowest of network, compressing workers and decompressing workers."""
    BYTES = "bytes"
    """Only the stored bytes count, in seconds of the link."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What is to be small.

    Attributes:
        cost_model: how the parts add up.
        cpu_price: seconds charged per CPU second in the serial model; 1 means plain time.
    """

    cost_model: CostModel = CostModel.PIPELINED
    cpu_price: float = 1.0


@dataclass(frozen=True, slots=True)
class Link:
    """The link as forecast before the decision.

    Attributes:
        bandwidth_mbps: expected goodput (for a store: the rate of its disk or backend).
        rtt_ms: round trip time.
        jitter_ms: its mean variation.
        packet_loss: share of packets lost (0 to 1).
    """

    bandwidth_mbps: float
    rtt_ms: float = 0.0
    jitter_ms: float = 0.0
    packet_loss: float = 0.0


@dataclass(frozen=True, slots=True)
class Host:
    """Both ends' processors.

    Attributes:
        cpu_workers: cores free to compress here.
        receiver_workers: cores free to decompress there.
        speed: this machine's milliseconds per MiB of each candidate on the calibration buffer, by name;
            a candidate that is not named is taken at the training machine's speed.
    """

    cpu_workers: float = 1.0
    receiver_workers: float = 1.0
    speed: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What is known before one decision.

    Attributes:
        facts: of the block, or the mean of the blocks looked at in the run the decision is for.
        link: forecast.
        host: free cores and calibrated speed.
        objective: what is to be small.
        candidates: what may be chosen; deltas only count where the facts name a reference.
        flow: which object or stream the block belongs to; what is learned of a flow stays with it.
    """

    facts: BlockFacts
    link: Link
    host: Host = field(default_factory=Host)
    objective: Objective = field(default_factory=Objective)
    candidates: frozenset[Action] = TRANSFER
    flow: str = ""

    def admissible(self, action: Action) -> bool:
        """Whether the action can be carried out here."""
        return can_be_chosen(action, self.candidates, referenced=self.facts.reference is not None)


def can_be_chosen(action: Action, candidates: frozenset[Action], *, referenced: bool) -> bool:
    """Whether an action is among the candidates, and has its reference where it needs one."""
    return action in candidates and (referenced or not action.use_reference)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an action.

    Attributes:
        stored_bytes: size of the whole stored frame.
        compress_ms: thread milliseconds of encoding.
        decompress_ms: thread milliseconds of decoding; None where nobody measured it.
    """

    stored_bytes: int
    compress_ms: float
    decompress_ms: float | None = None
