"""What metrics and the page show of rollouts, experiments, drift and stores, whoever keeps those."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from dwcp.safety.rollout.stages import Stage

__all__ = ["ArmView", "CodecFigures", "DriftView", "ExperimentView", "RolloutView", "StoreFigures"]


class RolloutView(Struct, frozen=True):
    """Where a rollout stands in one region.

    Attributes:
        task: of which task.
        region: where.
        version: the candidate.
        stage: where it is.
        since_s: since when, in seconds since 1970.
        why: what brought it there, with what was measured.
    """

    task: str
    region: str
    version: str
    stage: Stage
    since_s: float
    why: str = ""


class ArmView(Struct, frozen=True):
    """An arm of an experiment.

    Attributes:
        name: its name.
        units: that were let in.
        effect: against control, with its interval and unit, in words; empty for control.
    """

    name: str
    units: int
    effect: str = ""


class ExperimentView(Struct, frozen=True):
    """An experiment as it stands.

    Attributes:
        name: its name.
        state: of its life, e.g. ``running``.
        traffic: share of all units that take part.
        metric: what decides.
        arms: control first.
        verdict: ``rollout``, ``rollback`` or ``continue``; empty where nothing is known yet.
        why: of the verdict.
    """

    name: str
    state: str
    traffic: float
    metric: str
    arms: Sequence[ArmView]
    verdict: str = ""
    why: str = ""


class DriftView(Struct, frozen=True):
    """How far something drifted.

    Attributes:
        task: of which task.
        kind: ``input``, ``prediction`` or ``outcome``.
        name: of the input column, or what was tested.
        score: the statistic over the limit that it is held against; 1 or more is drift.
    """

    task: str
    kind: str
    name: str
    score: float


class CodecFigures(Protocol):
    """The blocks of a store that one codec encoded."""

    @property
    def codec(self) -> str:
        """Its name."""
        ...

    @property
    def block_count(self) -> int:
        """How many there are."""
        ...

    @property
    def plain_bytes(self) -> int:
        """Of their plaintexts."""
        ...

    @property
    def stored_bytes(self) -> int:
        """Of their frames."""
        ...


class StoreFigures(Protocol):
    """How much a store holds; `dwcp.storage.StoreStats` is one."""

    @property
    def snapshot_count(self) -> int:
        """Snapshots that are kept."""
        ...

    @property
    def pack_count(self) -> int:
        """Packs that are there."""
        ...

    @property
    def pack_bytes(self) -> int:
        """Of all packs."""
        ...

    @property
    def chunk_count(self) -> int:
        """Blocks of content."""
        ...

    @property
    def node_count(self) -> int:
        """Blocks that are nodes."""
        ...

    @property
    def delta_count(self) -> int:
        """Blocks that are kept as deltas."""
        ...

    @property
    def plain_bytes(self) -> int:
        """Of all blocks' plaintexts."""
        ...

    @property
    def stored_bytes(self) -> int:
        """Of their frames."""
        ...

    @property
    def codecs(self) -> Sequence[CodecFigures]:
        """The same by codec."""
        ...
