"""The schema as Markdown tables for the documentation."""

from collections.abc import Iterable, Sequence

from dwcp.telemetry.schema.column import Column
from dwcp.telemetry.schema.columns import COLUMNS
from dwcp.telemetry.schema.kinds import KINDS, Kind

__all__ = ["as_markdown"]

_COLUMN_HEADER = ("group", "column", "type", "unit", "values", "kinds", "tasks", "meaning")
_KIND_HEADER = ("kind", "meaning", "recorded", "series", "required")


def as_markdown() -> str:
    """Two tables: the record kinds, and every column. A kind in bold requires the column."""
    kinds = _table(_KIND_HEADER, (_kind_cells(kind) for kind in KINDS.values()))
    columns = _table(_COLUMN_HEADER, (_column_cells(column) for column in COLUMNS))
    return f"## Record kinds\n\n{kinds}\n## Columns\n\n{columns}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _kind_cells(kind: Kind) -> tuple[str, ...]:
    recorded = "at a steady interval" if kind.sampled else "as it happens"
    return (f"`{kind.name}`", kind.meaning, recorded, _names(kind.series), _names(kind.required))


def _column_cells(column: Column) -> tuple[str, ...]:
    return (
        column.group.value,
        f"`{column.name}`",
        column.dtype.value,
        column.unit,
        _values(column),
        ", ".join(_uses(column)),
        ", ".join(column.tasks),
        column.meaning + _remarks(column),
    )


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _values(column: Column) -> str:
    if column.categories:
        return _names(column.categories)
    if column.low is None and column.high is None:
        return "any"
    low = "" if column.low is None else f"{column.low:,}"
    high = "" if column.high is None else f"{column.high:,.0f}"
    return f"{low} to {high}" if high else f"{low} or more"


def _uses(column: Column) -> Iterable[str]:
    for kind in KINDS.values():
        if kind.by_name.get(column.name) == column:
            needed = column.name in (*kind.keys, *kind.required)
            yield f"**{kind.name}**" if needed else kind.name


def _remarks(column: Column) -> str:
    remarks = {
        "keyed hash": bool(column.hashed),
        "quasi-identifier": column.quasi_identifier,
        "target, known only afterwards": column.target,
    }
    said = [text for text, holds in remarks.items() if holds]
    return f" ({'; '.join(said)})" if said else ""
