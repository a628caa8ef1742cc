from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.telemetry.schema import DType
from dwcp.telemetry.sources.convert import converter

BAD = object()
"""A cell that holds something, but not a value."""


def convert(cells: pl.Series, dtype: DType) -> list:
    way = converter(cells.dtype, dtype)
    assert way is not None
    values, missing = way(cells)
    pairs = zip(values.to_list(), missing.to_list(), strict=True)
    return [BAD if value is None and not gone else value for value, gone in pairs]


@pytest.mark.parametrize(
    ("dtype", "text", "value"),
    [
        (DType.INT64, " 7 ", 7),
        (DType.INT64, "-3.0", -3),
        (DType.INT64, "1e3", 1000),
        (DType.INT64, "9223372036854775807", 2**63 - 1),
        (DType.INT64, "9223372036854775808", BAD),
        (DType.INT64, "2.5", BAD),
        (DType.INT64, "1e300", BAD),
        (DType.INT64, "x", BAD),
        (DType.INT64, "NaN", None),
        (DType.INT64, "", None),
        (DType.INT64, None, None),
        (DType.FLOAT64, "2.5", 2.5),
        (DType.FLOAT64, "inf", float("inf")),
        (DType.FLOAT64, "n/a", None),
        (DType.FLOAT64, "-NaN", BAD),
        (DType.FLOAT64, "1,5", BAD),
        (DType.BOOL, "TRUE", True),
        (DType.BOOL, "0", False),
        (DType.BOOL, "yes", BAD),
        (DType.BOOL, " ", None),
        (DType.STRING, " none ", "none"),
        (DType.STRING, "nan", "nan"),
        (DType.STRING, " ", None),
        (DType.TIMESTAMP, "2026-01-01T00:00:00Z", datetime(2026, 1, 1, tzinfo=UTC)),
        (DType.TIMESTAMP, "2026-01-01 02:00:00.5+02:00", datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        (DType.TIMESTAMP, "2026-01-01 00:00:00", datetime(2026, 1, 1, tzinfo=UTC)),
        (DType.TIMESTAMP, "2026-01-01", datetime(2026, 1, 1, tzinfo=UTC)),
        (DType.TIMESTAMP, "2026-13-01", BAD),
        (DType.TIMESTAMP, "1767225600", BAD),
        (DType.TIMESTAMP, "null", None),
    ],
)
def test_text(dtype: DType, text: str | None, value: object) -> None:
    assert convert(pl.Series([text], dtype=pl.String), dtype) == [value]


@pytest.mark.parametrize(
    ("cells", "dtype", "values"),
    [
        (pl.Series([1, 2**64 - 1, None], dtype=pl.UInt64), DType.INT64, [1, BAD, None]),
        (pl.Series([1, None], dtype=pl.Int8), DType.FLOAT64, [1.0, None]),
        (pl.Series([1, 0, 2, None]), DType.BOOL, [True, False, BAD, None]),
        (pl.Series([1.0, 0.5, float("nan"), float("inf"), None]), DType.INT64, [1, BAD, None, BAD, None]),
        (pl.Series([1.5, float("nan"), None], dtype=pl.Float32), DType.FLOAT64, [1.5, None, None]),
        (pl.Series(["a", None], dtype=pl.Categorical), DType.STRING, ["a", None]),
        (pl.Series([None, None]), DType.TIMESTAMP, [None, None]),
        (pl.Series([datetime(2026, 1, 1)]), DType.TIMESTAMP, [datetime(2026, 1, 1, tzinfo=UTC)]),
    ],
)
def test_typed_columns(cells: pl.Series, dtype: DType, values: list) -> None:
    assert convert(cells, dtype) == values


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        (pl.Series([b"x"]), DType.STRING),
        (pl.Series([[1]]), DType.INT64),
        (pl.Series([1]), DType.STRING),
        (pl.Series([1]), DType.TIMESTAMP),
        (pl.Series([True]), DType.INT64),
        (pl.Series([1.0]), DType.BOOL),
    ],
)
def test_what_is_never_converted(cells: pl.Series, dtype: DType) -> None:
    assert converter(cells.dtype, dtype) is None


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_integers_survive_text(values: list[int]) -> None:
    assert convert(pl.Series([str(value) for value in values], dtype=pl.String), DType.INT64) == values


@given(st.lists(st.floats(allow_nan=False)))
def test_floats_survive_text(values: list[float]) -> None:
    assert convert(pl.Series([repr(value) for value in values], dtype=pl.String), DType.FLOAT64) == values


@given(st.lists(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1))))
def test_times_survive_text(values: list[datetime]) -> None:
    text = pl.Series([value.isoformat() for value in values], dtype=pl.String)
    assert convert(text, DType.TIMESTAMP) == [value.replace(tzinfo=UTC) for value in values]


@given(st.lists(st.text()))
def test_no_text_breaks_the_reader(values: list[str]) -> None:
    cells = pl.Series([value.encode("utf-8", "replace").decode() for value in values], dtype=pl.String)
    for dtype in DType:
        assert len(convert(cells, dtype)) == len(values)
