"""Adaptive conformal inference: intervals that cover as often as they say, whatever the link does.

Source: Gibbs and Candès, "Adaptive conformal inference under distribution shift" (NeurIPS 2021), for each
tail on its own. A score is how far the truth lay from the median, in units of the width that was expected on
that side. A path's own scores count; as long as they are few, scores of other paths stand in.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["LAPPED_TAIL", "TAIL", "ScorePool", "Tails", "quantile"]

TAIL = 0.05
"""The share of truths wanted beyond each end of an interval."""
LAPPED_TAIL = 0.044
"""What is aimed at for means of several steps: their errors overlap, so that as many say less. On validation
traces of recorded links, aiming at the wanted share itself covers 1.2 % too little."""

_STEP = 0.02
_LEAST_LEVEL, _MOST_LEVEL = 0.002, 0.2
_OWN_SCORES, _POOL_SCORES = 200, 1000
_ENOUGH = 100
_PRIOR_SCORES = tuple(-1.6 + 3.2 * place / 19 for place in range(20))
_WIDEST = 50.0


def quantile(ordered: Sequence[float], level: float) -> float:
    """Of sorted numbers, at least one, between neighbours by straight line; beyond the ends, the ends."""
    place = level * (len(ordered) + 1) - 1
    low = min(max(int(place), 0), len(ordered) - 1)
    high = min(low + 1, len(ordered) - 1)
    share = min(max(place - low, 0.0), 1.0)
    return ordered[low] + share * (ordered[high] - ordered[low])


@dataclass(slots=True)
class ScorePool:
    """The latest thousand scores of all paths.

    Attributes:
        scores: in no order that means anything.
        seen: how many there were.
    """

    scores: list[float] = field(default_factory=list)
    seen: int = 0

    def add(self, score: float) -> None:
        """Take in one."""
        if len(self.scores) < _POOL_SCORES:
            self.scores.append(score)
        else:
            self.scores[self.seen % _POOL_SCORES] = score
        self.seen += 1

    def some(self, count: int) -> list[float]:
        """So many, spread evenly over them, or those there are; with too few, a usual set beside them."""
        known = self.scores if len(self.scores) >= len(_PRIOR_SCORES) else [*self.scores, *_PRIOR_SCORES]
        step = max(1, len(known) // max(1, count))
        return known[::step][:count]


@dataclass(slots=True)
class Tails:
    """What a path's truths did beyond its intervals.

    Attributes:
        scores: the latest.
        low_level: the level that is aimed at below, so that ``tail`` of the truths lie beyond.
        high_level: the same above.
        tail: share of the truths.
    """

    scores: deque[float] = field(default_factory=lambda: deque(maxlen=_OWN_SCORES))
    low_level: float = TAIL
    high_level: float = TAIL
    tail: float = TAIL

    @classmethod
    def aiming_at(cls, tail: float) -> "Tails":
        """Nothing known yet."""
        return cls(low_level=tail, high_level=tail, tail=tail)

    def ordered(self, pool: ScorePool) -> list[float]:
        """The scores to go by, sorted."""
        return sorted((*self.scores, *pool.some(_ENOUGH - len(self.scores))))

    def bounds(self, ordered: Sequence[float]) -> tuple[float, float]:
        """Lower and upper end in scores: not above and not below 0."""
        low, high = quantile(ordered, self.low_level), quantile(ordered, 1 - self.high_level)
        return min(low, 0.0), max(high, 0.0)

    def learn(self, score: float, bounds: tuple[float, float]) -> None:
        """Take in how far the truth lay out, and move the levels by whether it lay beyond the bounds."""
        self.low_level = _moved(self.low_level, self.tail, score < bounds[0])
        self.high_level = _moved(self.high_level, self.tail, score > bounds[1])
        self.scores.append(min(max(score, -_WIDEST), _WIDEST))


def _moved(level: float, tail: float, missed: bool) -> float:
    return min(max(level + _STEP * (tail - missed), _LEAST_LEVEL), _MOST_LEVEL)
