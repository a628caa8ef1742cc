import math

import pytest
from made_links import context, steps

from dwcp.tasks.bandwidth.contract import Step
from dwcp.tasks.bandwidth.series import series_of, usable


def test_values_are_raised_by_a_hundredth_of_their_mean() -> None:
    series = series_of(context([100.0, 300.0]))
    assert series.floor == pytest.approx(2.0)
    assert series.values.tolist() == pytest.approx([102.0, 302.0])
    assert not series.doubtful


def test_app_limited_steps_stand_for_the_capacity_that_was_seen() -> None:
    made = (*steps([100.0]), *steps([5.0, 120.0], app_limited=True))
    series = series_of(context(made))
    assert (series.values - series.floor).tolist() == pytest.approx([100.0, 100.0, 120.0])
    assert not series.limited


def test_nothing_but_app_limited_steps_is_a_lower_bound() -> None:
    series = series_of(context(steps([5.0, 9.0, 3.0], app_limited=True)))
    assert series.limited
    assert series.doubtful
    assert series.values[-1] - series.floor == pytest.approx(9.0)


def test_missing_steps_are_left_out_and_counted_at_the_end() -> None:
    series = series_of(context([10.0, None, 20.0, float("nan"), -4.0]))
    assert len(series.values) == 2
    assert series.missing == 2


def test_jumps_and_stalls_are_noticed() -> None:
    assert series_of(context([1.0, 1.0, 100.0])).jumped
    assert series_of(context([100.0, 100.0, 1.0])).jumped
    assert not series_of(context([1.0, 2.0, 50.0])).jumped
    assert not series_of(context([90.0, 1.0, 100.0])).jumped
    assert series_of(context([10.0] * 20 + [0.0])).stalled
    assert not series_of(context([0.0] * 20)).stalled


def test_nothing_measured() -> None:
    series = series_of(context([None, float("inf")]))
    assert len(series.values) == 0
    assert series.doubtful


@pytest.mark.parametrize("mbps", [None, math.nan, math.inf, -1.0, 1e8])
def test_not_usable(mbps) -> None:
    assert usable(Step(mbps)) is None
