"""Two predictors on the same samples: which one is off by less, if that can be said yet.

The interval is that of the mean difference of absolute errors, by the bootstrap over blocks of consecutive
steps (Carlstein, "The Use of Subseries Values for Estimating the Variance of a General Statistic from a
Stationary Sequence", 1986): errors of neighbouring steps resemble each other. It holds for one look; whoever
looks again and again until there is a winner will find one by chance.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dwcp.errors import InputError
from dwcp.evaluation.intervals import Bootstrap, Interval, difference_interval
from dwcp.tasks.bandwidth.contract import Step
from dwcp.tasks.bandwidth.series import Floats
from dwcp.tasks.bandwidth.service import ForecastService

__all__ = ["Comparison", "Winner", "compare"]

Winner = Literal["first", "second", "undecided"]

_BLOCK_STEPS = 30
_LEAST_BLOCKS = 10
"""Of fewer, no interval is to be trusted."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of two predictors.

    Attributes:
        first: name of one, and
        second: of the other.
        samples: steps that both forecast.
        first_mae_mbps: mean absolute error of the one's medians; NaN without samples.
        second_mae_mbps: of the other's.
        difference_mbps: the first's less the second's error with its interval; None from too few samples.
        winner: the one with the smaller error, if the interval leaves no doubt.
    """

    first: str
    second: str
    samples: int
    first_mae_mbps: float
    second_mae_mbps: float
    difference_mbps: Interval | None
    winner: Winner

    def line(self) -> str:
        """In one sentence."""
        if self.difference_mbps is None:
            return f"undecided: {self.samples} samples are too few"
        gap = self.difference_mbps
        told = (
            f"the error of {self.first} less that of {self.second} is {gap.estimate:+.3g} Mbit/s "
            f"({gap.level:.0%} interval {gap.low:+.3g} to {gap.high:+.3g}, {self.samples} samples)"
        )
        if self.winner == "undecided":
            return f"undecided: {told}"
        return f"{self.first if self.winner == 'first' else self.second} wins: {told}"


def compare(
    first: ForecastService, second: ForecastService, steps: Iterable[tuple[float, Step]], seed: int = 0
) -> Comparison:
    """Let two services forecast the same steps.

    Args:
        first: one service, and
        second: the other, each with a predictor of its own; both learn as they go.
        steps: end of each step in seconds since 1970 UTC, and what was measured in it, in order.
        seed: of the bootstrap.

    Raises:
        InputError: both are the same service.
    """
    if first is second:
        raise InputError("a service cannot be compared with itself; give two")
    errors = []
    for end_s, step in steps:
        found = [service.observe(step, end_s) for service in (first, second)]
        one, other = found
        if one is not None and other is not None:
            errors.append([abs(sample.mid_mbps - sample.actual_mbps) for sample in (one, other)])
        for service in (first, second):
            service.forecast(end_s)
    return _judged(first.name, second.name, np.array(errors).reshape(-1, 2), seed)


def _judged(first: str, second: str, errors: Floats, seed: int) -> Comparison:
    one, other = errors.T
    mae = (float(one.mean()), float(other.mean())) if len(errors) else (math.nan, math.nan)
    blocks = len(errors) // _BLOCK_STEPS
    if blocks < _LEAST_BLOCKS:
        return Comparison(first, second, len(errors), mae[0], mae[1], None, "undecided")
    groups = [str(min(row // _BLOCK_STEPS, blocks - 1)) for row in range(len(errors))]
    gap = difference_interval(one, other, groups, Bootstrap(seed))
    winner: Winner = "first" if gap.high < 0 else "second" if gap.low > 0 else "undecided"
    return Comparison(first, second, len(errors), mae[0], mae[1], gap, winner)
