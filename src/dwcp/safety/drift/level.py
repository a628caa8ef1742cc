"""How far something has drifted, in one word."""

from enum import StrEnum

__all__ = ["DriftLevel", "worst"]


class DriftLevel(StrEnum):
    """What is told of a column, of the outcome, or of all."""

    TOO_LITTLE = "too_little_data"
    """Neither good nor bad: the least number of rows is not there yet."""
    NONE = "none"
    WATCH = "watch"
    DRIFT = "drift"


_ORDER = tuple(DriftLevel)


def worst(*levels: DriftLevel) -> DriftLevel:
    """The worst of several; too little data where there is nothing else, or nothing."""
    return max(levels, key=_ORDER.index, default=DriftLevel.TOO_LITTLE)
