import numpy as np
import pytest
from made_links import noisy, wandering

from dwcp.tasks.bandwidth.walks import (
    WALKS,
    ahead,
    ewma,
    harmonic_mean,
    holt,
    last_value,
    log_errors,
    mean,
    ridge,
)

VALUES = wandering(60, 0.2)


@pytest.mark.parametrize("name", [name for name in WALKS if name != "ridge"])
def test_a_forecast_knows_nothing_of_what_comes_after(name: str) -> None:
    whole, part = WALKS[name](VALUES), WALKS[name](VALUES[:30])
    assert np.allclose(whole[:, :30], part)


@pytest.mark.parametrize("name", list(WALKS))
@pytest.mark.parametrize("count", [1, 2, 5, 6, 11, 60])
def test_every_length_gives_positive_finite_forecasts(name: str, count: int) -> None:
    for values in (VALUES[:count], np.full(count, 1e-6), np.geomspace(1e-6, 1e7, count)):
        found = WALKS[name](values)
        assert found.shape == (2, count)
        assert np.isfinite(found).all()
        assert (found > 0).all()


def test_what_each_says() -> None:
    values = np.array([10.0, 20.0, 40.0, 20.0, 10.0, 20.0])
    assert last_value(values)[0].tolist() == values.tolist()
    assert mean(values)[0, -1] == pytest.approx(22.0)
    assert harmonic_mean(values)[0, -1] == pytest.approx(5 / (1 / 20 + 1 / 40 + 1 / 20 + 1 / 10 + 1 / 20))
    assert ewma(0.5)(values)[0, 1] == pytest.approx(np.sqrt(200))


def test_holt_follows_a_trend_and_damps_it() -> None:
    rising = np.exp(0.1 * np.arange(40))
    first, then = holt(rising)[:, -1]
    assert first > rising[-2]
    assert then > first


def test_ridge_finds_what_returns_and_leaves_what_does_not() -> None:
    alternating = np.exp(np.tile([0.0, 1.0], 30) + 0.01 * np.random.default_rng(1).normal(size=60))
    assert ridge(alternating)[0, -1] == pytest.approx(1.0, rel=0.15)
    steady = np.full(60, 7.0)
    assert ridge(steady)[:, -1].tolist() == pytest.approx([7.0, 7.0])


def test_ridge_beats_last_value_on_noise() -> None:
    values = noisy(60, 0.3)
    errors = [np.abs(log_errors(values, walk(values))[0]).mean() for walk in (ridge, last_value)]
    assert errors[0] < errors[1]


def test_what_came_is_the_next_step_and_the_mean_of_five() -> None:
    values = np.arange(1.0, 9.0)
    found = ahead(values)
    assert found[0, :-1].tolist() == values[1:].tolist()
    assert found[1, :3].tolist() == [4.0, 5.0, 6.0]
    assert np.isnan(found[0, -1])
    assert np.isnan(found[1, 3:]).all()
    assert [len(errors) for errors in log_errors(values, last_value(values))] == [7, 3]
