"""How different two samples are, and how likely by chance: PSI, Kolmogorov-Smirnov, chi-square.

- *Population stability index*: ``sum((q - p) * log(q / p))`` over bins; usual reading: below 0.1 nothing,
  from 0.1 a change to watch, from 0.25 a change (Siddiqi, *Credit Risk Scorecards*, 2006). It is a size, and
  says nothing of chance.
- *Kolmogorov-Smirnov*: the greatest distance between two distribution functions, with the asymptotic p-value
  of Stephens (1970). On binned values the distance is at most the true one, so the test is on the safe side.
- *Chi-square* of two samples having the same shares, with an exact test of the bins too thin for it.
- *Holm's correction* (1979) of p-values of several columns.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dwcp.safety.chi_square import chi_square_p_value

__all__ = ["chi_square_homogeneity", "holm", "kolmogorov_p_value", "population_stability"]

_HALF_A_ROW = 0.5
_LEAST_EXPECTED = 5.0
_TERMS = 100


def population_stability(reference: NDArray[np.float64], recent: NDArray[np.float64]) -> float:
    """PSI of two vectors of counts over the same bins, shape ``(bins,)``, neither all zero.

    Half a row is added to each bin of each side, so that an empty one does not make it infinite.
    """
    p, q = reference + _HALF_A_ROW, recent + _HALF_A_ROW
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum((q - p) * np.log(q / p)))


def kolmogorov_p_value(distance: float, reference_rows: float, recent_rows: float) -> float:
    """Chance of two samples of one distribution being further apart than ``distance``."""
    root = math.sqrt(reference_rows * recent_rows / (reference_rows + recent_rows))
    scaled = (root + 0.12 + 0.11 / root) * distance
    if scaled < 0.2:
        # The series converges slowly there, to 1.
        return 1.0
    tail = 2 * math.fsum(
        (-1) ** (term - 1) * math.exp(-2 * (term * scaled) ** 2) for term in range(1, _TERMS)
    )
    return min(1.0, max(0.0, tail))


def chi_square_homogeneity(reference: NDArray[np.float64], recent: NDArray[np.float64]) -> float:
    """p-value of two vectors of counts, shape ``(bins,)``, neither all zero, having the same shares.

    Bins too thin for the chi-square distribution are laid together. What is new (a value never seen before)
    would vanish so; therefore these bins' recent rows are held against the binomial distribution as well,
    which is exact, and the smaller p-value is doubled.
    """
    counts = np.stack([reference, recent])
    counts = counts[:, np.argsort(-counts.sum(axis=0), kind="stable")]
    shares, pooled = counts.sum(axis=1) / counts.sum(), counts.sum(axis=0)
    thick = int(np.count_nonzero(pooled * shares.min() >= _LEAST_EXPECTED))
    thin = pooled[thick:].sum()
    # What is left over joins the thinnest bin that is thick, where it is not thick enough by itself.
    whole = thick if thin * shares.min() >= _LEAST_EXPECTED else max(0, thick - 1)
    joined = np.column_stack([counts[:, :whole], counts[:, whole:].sum(axis=1)])
    p_value = _pearson(joined) if joined.shape[1] > 1 else 1.0
    if not thin:
        return p_value
    return min(1.0, 2 * min(p_value, _binomial_tail(counts[1, thick:].sum(), thin, shares[1])))


def _pearson(counts: NDArray[np.float64]) -> float:
    """Of a table of two rows and several columns, none of them empty."""
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    return chi_square_p_value(float(np.sum((counts - expected) ** 2 / expected)), counts.shape[1] - 1)


def _binomial_tail(found: float, drawn: float, share: float) -> float:
    """Chance of ``found`` or more of ``drawn``, each with the chance ``share``; counts are rounded."""
    count, least = round(drawn), round(found)
    chances = (
        math.lgamma(count + 1)
        - math.lgamma(each + 1)
        - math.lgamma(count - each + 1)
        + each * math.log(share)
        + (count - each) * math.log1p(-share)
        for each in range(least, count + 1)
    )
    return min(1.0, math.fsum(map(math.exp, chances)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p-value corrected for there being several: step-down, never above 1."""
    corrected = [1.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected
