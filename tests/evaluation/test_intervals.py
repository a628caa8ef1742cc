import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dwcp.errors import InputError
from dwcp.evaluation.intervals import (
    Bootstrap,
    Interval,
    difference_interval,
    mean_interval,
    ratio_interval,
    saving_interval,
)

FAST = Bootstrap(seed=0, resamples=300)


def separate(count: int) -> list[str]:
    return [f"g{i}" for i in range(count)]


rows = st.lists(st.tuples(st.floats(-1e6, 1e6), st.sampled_from("abcdef")), min_size=1, max_size=40)


@given(rows, st.sampled_from(["bca", "percentile"]))
def test_bounds_are_in_order_and_within_the_group_means(data: list[tuple[float, str]], method: str) -> None:
    values, groups = np.array([value for value, _ in data]), [group for _, group in data]
    how = Bootstrap(seed=0, resamples=200, method=method)  # type: ignore[arg-type]
    interval = mean_interval(values, groups, how)
    assert interval == mean_interval(values, groups, how)
    assert interval.low <= interval.high
    assert interval.estimate == pytest.approx(values.mean(), abs=1e-6)
    if len(set(groups)) > 1:
        means = [values[[g == group for g in groups]].mean() for group in set(groups)]
        assert min(means) - 1e-6 <= interval.low
        assert interval.high <= max(means) + 1e-6


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_near_scipy_where_every_row_is_a_group(method: str) -> None:
    values = np.random.default_rng(3).lognormal(size=60)
    mine = mean_interval(values, separate(60), Bootstrap(1, 20_000, 0.9, method))  # type: ignore[arg-type]
    theirs = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=20_000,
        confidence_level=0.9,
        method=method,
        rng=np.random.default_rng(2),
    ).confidence_interval
    assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), rel=0.01)


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_covers_about_as_often_as_it_says_when_rows_of_a_group_resemble_each_other(method: str) -> None:
    rng = np.random.default_rng(5)
    groups = [f"g{i}" for i in range(40) for _ in range(10)]
    hits, by_row = 0, 0
    for seed in range(100):
        values = np.repeat(rng.normal(size=40), 10) + 0.1 * rng.normal(size=400)
        how = Bootstrap(seed, 300, 0.9, method)  # type: ignore[arg-type]
        clustered = mean_interval(values, groups, how)
        naive = mean_interval(values, separate(400), how)
        hits += clustered.low <= 0 <= clustered.high
        by_row += naive.low <= 0 <= naive.high
    assert 0.82 <= hits / 100 <= 0.97
    assert by_row / 100 < 0.6


def test_one_group_says_nothing_about_others() -> None:
    interval = mean_interval([1.0, 2.0], ["g", "g"], FAST)
    assert interval == Interval(1.5, -math.inf, math.inf)


def test_a_constant_has_no_width() -> None:
    interval = mean_interval([0.1] * 6, list("aabbcd"), FAST)
    assert (interval.low, interval.high) == pytest.approx((0.1, 0.1))


def test_pairing_takes_away_what_both_share() -> None:
    rng = np.random.default_rng(0)
    hard, easy = rng.normal(0, 100, 50), rng.normal(1, 0.1, 50)
    paired = difference_interval(hard + easy, hard, separate(50), FAST)
    assert 0.9 < paired.low < paired.estimate < paired.high < 1.1


def test_saving_is_one_minus_the_ratio_of_totals() -> None:
    cost, other, groups = [1.0, 3.0, 4.0], [2.0, 4.0, 4.0], list("abc")
    ratio, saving = ratio_interval(cost, other, groups, FAST), saving_interval(cost, other, groups, FAST)
    assert saving.estimate == pytest.approx(0.2)
    assert (saving.low, saving.high) == (1 - ratio.high, 1 - ratio.low)
    assert 0 <= saving.low < saving.estimate < saving.high <= 0.5


def test_groups_that_cost_nothing_do_not_break_a_ratio() -> None:
    interval = ratio_interval([0.0, 1.0], [0.0, 2.0], ["a", "b"], FAST)
    assert (interval.low, interval.high) == (0.5, 0.5)


def test_a_single_extreme_group_keeps_the_interval_finite() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for sign, level in itertools.product((1, -1), (0.95, 1 - 1e-10)):
            how = Bootstrap(0, 300, level)
            interval = mean_interval([sign * 1e9] + [0.0] * 399, separate(400), how)
            assert -math.inf < interval.low <= interval.estimate <= interval.high < math.inf


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.inf]])
def test_rows_that_do_not_fit_are_refused(values: list[float]) -> None:
    with pytest.raises(InputError):
        mean_interval(values, ["a", "b"], FAST)


def test_settings_and_denominators_are_checked() -> None:
    with pytest.raises(InputError, match="denominators"):
        ratio_interval([1.0], [0.0], ["a"], FAST)
    with pytest.raises(InputError, match="denominators"):
        ratio_interval([1.0, 1.0], [-1.0, 2.0], ["a", "b"], FAST)
    for level, resamples in ((1.0, 10), (0.9, 0)):
        with pytest.raises(InputError, match="level inside"):
            Bootstrap(0, resamples, level)


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(20.0)
    whole = mean_interval(values, separate(20), FAST)
    monkeypatch.setattr("dwcp.evaluation.intervals._CELLS_AT_ONCE", 20 * 7)
    assert mean_interval(values, separate(20), FAST) == whole
