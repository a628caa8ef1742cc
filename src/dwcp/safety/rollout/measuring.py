"""What is measured of an arm, kept as sums: bounded, mergeable between processes, written as JSON."""

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Self

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

__all__ = ["Arm", "Latencies", "Measurement", "Moments", "Sums"]

_STEPS_PER_OCTAVE = 16
_LEAST, _MOST = -16 * 14, 16 * 17
_LEAST_MS = 2.0 ** (_LEAST / _STEPS_PER_OCTAVE)
"""Buckets from 0.06 microseconds to 131 seconds; what lies outside falls in the outermost."""


class Arm(StrEnum):
    """Who answers."""

    CONTROL = "control"
    CANDIDATE = "candidate"


class Measurement(Struct, frozen=True):
    """What is known of one decision; the answer and what came of it may be recorded one after the other.

    Attributes:
        answered: True for a usable answer, False for a failure, None when this is not the answer.
        latency_ms: how long the answer took.
        correct: whether it was right, by the measured outcome.
        regret: its cost above the best alternative's, in the task's cost unit.
        throughput_mbps: of what was done with it; of a candidate in shadow, nothing was.
    """

    answered: bool | None = None
    latency_ms: float | None = None
    correct: bool | None = None
    regret: float | None = None
    throughput_mbps: float | None = None


class Moments(Struct):
    """Count, mean and sum of squared deviations.

    Source: T. Chan, G. Golub and R. LeVeque, "Updating formulae and a pairwise algorithm" (1979).
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @property
    def variance(self) -> float:
        """Unbiased; infinite below two values, which say nothing about it."""
        return self.squares / (self.count - 1) if self.count > 1 else math.inf

    def add(self, values: NDArray[np.float64]) -> None:
        """Take in values, shape ``(n,)``; those that are not finite are passed over."""
        held = values[np.isfinite(values)]
        if held.size:
            mean = float(held.mean())
            self._merge(held.size, mean, float(np.square(held - mean).sum()))

    def merge(self, other: Self) -> None:
        """Take in all that another took in."""
        if other.count:
            self._merge(other.count, other.mean, other.squares)

    def _merge(self, count: int, mean: float, squares: float) -> None:
        total = self.count + count
        step = mean - self.mean
        self.squares += squares + step * step * self.count * count / total
        self.mean += step * count / total
        self.count = total


class Latencies(Struct):
    """A histogram with sixteen buckets an octave: a quantile is at most 4.5% too high."""

    count: int = 0
    buckets: dict[int, int] = field(default_factory=dict)

    def add(self, latencies_ms: NDArray[np.float64]) -> None:
        """Take in latencies, shape ``(n,)``; what is no time is passed over."""
        held = latencies_ms[np.isfinite(latencies_ms) & (latencies_ms >= 0)]
        # A latency on an edge belongs to the bucket that the edge ends.
        edges = np.ceil(_STEPS_PER_OCTAVE * np.log2(np.maximum(held, _LEAST_MS)))
        places, counts = np.unique(np.clip(edges - 1, _LEAST, _MOST).astype(int), return_counts=True)
        for place, count in zip(places.tolist(), counts.tolist(), strict=True):
            self.buckets[place] = self.buckets.get(place, 0) + count
        self.count += held.size

    def merge(self, other: Self) -> None:
        """Take in all that another took in."""
        self.count += other.count
        for place, held in other.buckets.items():
            self.buckets[place] = self.buckets.get(place, 0) + held

    def at_rank(self, rank: float) -> tuple[float, float]:
        """The edges, in ms, of the bucket that holds the latency of this rank, the least being 1.

        A rank below 1 has the edges 0 and 0, one above the count is infinite.
        """
        if rank < 1:
            return 0.0, 0.0
        below = 0
        for place in sorted(self.buckets):
            below += self.buckets[place]
            if below >= rank:
                low_ms = 0.0 if place == _LEAST else 2 ** (place / _STEPS_PER_OCTAVE)
                return low_ms, 2 ** ((place + 1) / _STEPS_PER_OCTAVE)
        return math.inf, math.inf


class Sums(Struct):
    """All that was measured of one arm over some time."""

    decisions: int = 0
    """Answers and failures."""
    failed: int = 0
    judged: int = 0
    """Decisions known to be right or wrong."""
    right: int = 0
    regret: Moments = field(default_factory=Moments)
    throughput_mbps: Moments = field(default_factory=Moments)
    latency_ms: Latencies = field(default_factory=Latencies)

    def add(self, measured: Sequence[Measurement]) -> None:
        """Take in measurements."""
        answered = [one.answered for one in measured if one.answered is not None]
        self.decisions += len(answered)
        self.failed += answered.count(False)
        correct = [one.correct for one in measured if one.correct is not None]
        self.judged += len(correct)
        self.right += correct.count(True)
        self.latency_ms.add(_array(one.latency_ms for one in measured))
        self.regret.add(_array(one.regret for one in measured))
        self.throughput_mbps.add(_array(one.throughput_mbps for one in measured))

    def merge(self, other: Self) -> None:
        """Take in all that another took in."""
        self.decisions += other.decisions
        self.failed += other.failed
        self.judged += other.judged
        self.right += other.right
        self.regret.merge(other.regret)
        self.throughput_mbps.merge(other.throughput_mbps)
        self.latency_ms.merge(other.latency_ms)


def _array(figures: Iterable[float | None]) -> NDArray[np.float64]:
    return np.array([figure for figure in figures if figure is not None], dtype=np.float64)
