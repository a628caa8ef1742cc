"""A table of outcomes, CSV, Parquet or JSON lines: a unit, its arm and its figures in each row."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from dwcp.errors import InputError, SchemaError
from dwcp.safety.experiments import Exposure, Metric, Observations, Outcome, metric_values, observations_of
from dwcp.telemetry.schema import DType
from dwcp.telemetry.sources.convert import converter

__all__ = ["observed_in", "read_outcomes"]

_PARQUET = b"PAR1"
_TIME = "when_s"


def read_outcomes(path: Path, metrics: Sequence[str]) -> pl.DataFrame:
    """Read a table in the order of time, where it tells the time, or else as it stands.

    Args:
        path: with columns ``unit`` and ``arm``, perhaps ``when_s``, and those of the metrics.
        metrics: columns wanted.

    Returns:
        Columns ``when_s``, ``unit``, ``arm`` and the metrics, as numbers.

    Raises:
        InputError: the file cannot be read.
        SchemaError: a column is missing, or holds what it must not.
    """
    table = _read(path)
    absent = [name for name in ("unit", "arm", *metrics) if name not in table.columns]
    if absent:
        held = ", ".join(table.columns)
        raise SchemaError(f"{path} has no column {', '.join(absent)}; it has {held}")
    if table.is_empty():
        raise SchemaError(f"{path} holds no row; there is nothing to analyse")
    for name in ("unit", "arm"):
        if table[name].null_count():
            raise SchemaError(f"{path} has rows without {name}; remove them")
    told = _TIME in table.columns
    time = _numbers(path, table, _TIME) if told else pl.int_range(table.height, eager=True).cast(pl.Float64)
    if time.null_count():
        raise SchemaError(f"{path} has rows without {_TIME}; remove them")
    columns = [time.alias(_TIME), *(table[name].cast(pl.String) for name in ("unit", "arm"))]
    columns += [_numbers(path, table, name).alias(name) for name in metrics]
    return pl.DataFrame(columns).sort(_TIME, maintain_order=True)


def observed_in(table: pl.DataFrame, arms: Sequence[str], metrics: Sequence[Metric]) -> Observations:
    """The rows as observations: a unit's first row is its exposure, each row an outcome.

    Raises:
        InputError: an arm is not among those named, or a figure is out of range.
    """
    names = [metric.name for metric in metrics]
    exposures = table.select(_TIME, "unit", "arm").unique(["unit", "arm"], keep="first").iter_rows()
    outcomes = (
        Outcome(row[_TIME], row["unit"], metric_values(_told(row, names), metrics))
        for row in table.iter_rows(named=True)
    )
    return observations_of(arms, names, (Exposure(*row) for row in exposures), outcomes)


def _told(row: dict[str, object], names: Sequence[str]) -> dict[str, object]:
    return {name: row[name] for name in names if row[name] is not None}


def _read(path: Path) -> pl.DataFrame:
    try:
        with path.open("rb") as file:
            head = file.read(len(_PARQUET))
        if head == _PARQUET:
            return pl.read_parquet(path)
        if head.startswith(b"{"):
            return pl.read_ndjson(path, infer_schema_length=None)
        return pl.read_csv(path, infer_schema=False)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split("\n", 1)[0].split())
        raise InputError(
            f"{path} is no CSV file with a header, no Parquet and no JSON lines: {said}"
        ) from error


def _numbers(path: Path, table: pl.DataFrame, name: str) -> pl.Series:
    cells = table[name]
    if cells.dtype == pl.Boolean:
        return cells.cast(pl.Float64)
    if cells.dtype == pl.String:
        words = cells.str.strip_chars().str.to_lowercase()
        cells = words.replace({"true": "1", "false": "0"})
    convert = converter(cells.dtype, DType.FLOAT64)
    if convert is None:
        raise SchemaError(f"{path}: column {name} holds {cells.dtype}, not numbers; convert it first")
    numbers, missing = convert(cells)
    bad = (numbers.is_null() & ~missing).arg_true()
    if len(bad):
        raise SchemaError(
            f"{path}: {name} of row {bad[0] + 1} is {table[name][bad[0]]!r}, no number; mend it"
        )
    return numbers
