"""The schema of telemetry: one definition, and the forms derived from it."""

from dwcp.telemetry.schema.column import MAX_TEXT_CHARACTERS, Column, DType, Group, Row, Value
from dwcp.telemetry.schema.columns import COLUMNS, columns_of
from dwcp.telemetry.schema.json_schema import as_json_schema
from dwcp.telemetry.schema.kinds import KINDS, Kind, kind_named
from dwcp.telemetry.schema.markdown import as_markdown
from dwcp.telemetry.schema.tables import arrow_schema, polars_schema, polars_type

__all__ = [
    "COLUMNS",
    "KINDS",
    "MAX_TEXT_CHARACTERS",
    "Column",
    "DType",
    "Group",
    "Kind",
    "Row",
    "Value",
    "arrow_schema",
    "as_json_schema",
    "as_markdown",
    "columns_of",
    "kind_named",
    "polars_schema",
    "polars_type",
]
