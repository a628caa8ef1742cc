"""What a source gives: a batch of rows as they were found, and as the schema has them."""

from dataclasses import dataclass

import polars as pl

from dwcp.telemetry.rule import Rule

__all__ = ["Batch", "Fault"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule that some rows of a batch break.

    Attributes:
        rule: the rule.
        column: the column it is about; empty when it is about the row.
        rows: true for the rows that break it; as long as the batch.
        reason: what is wrong, in words that hold for each of the rows.
    """

    rule: Rule
    column: str
    rows: pl.Series
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a table.

    Attributes:
        numbers: the number of each row in the whole table, from 1.
        found: the rows as found, in the table's own columns and types; this is what a quarantine keeps.
        frame: the same rows in the kind's columns and types; null where a cell could not be read.
        faults: what was wrong in reading them.
    """

    numbers: pl.Series
    found: pl.DataFrame
    frame: pl.DataFrame
    faults: tuple[Fault, ...]
