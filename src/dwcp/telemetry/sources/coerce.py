"""From the columns that were found to the kind's columns, each converted by rule."""

from collections.abc import Mapping

import polars as pl

from dwcp.errors import SchemaError
from dwcp.telemetry.rule import Rule
from dwcp.telemetry.schema import Kind, polars_schema
from dwcp.telemetry.sources.batch import Fault
from dwcp.telemetry.sources.convert import converter

__all__ = ["coerce"]


def coerce(
    table: str, found: pl.DataFrame, kind: Kind, mapping: Mapping[str, str]
) -> tuple[pl.DataFrame, tuple[Fault, ...]]:
    """Rows in the kind's columns and types.

    Args:
        table: what to call the table in messages.
        found: the rows as found.
        kind: the kind of the records.
        mapping: from the columns found to the schema's names; the others are unknown.

    Returns:
        The rows, null where a cell is missing or cannot be read, and the rows that have such a cell.

    Raises:
        SchemaError: a whole column is of a type that cannot be converted.
    """
    typed: dict[str, pl.Series] = {}
    faults = [_stranger(found[name]) for name in found.columns if name not in mapping]
    for source, name in mapping.items():
        dtype = kind.by_name[name].dtype
        convert = converter(found[source].dtype, dtype)
        if convert is None:
            held = found[source].dtype
            raise SchemaError(f"{table}: column {source!r} holds {held}, not {dtype}; convert it first")
        typed[name], missing = convert(found[source])
        unreadable = typed[name].is_null() & ~missing
        faults.append(Fault(Rule.TYPE, name, unreadable, f"{name} is not of type {dtype}"))
    _derive_time(typed)
    schema = polars_schema(kind)
    absent = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in schema.items() if name not in typed]
    frame = pl.DataFrame(typed).with_columns(absent).select(schema.names())
    return frame, tuple(fault for fault in faults if fault.rows.any())


def _stranger(cells: pl.Series) -> Fault:
    filled = cells.is_not_null()
    if cells.dtype == pl.String:
        filled &= cells.str.strip_chars() != ""
    return Fault(Rule.UNKNOWN_COLUMN, cells.name, filled, f"column {cells.name!r} is not in the schema")


def _derive_time(typed: dict[str, pl.Series]) -> None:
    """Each of the two times gives the other where the table has only one."""
    if "timestamp" not in typed:
        typed["timestamp"] = (typed["epoch_time"] // 1000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if "epoch_time" not in typed:
        exact = typed["timestamp"].dt.year().is_between(1970, 2200)  # beyond, ns do not fit 64 bits
        typed["epoch_time"] = typed["timestamp"].dt.epoch("us").set(~exact, None) * 1000
