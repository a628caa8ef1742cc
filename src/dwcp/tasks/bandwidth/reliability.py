"""Confidences that mean what they say: how often forecasts of a stated confidence came true."""

from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Reliability"]

_BINS = 20
_TRUST = 30.0
_MOST = 2000.0


@dataclass(slots=True)
class Reliability:
    """Counts by stated confidence; between the middles of neighbouring bins a straight line.

    Attributes:
        told: trials of each bin, older ones counting less once there are many.
        true: those that came true.
    """

    told: list[float] = field(default_factory=lambda: [0.0] * _BINS)
    true: list[float] = field(default_factory=lambda: [0.0] * _BINS)

    def calibrated(self, stated: float) -> float:
        """The probability, 0 to 1; as stated where nothing is known."""
        place = min(max(stated * _BINS - 0.5, 0.0), _BINS - 1.0)
        low = int(place)
        high, share = min(low + 1, _BINS - 1), place - low
        return (1 - share) * self._of(low, stated) + share * self._of(high, stated)

    def learn(self, stated: float, came_true: bool) -> None:
        """Take in one trial."""
        place = min(int(stated * _BINS), _BINS - 1)
        if self.told[place] >= _MOST:
            self.told[place] /= 2
            self.true[place] /= 2
        self.told[place] += 1
        self.true[place] += came_true

    def restore(self, told: Sequence[float], true: Sequence[float]) -> None:
        """Continue from counts."""
        self.told, self.true = list(told), list(true)

    def _of(self, place: int, stated: float) -> float:
        return (self.true[place] + _TRUST * stated) / (self.told[place] + _TRUST)
