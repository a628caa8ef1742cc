"""Whether the arms got the shares of units they should have: if not, nothing else can be trusted.

Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments" (KDD 2019): Pearson's
chi-square test of the units counted against the configured weights, with a threshold strict enough to be
looked at often.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dwcp.errors import InputError
from dwcp.safety.chi_square import chi_square_p_value

__all__ = ["SAMPLE_RATIO_THRESHOLD", "SampleRatio", "check_sample_ratio"]

SAMPLE_RATIO_THRESHOLD = 0.001
"""A smaller p-value means that assignment or logging is broken."""
_LEAST_EXPECTED = 5.0
"""Units that each arm must be due for the chi-square distribution to be near enough (Cochran, 1954)."""


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """The check's result.

    Attributes:
        counts: units of each arm.
        expected: units each arm should have, given how many there are.
        p_value: chance of a split as uneven by accident; None where there are too few units to tell.
    """

    counts: Mapping[str, int]
    expected: Mapping[str, float]
    p_value: float | None

    @property
    def trusted(self) -> bool:
        """Whether nothing speaks against the split."""
        return self.p_value is None or self.p_value >= SAMPLE_RATIO_THRESHOLD

    def as_json(self) -> dict[str, object]:
        """The result as JSON values."""
        return {
            "counts": dict(self.counts),
            "expected": dict(self.expected),
            "p_value": self.p_value,
            "trusted": self.trusted,
        }


def check_sample_ratio(counts: Mapping[str, int], shares: Mapping[str, float]) -> SampleRatio:
    """Hold the units of each arm against the configured shares.

    Args:
        counts: units of each arm; one that is missing has none.
        shares: of every arm, adding up to 1.

    Raises:
        InputError: units were counted in an arm that there is not.
    """
    unknown = sorted(set(counts) - set(shares))
    if unknown:
        raise InputError(
            f"units were counted in {', '.join(unknown)}, which is no arm of {', '.join(shares)}"
        )
    found = {name: counts.get(name, 0) for name in shares}
    whole = sum(found.values())
    expected = {name: whole * share for name, share in shares.items()}
    if min(expected.values()) < _LEAST_EXPECTED:
        return SampleRatio(found, expected, None)
    statistic = sum((found[name] - due) ** 2 / due for name, due in expected.items())
    return SampleRatio(found, expected, chi_square_p_value(statistic, len(shares) - 1))
