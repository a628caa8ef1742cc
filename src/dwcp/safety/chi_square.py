"""The upper tail of the chi-square distribution, in closed form for whole degrees of freedom.

Abramowitz and Stegun, *Handbook of Mathematical Functions* (1964), 26.4.4 and 26.4.5: what a dependency on
SciPy would be there for.
"""

import math

from dwcp.errors import InputError

__all__ = ["chi_square_p_value"]


def chi_square_p_value(statistic: float, degrees: int) -> float:
    """Chance that a chi-square variable lies above ``statistic``.

    Args:
        statistic: 0 or more.
        degrees: of freedom, 1 or more.

    Raises:
        InputError: either is out of range.
    """
    if degrees < 1 or not statistic >= 0:
        raise InputError(
            f"a chi-square test takes a statistic from 0 and one degree of freedom or more, not {statistic} "
            f"and {degrees}"
        )
    half = statistic / 2
    if half == 0:
        return 1.0
    odd = degrees % 2
    # Each term is e^-x x^k / Gamma(k + 1), by logarithms, so that a great statistic is 0 and no overflow.
    powers = (step + odd / 2 for step in range((degrees - odd) // 2))
    tail = math.fsum(math.exp(power * math.log(half) - half - math.lgamma(power + 1)) for power in powers)
    return min(1.0, tail + (math.erfc(math.sqrt(half)) if odd else 0.0))
