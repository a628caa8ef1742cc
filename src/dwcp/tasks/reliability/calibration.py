"""Thresholds by split-conformal prediction, and their refitting on quiet data of the deployment.

Source: Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World", 2005, chapter 4; for anomalies,
Laxhammar and Falkman, "Conformal prediction for distribution-independent anomaly detection", 2010: of quiet
scores that are exchangeable, the next passes the ``ceil((n + 1)(1 - rate))``-th smallest at most that often.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Mapping, Sequence
from math import ceil, inf

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["TARGET_FPR", "QuietScores", "conformal_threshold"]

TARGET_FPR = 0.008
"""Share of quiet rows that a threshold may flag: a little less than the one in a hundred that is promised."""

_LEAST, _MOST = 300, 1000
_PATIENCE = 5
_RAISE = 3.0


def conformal_threshold(quiet_scores: ArrayLike, rate: float) -> float:
    """The threshold that quiet scores pass at most at the given rate; the largest where they are too few.

    Args:
        quiet_scores: shape ``(n,)``, one or more.
        rate: inside (0, 1).
    """
    scores = np.sort(np.asarray(quiet_scores, dtype=np.float64))
    return float(scores[_place(scores.size, rate)])


def _place(count: int, rate: float) -> int:
    """Where the threshold is among so many scores in order."""
    return min(ceil((count + 1) * (1 - rate)), count) - 1


class QuietScores:
    """Scores of late at a deployment, of times at which no alarm stood, nor soon after.

    A score waits for a few rows before it counts. If an alarm stands by then, all that wait are dropped: an
    incident that is open, or just opens, is never taken for what is usual. A lone flag is not an incident,
    and counts.
    """

    def __init__(self) -> None:
        self._scores: deque[float] = deque()
        self._ordered: list[float] = []
        self._waiting: deque[float] = deque()
        self._rest = 0

    def add(self, score: float, alarm: bool) -> None:
        """Take in one row's score, and whether an alarm stands."""
        if alarm:
            self._waiting.clear()
            self._rest = _PATIENCE
        elif self._rest:
            self._rest -= 1
        else:
            self._waiting.append(score)
            if len(self._waiting) > _PATIENCE:
                self._keep(self._waiting.popleft())

    def threshold(self, trained: float, rate: float) -> float:
        """The deployment's own threshold, bounded from above; the trained one while too little is known.

        It never falls below: rows under an alarm are missing here, and a quantile of what is left would sink,
        raise more alarms and sink on.
        """
        if len(self._scores) < _LEAST:
            return trained
        own = self._ordered[_place(len(self._ordered), rate)]
        return min(max(own, trained), trained + _RAISE)

    def _keep(self, score: float) -> None:
        self._scores.append(score)
        insort(self._ordered, score)
        if len(self._scores) > _MOST:
            del self._ordered[bisect_left(self._ordered, self._scores.popleft())]

    def snapshot(self) -> dict[str, object]:
        """As JSON values."""
        return {"scores": list(self._scores), "waiting": list(self._waiting), "rest": self._rest}

    def restore(self, state: Mapping[str, object]) -> None:
        """Continue from a snapshot."""
        self._scores, self._ordered = deque(), []
        for score in _numbers(state.get("scores")):
            self._keep(score)
        self._waiting = deque(_numbers(state.get("waiting")))
        rest = state.get("rest", 0)
        self._rest = rest if isinstance(rest, int) else 0


def _numbers(values: object) -> Sequence[float]:
    known = values if isinstance(values, list) else []
    return [float(value) for value in known if -inf < value < inf]
