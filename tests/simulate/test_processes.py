import numpy as np
import pytest

from dwcp.simulate.links.processes import Bursts, Drift, Handovers, Regimes, diurnal_factor
from dwcp.simulate.links.profiles import Regime

STEPS = 60_000


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("tau_s", [0.0, 5.0, 50.0])
def test_drift_has_mean_one_its_spread_and_its_memory(tau_s: float) -> None:
    factors = Drift(0.3, tau_s, 1.0, _rng(1)).advance(STEPS)
    logs = np.log(factors.value)
    assert factors.value.mean() == pytest.approx(1, abs=0.05)
    assert logs.std() == pytest.approx(0.3, rel=0.1)
    memory = np.exp(-1 / tau_s) if tau_s else 0.0
    assert np.corrcoef(logs[1:], logs[:-1])[0, 1] == pytest.approx(memory, abs=0.02)


def test_drift_expectation_is_that_of_many_futures() -> None:
    drift = Drift(0.5, 10.0, 1.0, _rng(2))
    present = drift.advance(1)
    start = np.log(present.value[0]) + 0.5**2 / 2
    rho = np.exp(-0.1)
    futures = rho * start + 0.5 * np.sqrt(1 - rho**2) * _rng(3).standard_normal(200_000)
    assert present.expected_next[0] == pytest.approx(np.exp(futures - 0.125).mean(), rel=0.01)


def test_burst_lengths_are_heavy_tailed() -> None:
    value = Bursts([0.5], 2.0, 20.0, 1.0, _rng(4)).advance(STEPS).value
    edges = np.flatnonzero(np.diff(np.concatenate([[0], value < 1, [0]]).astype(int)))
    lengths = edges[1::2] - edges[::2]
    exponential_tail = np.exp(-50 / lengths.mean())
    assert (lengths > 50).mean() > 3 * exponential_tail
    assert lengths.max() > 20 * np.median(lengths)


def test_burst_expectation_is_unbiased_when_off_and_when_on() -> None:
    factors = Bursts([0.3, 0.2], 2.0, 20.0, 1.0, _rng(5)).advance(STEPS)
    error = factors.value[1:] - factors.expected_next[:-1]
    busy = factors.value[:-1] < 1
    assert abs(error[busy].mean()) < 0.005
    assert abs(error[~busy].mean()) < 0.005


def test_regimes_come_as_often_and_stay_as_long_as_they_say() -> None:
    regimes = Regimes([Regime("congested", 100, 20, 0.5), Regime("outage", 400, 5, 0.0)], 1.0, _rng(6))
    states, factors = regimes.advance(STEPS)
    share = np.bincount(states, minlength=3) / STEPS
    normal = 1 / (1 + 20 / 100 + 5 / 400)
    assert share == pytest.approx([normal, normal * 0.2, normal * 0.0125], abs=0.02)
    assert set(np.unique(factors.value)) == {0.0, 0.5, 1.0}
    error = factors.value[1:] - factors.expected_next[:-1]
    for state in range(3):
        assert abs(error[states[:-1] == state].mean()) < 0.03


def test_handovers_change_on_the_grid_alone() -> None:
    factors, offset = Handovers(15, 0.3, 1.0, _rng(7)).advance(300)
    changes = np.flatnonzero(np.diff(factors.value)) + 1
    assert changes.tolist() == list(range(15, 300, 15))
    assert (np.flatnonzero(np.diff(offset)) + 1).tolist() == changes.tolist()
    assert (factors.expected_next[changes - 1] == 1).all()
    within = np.setdiff1d(np.arange(299), changes - 1)
    assert np.array_equal(factors.expected_next[within], factors.value[within + 1])


def test_no_handovers_without_a_period() -> None:
    factors, offset = Handovers(0, 0.3, 1.0, _rng(8)).advance(5)
    assert (factors.value == 1).all()
    assert (offset == 0).all()


def test_busiest_time_of_day_leaves_least() -> None:
    hours = np.arange(24) * 3600.0
    left = diurnal_factor(hours, 0.4, 20 * 3600)
    assert left.argmin() == 20
    assert left.min() == pytest.approx(0.6)
    assert left.max() == pytest.approx(1.0)
