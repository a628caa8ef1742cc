"""Confidence sequences: intervals that hold at every number of units at once, so that looking is free.

A 95% confidence interval is wrong one time in twenty at one fixed moment; looked at every day until it
excludes zero, it is wrong far more often. A confidence *sequence* contains the truth at all times together
with the wanted probability, so one may look, and stop, whenever one likes.

*Difference of two means*: the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and
Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences" (Annals of Statistics, 2024;
arXiv 2103.06476), theorem 2.2, Robbins' normal mixture. With ``t`` units and the standard error ``s`` of the
estimate, which is the paper's deviation over root ``t``, and Welch's for two arms of unequal variance::

    estimate ± s * sqrt((t rho^2 + 1) / (t rho^2) * log((t rho^2 + 1) / alpha^2))

It is asymptotic as the central limit theorem is: a least number of units must be there before the first look
(their section 2.5 on delayed starts).

*A single proportion*: exact at any number, for any values inside [0, 1]: the beta-binomial mixture of Robbins
(1970), as in Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence
sequences" (Annals of Statistics, 2021). Values inside [0, 1] are dominated by Bernoulli ones, as a
likelihood ratio is convex in them.
"""

import math
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from dwcp.errors import InputError
from dwcp.evaluation.intervals import Interval

__all__ = [
    "Moments",
    "asymptotic_width",
    "difference_of_means",
    "moments_of",
    "proportion_sequence",
    "smoothed_variance",
]

_HALVINGS = 60
"""Of a search inside [0, 1]: past the precision of a double."""


@dataclass(frozen=True, slots=True)
class Moments:
    """One arm's units in three numbers.

    Attributes:
        units: how many.
        mean: of their values.
        variance: of their values, with ``units - 1`` below the line; 0 for a single unit.
    """

    units: int
    mean: float
    variance: float


def moments_of(values: NDArray[np.float64], *, proportion: bool) -> Moments:
    """The moments of units' values, shape ``(n,)``, one or more.

    Args:
        values: one a unit.
        proportion: inside [0, 1]; the variance is smoothed, or no success at all would look like certainty.
    """
    mean = float(values.mean())
    variance = float(values.var(ddof=1)) if values.size > 1 else 0.0
    if proportion:
        variance = float(smoothed_variance(variance, values.size))
    return Moments(values.size, mean, variance)


@overload
def smoothed_variance(variance: float, units: int) -> float: ...
@overload
def smoothed_variance(variance: NDArray[np.float64], units: NDArray[np.float64]) -> NDArray[np.float64]: ...
def smoothed_variance(
    variance: float | NDArray[np.float64], units: float | NDArray[np.float64]
) -> float | NDArray[np.float64]:
    """A proportion's variance with what one more success and failure would add, as Agresti and Caffo (2000).

    Args:
        variance: of ``units`` values inside [0, 1].
        units: how many.
    """
    return (variance * units + 1.0) / (units + 2.0)


def asymptotic_width(
    units: float | NDArray[np.float64], alpha: float, tuned_units: float
) -> NDArray[np.float64]:
    """Standard errors on each side of the estimate: 1.96 for one fixed moment, more for all of them.

    Args:
        units: seen so far, of any shape.
        alpha: chance of ever being wrong, inside (0, 1).
        tuned_units: where it is narrowest (their appendix B.1, without Lambert's function).
    """
    log_odds = -2 * math.log(alpha)
    spread = np.asarray(units, np.float64) * (log_odds + math.log(log_odds + 1)) / tuned_units
    width: NDArray[np.float64] = np.sqrt((spread + 1) / spread * (np.log(spread + 1) + log_odds))
    return width


def difference_of_means(control: Moments, treatment: Moments, alpha: float, tuned_units: float) -> Interval:
    """The always-valid interval of ``treatment - control``.

    Args:
        control: one arm.
        treatment: the other.
        alpha: chance of ever being wrong, inside (0, 1).
        tuned_units: of both arms together, where it is narrowest.

    Raises:
        InputError: an arm has no unit.
    """
    if min(control.units, treatment.units) < 1:
        raise InputError("a difference needs a unit in each arm")
    error = math.sqrt(control.variance / control.units + treatment.variance / treatment.units)
    radius = error * float(asymptotic_width(control.units + treatment.units, alpha, tuned_units))
    estimate = treatment.mean - control.mean
    return Interval(estimate, estimate - radius, estimate + radius, 1 - alpha)


def proportion_sequence(successes: float, units: float, alpha: float) -> Interval:
    """The always-valid interval of a mean of values inside [0, 1]; exact at any number of them.

    Args:
        successes: sum of the values, from 0 to ``units``.
        units: how many; 0 gives [0, 1]. Both may be broken numbers, as effective sample sizes are.
        alpha: chance of ever being wrong, inside (0, 1).

    Raises:
        InputError: the sum lies outside what it can be.
    """
    if not 0 <= successes <= units:
        raise InputError(f"{successes} successes of {units} there cannot be")
    if units == 0:
        return Interval(0.5, 0.0, 1.0, 1 - alpha)
    share = successes / units
    return Interval(
        share,
        _edge(successes, units, alpha, share, 0.0),
        _edge(successes, units, alpha, share, 1.0),
        1 - alpha,
    )


def _edge(successes: float, units: float, alpha: float, inside: float, outside: float) -> float:
    """The proportion between two where the mixture's evidence reaches ``1 / alpha``."""
    if not _refuted(successes, units, alpha, outside):
        return outside
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if _refuted(successes, units, alpha, middle):
            outside = middle
        else:
            inside = middle
    return outside


def _refuted(successes: float, units: float, alpha: float, p: float) -> bool:
    """Whether the evidence against ``p``, under a uniform mixture of alternatives, exceeds ``1 / alpha``."""
    failures = units - successes
    if (p == 0 and successes > 0) or (p == 1 and failures > 0):
        return True
    mixture = math.lgamma(successes + 1) + math.lgamma(failures + 1) - math.lgamma(units + 2)
    under = (successes * math.log(p) if successes else 0.0) + (failures * math.log1p(-p) if failures else 0.0)
    return mixture - under > -math.log(alpha)
