"""The names of the quality rules, as they stand in counts, reports and quarantine files."""

from enum import StrEnum

__all__ = ["Rule"]


class Rule(StrEnum):
    """What a record or a table can be found to break."""

    UNKNOWN_KIND = "unknown_kind"
    """The kind is not in the schema."""
    UNKNOWN_COLUMN = "unknown_column"
    """A value in a column that the kind does not have."""
    SHAPE = "shape"
    """A line with more or fewer cells than the header."""
    TYPE = "type"
    """A value that is not of the column's type."""
    TOO_LONG = "too_long"
    """A string over 256 characters."""
    RANGE = "range"
    """A number outside the column's range, or not finite."""
    CATEGORY = "category"
    """A string that is not one of the column's categories."""
    MISSING_KEY = "missing_key"
    """No time or no series: the record cannot be placed."""
    MISSING_SHARE = "missing_share"
    """More than 5% of a required column is missing; a finding about the table, not about a row."""
    IMPOSSIBLE = "impossible"
    """Values that cannot be true together."""
    TIME_ORDER = "time_order"
    """Earlier than a row before it in the same series."""
    DUPLICATE = "duplicate"
    """A second record of the same time in a sampled series; or a second one that is equal throughout."""
    GAP = "gap"
    """More than 3 sampling intervals without a record; a finding about the table, not about a row."""
