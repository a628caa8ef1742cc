"""ADWIN: found where there is a change, silent where there is none, and small."""

import json

import numpy as np
import pytest

from dwcp.errors import InputError
from dwcp.tasks.bandwidth.adwin import Adwin


def fed(adwin: Adwin, values: np.ndarray) -> list[int]:
    """The places where it was cut."""
    return [place for place, value in enumerate(values.tolist()) if adwin.update(value)]


def coin(seed: int, share: float, count: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(count) < share).astype(np.float64)


@pytest.mark.parametrize(("before", "after", "within"), [(0.1, 0.9, 40), (0.1, 0.5, 150), (0.2, 0.4, 600)])
def test_a_change_of_the_mean_is_noticed_the_sooner_the_larger_it_is(before, after, within) -> None:
    for seed in range(5):
        adwin = Adwin()
        cuts = fed(adwin, np.concatenate([coin(seed, before, 2000), coin(seed + 50, after, 1000)]))
        later = [place for place in cuts if place >= 2000]
        assert later
        assert later[0] < 2000 + within
        assert adwin.mean == pytest.approx(after, abs=0.08)


def test_no_change_no_alarm() -> None:
    alarms = sum(len(fed(Adwin(), coin(seed, 0.2, 5000))) for seed in range(10))
    assert alarms <= 2
    assert fed(Adwin(), np.full(3000, 0.3)) == []


def test_a_slow_drift_is_followed() -> None:
    values = np.clip(
        np.linspace(0.1, 0.9, 4000) + 0.05 * np.random.default_rng(3).standard_normal(4000), 0, 1
    )
    adwin = Adwin()
    assert fed(adwin, values)
    assert adwin.mean > 0.75


def test_the_mean_is_that_of_the_window() -> None:
    values = np.random.default_rng(4).random(777)
    adwin = Adwin()
    assert fed(adwin, values) == []
    assert len(adwin) == 777
    assert adwin.mean == pytest.approx(values.mean())
    adwin.clear()
    assert (len(adwin), adwin.mean) == (0, 0.0)


def test_it_stays_small() -> None:
    adwin = Adwin(most_values=2000)
    fed(adwin, coin(5, 0.3, 20_000))
    assert len(adwin) <= 2000
    assert len(json.dumps(adwin.snapshot())) < 5_000


def test_it_goes_on_from_a_snapshot() -> None:
    values = np.concatenate([coin(6, 0.1, 300), coin(7, 0.8, 300)])
    whole, first, second = Adwin(), Adwin(), Adwin()
    wanted = fed(whole, values)
    fed(first, values[:250])
    second.restore(json.loads(json.dumps(first.snapshot())))
    assert [250 + place for place in fed(second, values[250:])] == [place for place in wanted if place >= 250]


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_what_is_outside_is_refused(value: float) -> None:
    with pytest.raises(InputError, match="inside"):
        Adwin().update(value)


@pytest.mark.parametrize("delta", [0.0, 1.0, -1.0, float("nan")])
def test_a_delta_outside_is_refused(delta: float) -> None:
    with pytest.raises(InputError, match="delta"):
        Adwin(delta)
