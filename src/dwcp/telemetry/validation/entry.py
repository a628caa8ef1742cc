"""Validating a whole table: from a source, in memory, or in a file."""

from contextlib import nullcontext
from pathlib import Path

import polars as pl

from dwcp.telemetry.sources import FrameSource, Source, open_source
from dwcp.telemetry.validation.quarantine import QuarantineWriter
from dwcp.telemetry.validation.report import ValidationReport
from dwcp.telemetry.validation.validator import Validator

__all__ = ["validate", "validate_file", "validate_source"]


def validate_source(
    source: Source, quarantine: Path | None = None, interval_s: float | None = None
) -> ValidationReport:
    """Check every batch of a source.

    Args:
        source: the table.
        quarantine: the file for bad rows; None to count them only.
        interval_s: the sampling interval, for gaps; None to take each series' own.

    Raises:
        InputError: the table cannot be read to its end.
        StorageError: the quarantine file cannot be written.
    """
    with nullcontext() if quarantine is None else QuarantineWriter(quarantine) as writer:
        validator = Validator(source.name, source.kind, writer, interval_s)
        for batch in source.batches():
            validator.check(batch)
    return validator.report()


def validate(
    frame: pl.DataFrame,
    kind: str | None = None,
    quarantine: Path | None = None,
    interval_s: float | None = None,
) -> ValidationReport:
    """Check a table in memory; see `validate_source`.

    Args:
        frame: the table.
        kind: the name of the record kind; None to tell it by the columns.
        quarantine: the file for bad rows; None to count them only.
        interval_s: the sampling interval, for gaps; None to take each series' own.

    Raises:
        SchemaError: the columns are not those of the kind, or of no kind.
        StorageError: the quarantine file cannot be written.
    """
    return validate_source(FrameSource(frame, kind), quarantine, interval_s)


def validate_file(
    path: Path,
    kind: str | None = None,
    quarantine: Path | None = None,
    interval_s: float | None = None,
) -> ValidationReport:
    """Check a CSV or Parquet file: what ``dwcp data validate`` does.

    Args:
        path: the file.
        kind: the name of the record kind; None to tell it by the folder or the columns.
        quarantine: the file for bad rows, which then takes rows with values in unknown columns as well.
            With None, bad rows go to ``NAME.quarantine.parquet`` beside the file, and an unknown column
            is an error.
        interval_s: the sampling interval, for gaps; None to take each series' own.

    Raises:
        SchemaError: the columns are not those of the kind, or of no kind.
        InputError: the file cannot be read to its end.
        StorageError: the quarantine file cannot be written.
    """
    source = open_source(path, kind, unknown="refuse" if quarantine is None else "quarantine")
    beside = path.with_name(f"{path.stem}.quarantine.parquet")
    return validate_source(source, quarantine or beside, interval_s)
