"""The schema of a kind's tables, for pyarrow and Polars."""

from typing import TYPE_CHECKING

from dwcp.telemetry.schema.column import DType
from dwcp.telemetry.schema.kinds import Kind

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

__all__ = ["arrow_schema", "polars_schema", "polars_type"]


def arrow_schema(kind: Kind) -> "pa.Schema":
    """The kind's columns as a pyarrow schema; each field carries its unit as metadata.

    Every field may be null, as a required column may miss 5% of its values; the record's own keys may not.
    """
    import pyarrow as pa  # here, so that recording does not load it

    types = {
        DType.INT64: pa.int64(),
        DType.FLOAT64: pa.float64(),
        DType.BOOL: pa.bool_(),
        DType.STRING: pa.string(),
        DType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    }
    return pa.schema(
        [
            pa.field(
                column.name,
                types[column.dtype],
                nullable=column.name not in kind.keys,
                metadata={"unit": column.unit},
            )
            for column in kind.columns
        ],
        metadata={"kind": kind.name},
    )


def polars_schema(kind: Kind) -> "pl.Schema":
    """The kind's columns as a Polars schema."""
    import polars as pl  # here, so that recording does not load it

    return pl.Schema({column.name: polars_type(column.dtype) for column in kind.columns})


def polars_type(dtype: DType) -> "pl.DataType":
    """The Polars type that stores a schema type."""
    import polars as pl  # here, so that recording does not load it

    types: dict[DType, pl.DataType] = {
        DType.INT64: pl.Int64(),
        DType.FLOAT64: pl.Float64(),
        DType.BOOL: pl.Boolean(),
        DType.STRING: pl.String(),
        DType.TIMESTAMP: pl.Datetime("us", "UTC"),
    }
    return types[dtype]
