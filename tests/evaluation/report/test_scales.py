import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.evaluation.report.scales import number_text, scale_for

linear = st.lists(st.floats(-1e15, 1e15), min_size=1, max_size=10)
positive = st.lists(st.floats(1e-15, 1e15), min_size=1, max_size=10)


@given(linear, st.booleans())
def test_linear_scales_hold_every_value_and_mark_round_ones(values: list[float], from_zero: bool) -> None:
    scale = scale_for(values, "linear", 300, 20, from_zero=from_zero)
    assert scale.low < scale.high
    slack = 1e-6 * (scale.high - scale.low)
    assert scale.low <= min(values) + slack
    assert max(values) <= scale.high + slack
    assert 2 <= len(scale.ticks) <= 9
    assert all(20 <= scale.place(value) <= 300 for value in [*values, *scale.ticks])
    if from_zero:
        assert scale.low <= 0


@given(positive, st.integers(2, 8))
def test_log_scales_hold_every_value_and_mark_round_ones(values: list[float], most: int) -> None:
    scale = scale_for(values, "log", 0, 100, most)
    assert 0 < scale.low < min(values)
    assert max(values) < scale.high
    assert 1 <= len(scale.ticks) <= max(most, 7)
    assert all(scale.low <= tick <= scale.high for tick in scale.ticks)
    assert {f"{tick:e}"[0] for tick in scale.ticks} <= {"1", "2", "5"}
    places = [scale.place(value) for value in sorted(values)]
    assert places == sorted(places)


def test_equal_factors_are_equal_lengths() -> None:
    scale = scale_for([10, 10_000], "log", 0, 100)
    steps = [scale.place(10 * value) - scale.place(value) for value in (10, 100, 1000)]
    assert steps == pytest.approx([steps[0]] * 3)
    assert scale.ticks == (10, 100, 1000, 10_000)


def test_one_value_still_has_a_scale() -> None:
    assert scale_for([0.0], "linear", 0, 1).ticks[0] == 0
    assert len(scale_for([7.0], "log", 0, 1).ticks) >= 2


def test_a_scale_can_end_at_the_largest_value() -> None:
    scale = scale_for([0, 431], "linear", 0, 100, 3).cut_at(431)
    assert scale.ticks == (0, 200, 400)
    assert scale.place(431) == 100
    nothing = scale_for([0.0], "linear", 0, 100)
    assert nothing.cut_at(0.0) == nothing


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.25, "0.25"),
        (-4000, "-4,000"),
        (10_000, "10,000"),
        (2.5e6, "2.5 M"),
        (3e9, "3 G"),
        (1e-7, "1e-7"),
        (2.5e14, "2.5e14"),
    ],
)
def test_numbers_as_text(value: float, text: str) -> None:
    assert number_text(value) == text
