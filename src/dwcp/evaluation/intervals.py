"""Confidence intervals by the cluster bootstrap: whole groups are drawn again, not single rows.

Rows of one group (a file, a link) resemble each other, so drawing rows would give intervals that are far
too narrow. Every statistic here is a ratio of sums (a mean is a sum over a count), which makes a resample
one matrix product. The default method is BCa (Efron, "Better Bootstrap Confidence Intervals", 1987), which
corrects for bias and skew; with few groups any bootstrap covers less than it says.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dwcp.errors import InputError

__all__ = [
    "Bootstrap",
    "Interval",
    "difference_interval",
    "mean_interval",
    "ratio_interval",
    "saving_interval",
]

_NORMAL = NormalDist()
_CELLS_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its confidence interval; the bounds are infinite when there is one group only."""

    estimate: float
    low: float
    high: float
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How to resample.

    Attributes:
        seed: the same seed and rows give the same interval.
        resamples: how many times the groups are drawn again.
        level: the interval's level, inside (0, 1).
        method: ``bca`` (corrected for bias and skew) or ``percentile``.
    """

    seed: int
    resamples: int = 2000
    level: float = 0.95
    method: Literal["bca", "percentile"] = "bca"

    def __post_init__(self) -> None:
        if not 0 < self.level < 1 or self.resamples < 1:
            raise InputError(
                f"a bootstrap takes a level inside (0, 1) and one resample or more, "
                f"not {self.level} and {self.resamples}"
            )


def mean_interval(values: ArrayLike, groups: Sequence[str], bootstrap: Bootstrap) -> Interval:
    """Interval of the mean of ``values``, shape ``(n,)``, each row in its group.

    Raises:
        InputError: lengths differ or are zero, or a value is not finite.
    """
    return ratio_interval(values, np.ones(len(groups)), groups, bootstrap)


def difference_interval(
    first: ArrayLike, second: ArrayLike, groups: Sequence[str], bootstrap: Bootstrap
) -> Interval:
    """Interval of the mean of ``first - second``, paired row by row.

    Raises:
        InputError: lengths differ or are zero, or a value is not finite.
    """
    one, other = _rows(first, groups), _rows(second, groups)
    return mean_interval(one - other, groups, bootstrap)


def ratio_interval(
    numerator: ArrayLike, denominator: ArrayLike, groups: Sequence[str], bootstrap: Bootstrap
) -> Interval:
    """Interval of ``sum(numerator) / sum(denominator)``, both of shape ``(n,)``.

    Raises:
        InputError: lengths differ or are zero, a value is not finite, or a denominator is negative or all
            of them are zero.
    """
    top, bottom = _rows(numerator, groups), _rows(denominator, groups)
    if bottom.min() < 0 or bottom.sum() == 0:
        raise InputError("the denominators of a ratio must not be negative, and not all zero")
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.zeros((len(names), 2))
    np.add.at(sums, place, np.stack([top, bottom], axis=1))
    estimate = float(sums[:, 0].sum() / sums[:, 1].sum())
    if len(sums) == 1:
        return Interval(estimate, -np.inf, np.inf, bootstrap.level)
    drawn = np.concatenate([_ratios(totals) for totals in _resampled(sums, bootstrap)])
    tails = np.array([(1 - bootstrap.level) / 2, (1 + bootstrap.level) / 2])
    if bootstrap.method == "bca":
        tails = _bca_tails(tails, drawn, estimate, _ratios(sums.sum(axis=0) - sums))
    low, high = np.quantile(drawn, tails)
    return Interval(estimate, float(low), float(high), bootstrap.level)


def saving_interval(
    cost: ArrayLike, other_cost: ArrayLike, groups: Sequence[str], bootstrap: Bootstrap
) -> Interval:
    """Interval of ``1 - sum(cost) / sum(other_cost)``: the share of another's total cost that is saved.

    Raises:
        InputError: lengths differ or are zero, a value is not finite, or the other's cost is negative or
            zero throughout.
    """
    ratio = ratio_interval(cost, other_cost, groups, bootstrap)
    return Interval(1 - ratio.estimate, 1 - ratio.high, 1 - ratio.low, ratio.level)


def _rows(values: ArrayLike, groups: Sequence[str]) -> NDArray[np.float64]:
    rows = np.asarray(values, dtype=np.float64)
    if rows.shape != (len(groups),) or rows.size == 0:
        raise InputError(
            f"an interval takes one value a row and one group a row: {rows.shape}, {len(groups)}"
        )
    if not np.isfinite(rows).all():
        raise InputError("an interval takes finite values; a regret over a free oracle has none")
    return rows


def _ratios(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ratio of each row of sums; rows that hold nothing in the denominator say nothing and are dropped."""
    held = sums[sums[:, 1] > 0]
    return np.divide(held[:, 0], held[:, 1])


def _resampled(sums: NDArray[np.float64], bootstrap: Bootstrap) -> Iterator[NDArray[np.float64]]:
    """Sums over groups drawn with replacement, shape ``(resamples, 2)``, some resamples at a time."""
    rng = np.random.default_rng(bootstrap.seed)
    groups = len(sums)
    batch = max(1, _CELLS_AT_ONCE // groups)
    for begin in range(0, bootstrap.resamples, batch):
        count = min(batch, bootstrap.resamples - begin)
        yield rng.multinomial(groups, np.full(groups, 1 / groups), size=count) @ sums


def _bca_tails(
    tails: NDArray[np.float64], drawn: NDArray[np.float64], estimate: float, jackknife: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Move the two tail probabilities for bias and acceleration (Efron 1987, equations 6.6 and 6.8)."""
    below = (np.mean(drawn < estimate) + np.mean(drawn <= estimate)) / 2
    below = np.clip(below, 0.5 / drawn.size, 1 - 0.5 / drawn.size)
    bias = _NORMAL.inv_cdf(float(below))
    influence = jackknife.mean() - jackknife
    largest = np.abs(influence).max(initial=0.0)
    influence = influence / largest if largest > 0 else influence
    spread = float(np.sum(influence**2))
    acceleration = float(np.sum(influence**3) / (6 * spread**1.5)) if spread > 0 else 0.0
    return np.array([_moved(bias, acceleration, float(tail)) for tail in tails])


def _moved(bias: float, acceleration: float, tail: float) -> float:
    score = bias + _NORMAL.inv_cdf(tail)
    room = 1 - acceleration * score
    return _NORMAL.cdf(bias + score / room) if room > 0 else float(score > 0)
