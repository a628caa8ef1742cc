"""What is usual at a deployment: levels of its measures and scores of its quiet seconds, refitted as it runs.

Thresholds are split-conformal. Source: Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World",
2005, chapter 4: of quiet scores that are exchangeable, the next passes the ``ceil((n + 1)(1 - rate))``-th
smallest at most that often.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from math import ceil, inf
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dwcp.tasks.consensus.contract import Level, Step
from dwcp.tasks.consensus.inputs import MISSING, row_of

__all__ = ["TARGET_FPR", "QuietLevels", "QuietScores", "conformal_threshold"]

TARGET_FPR = 0.01
"""Share of quiet seconds that a threshold may flag."""

_PATIENCE = 5
_LEAST_SCORES, _MOST_SCORES = 90, 3600
_RAISE = 2.0
_LEAST_LEVELS, _MOST_LEVELS, _EVERY = 30, 240, 10
_DEVIATION, _TAIL = 1.4826, 0.5
_DIGITS = 6


def conformal_threshold(quiet_scores: ArrayLike, rate: float) -> float:
    """The threshold that quiet scores pass at most at the given rate; the largest where they are too few.

    Args:
        quiet_scores: shape ``(n,)``, one or more.
        rate: inside (0, 1).
    """
    scores = np.sort(np.asarray(quiet_scores, dtype=np.float64))
    place = min(ceil((scores.size + 1) * (1 - rate)), scores.size)
    return float(scores[place - 1])


class _Waiting:
    """Lets a second pass once a few more have gone by without an alarm, and none soon after one.

    If an alarm stands by then, all that wait are dropped: an incident that is open, or just opens, is never
    taken for what is usual. A lone flag is no incident, and passes.
    """

    def __init__(self) -> None:
        self._waiting: deque[Any] = deque()
        self._rest = 0

    def through(self, one: Any, alarm: bool) -> Any | None:
        """Take one in; gives the one that has waited long enough, if any."""
        if alarm:
            self._waiting.clear()
            self._rest = _PATIENCE
        elif self._rest:
            self._rest -= 1
        else:
            self._waiting.append(one)
        return self._waiting.popleft() if len(self._waiting) > _PATIENCE else None

    def snapshot(self) -> dict[str, object]:
        return {"waiting": list(self._waiting), "rest": self._rest}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._waiting = deque(state.get("waiting", ()))
        self._rest = int(state.get("rest", 0))


class QuietScores:
    """Scores of late, of seconds in which no alarm stood, nor soon before or after."""

    def __init__(self) -> None:
        self._scores: deque[float] = deque(maxlen=_MOST_SCORES)
        self._waiting = _Waiting()
        self._own: float | None = None
        self._since = 0

    def add(self, score: float, alarm: bool) -> None:
        """Take in one second's score, and whether an alarm stands."""
        passed = self._waiting.through(score, alarm)
        if passed is None:
            return
        self._scores.append(float(passed))
        self._since += 1
        if len(self._scores) >= _LEAST_SCORES and (self._since >= _EVERY or self._own is None):
            self._own, self._since = conformal_threshold(self._scores, TARGET_FPR), 0

    def threshold(self, trained: float) -> float:
        """The deployment's own threshold, bounded from above; the trained one while too little is known.

        It never falls below: seconds under an alarm are missing here, and a quantile of what is left would
        sink, raise more alarms and sink on.
        """
        if self._own is None:
            return trained
        return min(max(self._own, trained), trained + _RAISE)

    def snapshot(self) -> dict[str, object]:
        """As JSON values."""
        told = {"scores": list(self._scores), "own": self._own, "since": self._since}
        return {**told, **self._waiting.snapshot()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a snapshot."""
        self._scores = deque(
            (float(score) for score in state.get("scores", ()) if -inf < score < inf), maxlen=_MOST_SCORES
        )
        own = state.get("own")
        self._own = None if own is None else float(own)
        self._since = int(state.get("since", 0))
        self._waiting.restore(state)


class QuietLevels:
    """Median and robust deviation of every measure over the latest quiet seconds, renewed now and then."""

    def __init__(self) -> None:
        self._rows: deque[list[float | None]] = deque(maxlen=_MOST_LEVELS)
        self._waiting = _Waiting()
        self._levels: tuple[Level, ...] = ()
        self._since = 0

    def add(self, step: Step, alarm: bool) -> None:
        """Take in a second, and whether an alarm stands."""
        row = [round(v, _DIGITS) if v == v else None for v in row_of(step).tolist()]
        passed = self._waiting.through(row, alarm)
        if passed is None:
            return
        self._rows.append(passed)
        self._since += 1
        if len(self._rows) >= _LEAST_LEVELS and (self._since >= _EVERY or not self._levels):
            self._levels, self._since = _levels_of(self._rows), 0

    @property
    def levels(self) -> tuple[Level, ...]:
        """A level for each of `MEASURES`; empty while too little is known."""
        return self._levels

    def snapshot(self) -> dict[str, object]:
        """As JSON values."""
        waiting = self._waiting.snapshot()
        levels = [list(level) for level in self._levels]
        return {"rows": list(self._rows), "levels": levels, "since": self._since, **waiting}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a snapshot."""
        self._rows = deque((list(row) for row in state.get("rows", ())), maxlen=_MOST_LEVELS)
        self._levels = tuple((float(centre), float(spread)) for centre, spread in state.get("levels", ()))
        self._since = int(state.get("since", 0))
        self._waiting.restore(state)


def _levels_of(rows: Sequence[Sequence[float | None]]) -> tuple[Level, ...]:
    values = np.array(rows, dtype=np.float64)
    known = np.isfinite(values)
    told = known.any(axis=0)
    centre = np.where(told, _median(values, known), 0.0)
    off = np.where(known, np.abs(values - centre), 0.0)
    deviation = np.sqrt(np.square(off).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
    spread = _DEVIATION * np.where(told, _median(off, known), 0.0) + _TAIL * deviation
    pairs = np.where(told, np.stack([centre, spread]), MISSING).T.tolist()
    return tuple((one[0], one[1]) for one in pairs)


def _median(values: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Along the first axis, of what is known; infinity where nothing is."""
    ordered = np.sort(np.where(known, values, np.inf), axis=0)
    middle = np.maximum(known.sum(axis=0) - 1, 0) // 2
    return np.asarray(np.take_along_axis(ordered, middle[None], axis=0)[0])
