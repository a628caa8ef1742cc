"""ADWIN: a window of numbers that lets go of its older part as soon as the newer one differs.

Bifet and Gavaldà, "Learning from Time-Changing Data with Adaptive Windowing" (SIAM Data Mining 2007). The
window is kept as an exponential histogram: buckets of 1, 2, 4, ... values, a few of each size, so that a
window of ``W`` values takes ``O(log W)`` memory. The oldest bucket goes for as long as the window falls into
two parts whose means are further apart than chance allows, by their Bernstein bound (section 4.1 there):

    epsilon = sqrt(2 / m * variance * ln(2 / delta')) + 2 / (3 m) * ln(2 / delta')

with ``1 / m`` the sum of the inverse lengths of the parts, and ``delta' = delta / ln W``.
"""

import math
from typing import Any, cast

from dwcp.errors import InputError
from dwcp.evaluation.policy import State

__all__ = ["Adwin"]

_BUCKETS_A_SIZE = 5
_LEAST_PART = 5
"""Values that a part must have for the window to be cut there."""

_Bucket = tuple[int, float, float]
"""Count, sum, and sum of squared deviations from the mean."""


class Adwin:
    """The mean of a stream of late, and whether it changed.

    Args:
        delta: how readily chance is taken for a change, inside (0, 1).
        most_values: of the window; the oldest bucket goes beyond.

    Raises:
        InputError: a ``delta`` outside (0, 1).
    """

    def __init__(self, delta: float = 0.002, most_values: int = 1 << 14) -> None:
        if not 0 < delta < 1:
            raise InputError(f"ADWIN's delta lies inside (0, 1), not at {delta}")
        self._delta, self._most_values = delta, most_values
        self._buckets: list[_Bucket] = []
        self._whole: _Bucket = (0, 0.0, 0.0)

    def __len__(self) -> int:
        """Values in the window."""
        return self._whole[0]

    @property
    def mean(self) -> float:
        """Mean of the window; 0 when it is empty."""
        count, total, _ = self._whole
        return total / count if count else 0.0

    def update(self, value: float) -> bool:
        """Take in a value inside [0, 1]; true where the window was cut, as the mean has changed.

        Raises:
            InputError: the value lies outside, or is no number.
        """
        if not 0 <= value <= 1:
            raise InputError(f"ADWIN takes values inside [0, 1], not {value}")
        self._buckets.append((1, value, 0.0))
        self._compress()
        if len(self) >= self._most_values:
            del self._buckets[0]
        self._whole = _joined(self._buckets)
        cut = False
        while self._falls_apart():
            del self._buckets[0]
            self._whole = _joined(self._buckets)
            cut = True
        return cut

    def clear(self) -> None:
        """Empty the window."""
        self._buckets.clear()
        self._whole = (0, 0.0, 0.0)

    def snapshot(self) -> State:
        """What it remembers."""
        return {"buckets": [list(bucket) for bucket in self._buckets]}

    def restore(self, state: State) -> None:
        """Continue from a snapshot."""
        known = cast("dict[str, Any]", state)
        self._buckets = [(int(count), float(total), float(ss)) for count, total, ss in known["buckets"]]
        self._whole = _joined(self._buckets)

    def _compress(self) -> None:
        """Join the two oldest buckets of a size wherever there are too many of it."""
        size, end = 1, len(self._buckets)
        while True:
            begin = end
            while begin > 0 and self._buckets[begin - 1][0] == size:
                begin -= 1
            if end - begin <= _BUCKETS_A_SIZE:
                return
            self._buckets[begin : begin + 2] = [_joined(self._buckets[begin : begin + 2])]
            size, end = 2 * size, begin + 1

    def _falls_apart(self) -> bool:
        """Whether two parts of the window, each of a few values, have different means."""
        width, whole_total, deviation = self._whole
        if width < 2 * _LEAST_PART:
            return False
        odds = math.log(2 * math.log(width) / self._delta)
        count, total = 0, 0.0
        for more, more_total, _ in self._buckets:
            count, total = count + more, total + more_total
            rest = width - count
            if rest < _LEAST_PART:
                return False
            weight = 1 / (1 / count + 1 / rest)
            epsilon = math.sqrt(2 / weight * deviation / width * odds) + 2 / (3 * weight) * odds
            if count >= _LEAST_PART and abs(total / count - (whole_total - total) / rest) >= epsilon:
                return True
        return False


def _joined(buckets: list[_Bucket]) -> _Bucket:
    """Several buckets as one, by the pairwise update of the variance (Chan, Golub and LeVeque, 1979)."""
    count, total, deviation = 0, 0.0, 0.0
    for more, more_total, more_deviation in buckets:
        if count:
            gap = more_total / more - total / count
            deviation += gap * gap * count * more / (count + more)
        count, total, deviation = count + more, total + more_total, deviation + more_deviation
    return count, total, deviation
