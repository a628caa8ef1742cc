"""Checking a table that ``dwcp measure`` or ``dwcp simulate compression`` wrote, row by row."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from dwcp.errors import SchemaError
from dwcp.tasks.compression.measure import ReferenceKind
from dwcp.tasks.compression.table import read_table
from dwcp.telemetry.rule import Rule
from dwcp.telemetry.sources import Fault
from dwcp.telemetry.validation import Finding, QuarantineWriter, ValidationReport

__all__ = ["check_measured", "is_measured"]

_OUTCOME = "stored_bytes:"
_KEYS = ("file", "family", "offset_bytes", "reference_kind", "block_bytes", "entropy_bits")


def is_measured(file: Path) -> bool:
    """Whether the columns are those of a measured table; false for whatever cannot be read."""
    try:
        names = list(pl.read_parquet_schema(file)) if file.is_file() else []
    except (OSError, pl.exceptions.PolarsError):
        return False
    return "reference_kind" in names and any(name.startswith(_OUTCOME) for name in names)


def check_measured(file: Path, quarantine: Path | None) -> ValidationReport:
    """Check every row of a measured table, then read it with its own reader.

    Args:
        file: the table.
        quarantine: where bad rows go; ``NAME.quarantine.parquet`` beside the table when None.

    Raises:
        SchemaError: the columns or types are not those of a measured table.
        InputError: the file cannot be read.
        StorageError: the quarantine file cannot be written.
    """
    try:
        table = pl.read_parquet(file)
        faults = [fault for fault in _faults(table) if fault.rows.any()]
    except (OSError, pl.exceptions.PolarsError) as error:
        read_table(file)  # says which column it is
        raise SchemaError(f"{file} cannot be checked: {error}") from error
    if not faults:
        read_table(file)
    numbers = pl.int_range(1, table.height + 1, eager=True)
    bad = pl.Series([any(rows) for rows in zip(*(f.rows for f in faults), strict=True)], dtype=pl.Boolean)
    with QuarantineWriter(quarantine or file.with_name(f"{file.stem}.quarantine.parquet")) as writer:
        if faults:
            writer.add(table, numbers, faults)
    findings = (
        Finding(fault.rule, fault.column, int(fault.rows.sum()), numbers.filter(fault.rows)[0], fault.reason)
        for fault in faults
    )
    return ValidationReport(
        table=str(file),
        kind="measured compression",
        rows=table.height,
        quarantined=int(bad.sum()),
        missing={},
        findings=tuple(findings),
        quarantine=writer.written,
    )


def _faults(table: pl.DataFrame) -> Iterator[Fault]:
    for name in _KEYS:
        yield Fault(Rule.MISSING_KEY, name, table[name].is_null(), f"{name} is missing")
    kinds = [kind.value for kind in ReferenceKind]
    known = table["reference_kind"].is_in(kinds).fill_null(value=True)
    reason = f"reference_kind is none of {', '.join(kinds)}"
    yield Fault(Rule.CATEGORY, "reference_kind", ~known, reason)
    for name, column in zip(table.columns, table.get_columns(), strict=True):
        if column.dtype.is_numeric():
            yield _range_fault(name, column)
    outcomes = [name for name in table.columns if name.startswith(_OUTCOME)]
    none = table.select(pl.all_horizontal(pl.col(outcomes).is_null())).to_series()
    yield Fault(Rule.IMPOSSIBLE, "outcomes", none, "no candidate was measured on the block")


def _range_fault(name: str, column: pl.Series) -> Fault:
    """Sizes and blocks are at least a byte, every other number at least zero, and all are finite."""
    positive = name == "block_bytes" or name.startswith(_OUTCOME)
    sound = (column > 0) if positive else (column >= 0)
    sound &= column.is_finite()
    reason = f"{name} is {'not positive' if positive else 'negative'} or not finite"
    return Fault(Rule.RANGE, name, ~sound.fill_null(value=True), reason)
