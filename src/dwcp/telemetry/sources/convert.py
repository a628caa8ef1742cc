"""How the cells of one column become the schema's type.

Text is stripped; empty is missing. In columns that are not text, ``nan``, ``null``, ``na`` and ``n/a``, in
any case, are missing as well. A whole number may be written as ``3`` or ``3.0``, a truth as ``true``,
``false``, ``1`` or ``0``, a time as ISO 8601 (without a zone it is UTC). NaN is missing. Of typed columns,
integers may become floats, whole floats integers, 0 and 1 truths, and times without a zone are UTC;
nothing else is converted.
"""

from collections.abc import Callable, Mapping

import polars as pl

from dwcp.telemetry.schema import DType, polars_type

__all__ = ["Converter", "converter"]

Converter = Callable[[pl.Series], tuple[pl.Series, pl.Series]]
"""Cells to the values, null where there is none, and to which cells were missing to begin with."""

_MISSING_WORDS = ("", "nan", "null", "na", "n/a")
_EXACT_IN_FLOAT = 2**53


def converter(found: pl.DataType, dtype: DType) -> Converter | None:
    """The way from a type as found to one of the schema's; None where there is none."""
    if found == pl.Null:
        return lambda cells: (cells.cast(polars_type(dtype)), cells.is_null())
    return _CONVERTERS.get((_family(found), dtype))


def _family(found: pl.DataType) -> str:
    if isinstance(found, pl.String | pl.Categorical | pl.Enum):
        return "text"
    if isinstance(found, pl.Boolean):
        return "truth"
    if isinstance(found, pl.Datetime):
        return "time"
    if found.is_integer():
        return "integer"
    return "float" if found.is_float() else "other"


def _words(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    words = cells.cast(pl.String).str.strip_chars()
    return words, words.is_null() | words.str.to_lowercase().is_in(_MISSING_WORDS)


def _text_to_text(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    words = cells.cast(pl.String).str.strip_chars()
    missing = words.is_null() | (words == "")
    return words.set(missing, None), missing


def _text_to_int(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    words, missing = _words(cells)
    whole, _ = _float_to_int(words.cast(pl.Float64, strict=False))
    return words.cast(pl.Int64, strict=False).zip_with(~_is_float_text(words), whole), missing


def _is_float_text(words: pl.Series) -> pl.Series:
    return words.str.contains(r"[.eE]").fill_null(value=False)


def _text_to_float(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    words, missing = _words(cells)
    return words.cast(pl.Float64, strict=False).fill_nan(None).set(missing, None), missing


def _text_to_truth(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    words, missing = _words(cells)
    lower = words.str.to_lowercase()
    truth = lower.is_in(["true", "1"])
    return truth.set(~(truth | lower.is_in(["false", "0"])), None), missing


def _text_to_time(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    words, missing = _words(cells)
    dated = words.str.replace(r"^(\d{4}-\d\d-\d\d)$", "${1}T00:00:00").str.replace(" ", "T", literal=True)
    zoned = dated.str.replace(r"(T[\d:.]+)$", "${1}Z")
    times = zoned.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    return times, missing


def _int_to_int(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    return cells.cast(pl.Int64, strict=False), cells.is_null()


def _int_to_float(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    return cells.cast(pl.Float64), cells.is_null()


def _int_to_truth(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    return (cells == 1).set(~cells.is_in([0, 1]), None), cells.is_null()


def _float_to_int(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    values = cells.cast(pl.Float64).fill_nan(None)
    exact = (values == values.floor()) & (values.abs() <= _EXACT_IN_FLOAT)
    return values.set(~exact, None).cast(pl.Int64), values.is_null()


def _float_to_float(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    values = cells.cast(pl.Float64).fill_nan(None)
    return values, values.is_null()


def _truth_to_truth(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    return cells, cells.is_null()


def _time_to_time(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    zone = cells.dtype.time_zone if isinstance(cells.dtype, pl.Datetime) else None
    aware = cells.dt.replace_time_zone("UTC") if zone is None else cells.dt.convert_time_zone("UTC")
    return aware.dt.cast_time_unit("us"), cells.is_null()


_CONVERTERS: Mapping[tuple[str, DType], Converter] = {
    ("text", DType.STRING): _text_to_text,
    ("text", DType.INT64): _text_to_int,
    ("text", DType.FLOAT64): _text_to_float,
    ("text", DType.BOOL): _text_to_truth,
    ("text", DType.TIMESTAMP): _text_to_time,
    ("integer", DType.INT64): _int_to_int,
    ("integer", DType.FLOAT64): _int_to_float,
    ("integer", DType.BOOL): _int_to_truth,
    ("float", DType.INT64): _float_to_int,
    ("float", DType.FLOAT64): _float_to_float,
    ("truth", DType.BOOL): _truth_to_truth,
    ("time", DType.TIMESTAMP): _time_to_time,
}
