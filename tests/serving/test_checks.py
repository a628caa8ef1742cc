import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.features.spec import InputColumn, InputSpec
from dwcp.serving import Reason
from dwcp.serving._checks import DeclinedError, InputCheck, OutputCheck
from dwcp.task import OutputColumn

LIMITED = InputColumn("limited", "float32", (), "s", "limited on both sides", low=0.1, high=0.7)
SPEC = InputSpec(
    "toy",
    (
        LIMITED,
        InputColumn("free", "float32", (2, 2), "1", "any finite number"),
        InputColumn("count", "int64", (), "1", "limited on one side", low=0),
    ),
)


def arrays(limited: float = 0.5, free: float = 0.0, count: int = 1, rows: int = 1) -> dict[str, np.ndarray]:
    return {
        "limited": np.full(rows, limited, np.float32),
        "free": np.full((rows, 2, 2), free, np.float32),
        "count": np.full(rows, count, np.int64),
    }


def declined(check: InputCheck, given: dict[str, np.ndarray]) -> DeclinedError | None:
    try:
        check(given)
    except DeclinedError as error:
        return error
    return None


@given(
    limited=st.floats(width=32),
    free=st.floats(width=32),
    count=st.integers(-(2**63), 2**63 - 1),
    rows=st.integers(1, 3),
)
def test_one_comparison_says_what_one_for_each_column_would(
    limited: float, free: float, count: int, rows: int
) -> None:
    low, high = np.float32(0.1), np.float32(0.7)
    good = {"limited": low <= np.float32(limited) <= high, "free": np.isfinite(free), "count": count >= 0}
    error = declined(InputCheck(SPEC), arrays(limited, free, count, rows))
    if error is None:
        assert all(good.values())
    else:
        assert error.reason is Reason.FALLBACK_OUT_OF_RANGE
        assert not error.model_at_fault
        assert f"input {next(name for name in good if not good[name])!r} is " in error.detail


def test_only_one_of_several_rows_is_off() -> None:
    given = arrays(rows=3)
    given["limited"][2] = 0.9
    error = declined(InputCheck(SPEC), given)
    assert error is not None
    assert error.detail == "input 'limited' is 0.9, outside 0.1 to 0.7 s"


def test_a_limit_that_single_precision_cannot_hold_is_no_trap() -> None:
    assert declined(InputCheck(SPEC), arrays(limited=0.1)) is None
    assert declined(InputCheck(SPEC), arrays(limited=0.7)) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"limited": None}, "input 'limited' is missing, expected float32[1]"),
        ({"limited": np.zeros(1)}, "input 'limited' is float64[1], expected float32[1]"),
        ({"count": np.zeros(0, np.int64)}, "input 'count' is int64[0], expected int64[1]"),
        ({"limited": np.float32([0.5, 0.5])}, "input 'free' is float32[0, 2, 2]"),
        ({"free": np.zeros((1, 4), np.float32)}, "input 'free' is float32[1, 4], expected float32[1, 2, 2]"),
    ],
)
def test_what_does_not_fit_the_specification(changes: dict[str, np.ndarray], words: str) -> None:
    error = declined(InputCheck(SPEC), arrays() | changes)
    assert error is not None
    assert error.reason is Reason.FALLBACK_SCHEMA_MISMATCH
    assert words in error.detail


def test_half_open_spans_are_told() -> None:
    error = declined(InputCheck(SPEC), arrays(count=-1))
    assert error is not None
    assert error.detail == "input 'count' is -1, outside 0 to inf 1"


def test_outputs_of_every_type() -> None:
    columns = [OutputColumn("p", "float32", (), "1", ""), OutputColumn("label", "int64", (), "1", "")]
    check = OutputCheck(columns)
    check({"p": np.ones(1, np.float32), "label": np.ones(1, np.int64), "more": np.full(1, np.nan)})
    with pytest.raises(DeclinedError, match="'p' is not finite") as caught:
        check({"p": np.array([-np.inf], np.float32), "label": np.ones(1, np.int64)})
    assert caught.value.model_at_fault
