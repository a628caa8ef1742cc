"""The schema as JSON Schema (draft 2020-12)."""

from dwcp.telemetry.schema.column import MAX_TEXT_CHARACTERS, Column, DType
from dwcp.telemetry.schema.kinds import KINDS, Kind

__all__ = ["as_json_schema"]

_INT64 = {"minimum": -(2**63), "maximum": 2**63 - 1}
_TYPES: dict[DType, dict[str, object]] = {
    DType.INT64: {"type": "integer", **_INT64},
    DType.FLOAT64: {"type": "number"},
    DType.BOOL: {"type": "boolean"},
    DType.STRING: {"type": "string", "maxLength": MAX_TEXT_CHARACTERS},
    DType.TIMESTAMP: {"type": "string", "format": "date-time"},
}


def as_json_schema() -> dict[str, object]:
    """One record as a JSON object: ``kind`` says which of the definitions it follows.

    A column's unit and group stand under ``x-unit`` and ``x-group``, the tasks that read it under
    ``x-tasks``; a missing value is left out or null, unless the record cannot be placed without it.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "DWCP telemetry record",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in KINDS],
        "$defs": {name: _kind(kind) for name, kind in KINDS.items()},
    }


def _kind(kind: Kind) -> dict[str, object]:
    columns = {column.name: _column(column, column.name in kind.keys) for column in kind.columns}
    return {
        "type": "object",
        "description": kind.meaning,
        "properties": {"kind": {"const": kind.name}, **columns},
        "required": ["kind", *kind.keys, *kind.required],
        "additionalProperties": False,
        "x-series": list(kind.series),
        "x-sampled": kind.sampled,
    }


def _column(column: Column, key: bool) -> dict[str, object]:
    shape = dict(_TYPES[column.dtype])
    if column.low is not None:
        shape["minimum"] = column.low
    if column.high is not None:
        shape["maximum"] = column.high
    if column.categories:
        shape["enum"] = [*column.categories] if key else [*column.categories, None]
    if not key:
        shape["type"] = [shape["type"], "null"]
    return {
        "description": column.meaning,
        **shape,
        "x-unit": column.unit,
        "x-group": column.group.value,
        "x-tasks": list(column.tasks),
        "x-identifier": bool(column.hashed),
        "x-quasi-identifier": column.quasi_identifier,
        "x-target": column.target,
    }
