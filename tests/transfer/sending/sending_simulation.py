"""A link, encoders and data with known costs, on a clock that only the simulation moves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from sending_peer import MIB, FakeLink

from dwcp.codecs import Reference
from dwcp.codecs.facts import BlockFacts, Probe
from dwcp.serving import Hint, Reason
from dwcp.tasks.compression.contract import TRANSFER, Action, Context, action_named
from dwcp.transfer.sending.choice import Timing
from dwcp.transfer.sending.choosing import Chooser
from dwcp.transfer.sending.looking import Material
from dwcp.transfer.sending.pace import Pace

Truth = Mapping[str, tuple[float, float]]
"""Of each codec: stored over plain bytes, and plain megabytes a second of one worker."""

_NAMES = (
    *("lz4", "lz4hc-9", "zstd--7", "zstd--3", "zstd--1", "zstd-1"),
    *("zstd-3", "zstd-6", "zstd-9", "zstd-12", "zstd-15", "zstd-19"),
)


def _truth(*pairs: tuple[float, float]) -> Truth:
    return dict(zip(_NAMES, pairs, strict=True))


# As measured on real files, in blocks of 1 MiB.
PROSE = _truth(
    *((0.626, 400), (0.433, 20), (0.720, 443), (0.616, 346), (0.560, 301), (0.418, 293)),
    *((0.362, 183), (0.342, 70), (0.333, 45), (0.327, 22), (0.323, 3), (0.306, 3)),
)
LOGS = _truth(
    *((0.079, 1980), (0.046, 149), (0.083, 2452), (0.041, 2764), (0.036, 2331), (0.027, 2025)),
    *((0.033, 1552), (0.028, 281), (0.023, 165), (0.023, 134), (0.023, 26), (0.021, 2)),
)
TABLES = _truth(
    *((0.523, 613), (0.399, 55), (0.483, 335), (0.442, 354), (0.422, 368), (0.374, 337)),
    *((0.351, 259), (0.343, 110), (0.338, 59), (0.330, 28), (0.330, 15), (0.327, 3)),
)
SOURCE = _truth(
    *((0.290, 711), (0.208, 47), (0.274, 731), (0.210, 675), (0.193, 637), (0.159, 625)),
    *((0.142, 484), (0.126, 156), (0.123, 88), (0.120, 65), (0.119, 15), (0.112, 5)),
)
PACKED = _truth(
    *((1.004, 2880), (1.003, 50), (1.0, 2962), (1.0, 3544), (1.0, 3715), (1.0, 1838)),
    *((1.0, 1541), (1.0, 1136), (1.0, 803), (1.0, 910), (1.0, 92), (0.999, 10)),
)
KINDS = {"prose": PROSE, "logs": LOGS, "tables": TABLES, "source": SOURCE, "packed": PACKED}


class Adviser:
    """Answers what a function says; remembers what it was told."""

    def __init__(self, answer: Callable[[Context], Action | None]) -> None:
        self._answer = answer
        self.asked: list[Context] = []
        self.observed: list[tuple[Action, int]] = []

    def ask(self, task_name: str, context: Context) -> Hint[Action | None]:
        assert task_name == "compression"
        self.asked.append(context)
        return Hint(self._answer(context), Reason.MODEL, 1.0, None)

    def observe(self, _: str, __: Context, action: Action, outcome: object) -> None:
        self.observed.append((action, outcome.stored_bytes))  # type: ignore[attr-defined]


def at_random(seed: int) -> Adviser:
    """Whatever comes to mind."""
    rng = Random(seed)
    return Adviser(lambda context: rng.choice(sorted(context.candidates, key=str)))


def always(name: str) -> Adviser:
    """The same for everything."""
    return Adviser(lambda _: action_named(name))


@dataclass
class Simulation:
    """One transfer of one kind of data.

    Attributes:
        mbps: of the link.
        truth: what codecs really do.
        adviser: asked, if there is one.
        workers: that encode.
        believed: estimated bandwidth over the real one.
        machine: speed of this machine over the one the truth was measured on.
        ready_bytes: stored bytes that may wait for the link.
        truth_at: what codecs do from a share of the data on, where that changes.
    """

    mbps: float
    truth: Truth
    adviser: Adviser | None = None
    workers: int = 1
    believed: float = 1.0
    machine: float = 1.0
    seconds: float = 60.0
    ready_bytes: int = 4 * MIB
    changes: Sequence[tuple[float, Truth]] = ()
    actions: list[str] = field(default_factory=list)

    @property
    def _bytes_per_s(self) -> float:
        return self.mbps * 1e6 / 8

    def plain_bytes(self) -> int:
        """What the link takes in the given seconds with the best fixed codec."""
        return int(self.seconds / self.best_s_per_byte(self.truth))

    def best_s_per_byte(self, truth: Truth) -> float:
        """With the best fixed codec."""
        return min(self._cost(truth, name) for name in ("none", *truth))

    def _cost(self, truth: Truth, name: str) -> float:
        ratio, speed = self._does(truth, action_named(name))
        return max(ratio / self._bytes_per_s, 1 / (self.workers * speed) if speed else 0.0)

    def _does(self, truth: Truth, action: Action) -> tuple[float, float]:
        if action.name == "none":
            return 1.0, 0.0
        ratio, speed = truth[action.name]
        return ratio, speed * 1e6 * self.machine

    def run(self) -> float:
        """Seconds the transfer takes."""
        link = FakeLink(self.mbps * self.believed, self.workers)
        pace = Pace(0.0)
        chooser = Chooser(TRANSFER, link, pace, self.adviser, look=self._look)
        left, done, total = self.plain_bytes(), 0, self.plain_bytes()
        free = [(0.0, 0.0, 0.0, 0, False)] * self.workers
        link_free_s, size = 0.0, 128 * 1024
        while left > 0:
            free.sort()
            now, busy_s, blocked_s, last, starved = free.pop(0)
            if busy_s:
                pace.note(now, starved=starved, plain_bytes=last, busy_s=busy_s, blocked_s=blocked_s)
            plain = min(size, left)
            self._now_truth = self._truth_at(done / total)
            link.ready = int(max(link_free_s - now, 0.0) * self._bytes_per_s)
            choice = chooser.choose("flow", Material(_Blank(plain)), None, left, now)  # type: ignore[arg-type]
            self.actions.append(choice.action.name)
            ratio, speed = self._does(self._now_truth, choice.action)
            busy_s = plain / speed if speed else 1e-6
            end = now + busy_s
            chooser.observe(choice, plain, int(ratio * plain), Timing(busy_s, busy_s * 1e3), end)
            stored = plain * (ratio if ratio < 0.97 else 1.0)
            starved = link_free_s <= end
            link_free_s = max(end, link_free_s) + stored / self._bytes_per_s
            blocked_s = max(link_free_s - end - self.ready_bytes / self._bytes_per_s, 0.0)
            free.append((end + blocked_s, busy_s, blocked_s, plain, starved))
            left -= plain
            done += plain
            target = self._bytes_per_s * 0.2 / ratio
            size = int(min(2 * size, max(256 * 1024, min(target, 4 * MIB))))
        return link_free_s

    def _truth_at(self, share: float) -> Truth:
        return next((truth for begin, truth in reversed(self.changes) if share >= begin), self.truth)

    def _look(self, _: Material, __: Reference | None, ___: float, ____: int) -> BlockFacts | None:
        ratio = self._now_truth["zstd-1"][0]
        probe = Probe(min(ratio * 1.1, 1.0), 3.0)
        return BlockFacts(256 * 1024, 6.0, 6.0, 6.0, 0.0, 0.5, 0.1, probe, probe, probe)


class _Blank(list[bytes]):
    """Stands for so many bytes that nobody looks at."""

    def __init__(self, length: int) -> None:
        super().__init__([_Length(length)])  # type: ignore[list-item]


class _Length:
    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length
