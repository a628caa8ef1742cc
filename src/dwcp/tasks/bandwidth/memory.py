"""What is remembered of a path, and of all paths together; all of it JSON values, all of it bounded."""

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dwcp.tasks.bandwidth.conformal import LAPPED_TAIL, TAIL, ScorePool, Tails
from dwcp.tasks.bandwidth.contract import HORIZON_STEPS
from dwcp.tasks.bandwidth.hedge import Hedge
from dwcp.tasks.bandwidth.reliability import Reliability

__all__ = ["AIMS", "Memory", "PathMemory", "Pending", "SharedMemory"]

AIMS = (TAIL, LAPPED_TAIL)
"""Of the intervals of next step and horizon."""
TARGETS = len(AIMS)
_MOST_PATHS = 512


@dataclass(slots=True)
class Pending:
    """One target's forecast whose truth is not known yet.

    Attributes:
        experts: logarithm of each expert's forecast, the floor added.
        mid: logarithm of the blend's.
        widths: expected distance of the tails in logarithms, below and above.
        bounds: ends of the interval, in scores.
        floor: what was added to throughputs.
        stated: confidence before calibration.
    """

    experts: list[float]
    mid: float
    widths: tuple[float, float]
    bounds: tuple[float, float]
    floor: float
    stated: float = 0.0


@dataclass(slots=True)
class PathMemory:
    """What is remembered of one path.

    Attributes:
        hedges: opinion of the experts, next step and horizon.
        tails: of the intervals, next step and horizon.
        pending: horizon forecasts whose five steps are not over, oldest first.
        recent: throughputs since then; None where a step says nothing about capacity.
        epoch_s: when the latest forecast that was learned from was made.
        shaken: steps for which forecasts are wider, since time went back.
    """

    hedges: list[Hedge]
    tails: list[Tails] = field(default_factory=lambda: [Tails.aiming_at(tail) for tail in AIMS])
    pending: deque[Pending] = field(default_factory=lambda: deque(maxlen=HORIZON_STEPS))
    recent: deque[float | None] = field(default_factory=lambda: deque(maxlen=HORIZON_STEPS))
    epoch_s: float | None = None
    shaken: int = 0

    def forget_pending(self) -> None:
        """There is a gap: what was forecast before it never comes true."""
        self.pending.clear()
        self.recent.clear()

    def snapshot(self) -> dict[str, object]:
        """As JSON values."""
        return {
            "losses": [hedge.losses for hedge in self.hedges],
            "tails": [[list(tails.scores), tails.low_level, tails.high_level] for tails in self.tails],
            "pending": [
                [one.experts, one.mid, list(one.widths), list(one.bounds), one.floor] for one in self.pending
            ],
            "recent": list(self.recent),
            "epoch_s": self.epoch_s,
            "shaken": self.shaken,
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any], experts: int) -> "PathMemory":
        """From `snapshot`, of as many experts or not; see `Memory.restore`."""
        memory = cls(_hedges(state["losses"], experts))
        for tails, (scores, low, high) in zip(memory.tails, state["tails"], strict=True):
            tails.scores.extend(scores)
            tails.low_level, tails.high_level = low, high
        for told, mid, widths, bounds, floor in state["pending"]:
            memory.pending.append(Pending(list(told), mid, tuple(widths), tuple(bounds), floor))
        memory.recent.extend(state["recent"])
        if any(len(one.experts) != experts for one in memory.pending):
            memory.forget_pending()
        memory.epoch_s, memory.shaken = state["epoch_s"], state["shaken"]
        return memory


@dataclass(slots=True)
class SharedMemory:
    """What all paths taught: a new path begins with it.

    Attributes:
        hedges: opinion of the experts, next step and horizon.
        pools: scores, next step and horizon.
        reliability: of the confidences.
    """

    hedges: list[Hedge]
    pools: list[ScorePool] = field(default_factory=lambda: [ScorePool() for _ in range(TARGETS)])
    reliability: Reliability = field(default_factory=Reliability)

    def snapshot(self) -> dict[str, object]:
        """As JSON values."""
        return {
            "losses": [hedge.losses for hedge in self.hedges],
            "pools": [[list(pool.scores), pool.seen] for pool in self.pools],
            "reliability": [list(self.reliability.told), list(self.reliability.true)],
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any], experts: int) -> "SharedMemory":
        """From `snapshot`, of as many experts or not; see `Memory.restore`."""
        memory = cls(_hedges(state["losses"], experts))
        memory.pools = [ScorePool(list(scores), seen) for scores, seen in state["pools"]]
        memory.reliability.restore(*state["reliability"])
        return memory


class Memory:
    """Of all paths together and of the latest few hundred each; the one not learned from for longest goes.

    Args:
        experts: how many experts there are.
    """

    def __init__(self, experts: int) -> None:
        self._experts = experts
        self.shared = SharedMemory([Hedge.among(experts) for _ in range(TARGETS)])
        self._paths: OrderedDict[str, PathMemory] = OrderedDict()

    def __len__(self) -> int:
        """How many paths are remembered."""
        return len(self._paths)

    def of(self, path: str) -> PathMemory | None:
        """What is remembered of a path."""
        return self._paths.get(path)

    def keep(self, path: str, memory: PathMemory) -> None:
        """Remember it as the latest."""
        self._paths[path] = memory
        self._paths.move_to_end(path)
        if len(self._paths) > _MOST_PATHS:
            self._paths.popitem(last=False)

    def forget(self, path: str) -> None:
        """Begin anew with a path: its link has changed."""
        self._paths.pop(path, None)

    def snapshot(self) -> dict[str, object]:
        """As JSON values."""
        paths = {path: memory.snapshot() for path, memory in self._paths.items()}
        return {"shared": self.shared.snapshot(), "paths": paths}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from `snapshot`.

        Where it was made with another number of experts (a model was loaded since, or is gone), opinions of
        them begin anew, and forecasts that they made are forgotten; what was learned of intervals and of
        confidences stays.
        """
        shared = SharedMemory.restored(state["shared"], self._experts)
        self._paths = OrderedDict(
            (path, PathMemory.restored(memory, self._experts)) for path, memory in state["paths"].items()
        )
        self.shared = shared


def _hedges(losses: Sequence[Sequence[float]], experts: int) -> list[Hedge]:
    if len(losses) != TARGETS:
        raise ValueError(f"there are opinions on {TARGETS} targets, not on {len(losses)}")
    return [Hedge(list(one)) if len(one) == experts else Hedge.among(experts) for one in losses]
