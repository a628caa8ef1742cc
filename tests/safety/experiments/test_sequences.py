import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.errors import InputError
from dwcp.safety.experiments import (
    Moments,
    asymptotic_width,
    difference_of_means,
    proportion_sequence,
    smoothed_variance,
)

ALPHA, DAYS, TIMES, LEAST_UNITS = 0.05, 30, 1000, 100


def peeked(draw, rng, daily=(100, 100), shift=0.0, proportion=False):
    """Share of simulated experiments where zero was outside on any day: the sequence's, and a z-test's."""
    means, naive, variances, units = [], [], [], []
    for place, count in enumerate(daily):
        values = draw(rng, (TIMES, DAYS, count)) + shift * place
        seen = np.arange(1, DAYS + 1) * float(count)
        mean = np.cumsum(values.sum(axis=2), axis=1) / seen
        squares = np.cumsum((values * values).sum(axis=2), axis=1)
        variance = np.maximum(squares - seen * mean * mean, 0) / (seen - 1)
        means.append(mean)
        units.append(seen)
        naive.append(variance / seen)
        smooth = smoothed_variance(variance, seen) if proportion else variance
        variances.append(smooth / seen)
    effect, enough = np.abs(means[1] - means[0]), np.minimum(*units) >= LEAST_UNITS
    width = asymptotic_width(units[0] + units[1], ALPHA, 2000)
    wrong = (effect > width * np.sqrt(variances[0] + variances[1])) & enough
    z = NormalDist().inv_cdf(1 - ALPHA / 2)
    fooled = (effect > z * np.sqrt(naive[0] + naive[1])) & enough
    return wrong.any(axis=1).mean(), fooled.any(axis=1).mean()


def normal(rng, shape):
    return rng.normal(size=shape)


def lognormal(rng, shape):
    return rng.lognormal(0, 1, size=shape)


def rare(rng, shape):
    return (rng.random(shape) < 0.05).astype(float)


@pytest.mark.parametrize(
    ("draw", "daily", "proportion"),
    [
        (normal, (100, 100), False),
        (lognormal, (100, 100), False),
        (lognormal, (80, 20), False),
        (rare, (100, 100), True),
    ],
)
def test_daily_peeking_stays_below_alpha_where_a_z_test_is_far_above(draw, daily, proportion):
    sequence, z_test = peeked(draw, np.random.default_rng(11), daily, proportion=proportion)
    assert sequence < ALPHA
    assert z_test > 4 * ALPHA


def test_a_true_effect_is_found():
    found, _ = peeked(normal, np.random.default_rng(12), shift=0.15)
    assert found > 0.95
    found, _ = peeked(rare, np.random.default_rng(12), shift=0.06)
    assert found > 0.95


def test_units_that_come_back_daily_do_not_raise_the_rate():
    rng, units, means = np.random.default_rng(13), 200, []
    for _ in range(2):
        usual = rng.normal(0, 0.3, (TIMES, 1, units))
        daily = usual + rng.normal(size=(TIMES, DAYS, units))
        means.append(np.cumsum(daily, axis=1) / np.arange(1, DAYS + 1)[:, None])
    error = np.sqrt(sum(mean.var(axis=2, ddof=1) for mean in means) / units)
    effect = np.abs(means[1].mean(axis=2) - means[0].mean(axis=2))
    assert (effect > error * asymptotic_width(2.0 * units, ALPHA, 2000)).any(axis=1).mean() < ALPHA


def test_the_width_is_least_about_where_it_is_tuned_and_no_less_than_at_a_fixed_moment():
    units = np.geomspace(10, 1e6, 400)
    # A radius shrinks with the root of the units; what is tuned is the width beside that.
    width = asymptotic_width(units, ALPHA, 2000)
    assert units[width.argmin()] == pytest.approx(2000, rel=0.3)
    assert width.min() > NormalDist().inv_cdf(1 - ALPHA / 2)
    radius = width / np.sqrt(units)
    assert (np.diff(radius) < 0).all()


def test_the_difference_follows_the_paper_and_welch():
    # Theorem 2.2 by hand, for t = 400 units of variances 1 and 4 in arms of 300 and 100.
    rho2 = (-2 * math.log(0.05) + math.log(-2 * math.log(0.05) + 1)) / 1000
    error = math.sqrt(1 / 300 + 4 / 100)
    boundary = math.sqrt(2 * (400 * rho2 + 1) / (400**2 * rho2) * math.log(math.sqrt(400 * rho2 + 1) / 0.05))
    found = difference_of_means(Moments(300, 1.0, 1.0), Moments(100, 1.5, 4.0), 0.05, 1000)
    assert found.estimate == 0.5
    assert found.high - found.estimate == pytest.approx(error * math.sqrt(400) * boundary)
    assert found.estimate - found.low == pytest.approx(found.high - found.estimate)
    with pytest.raises(InputError, match="a unit in each arm"):
        difference_of_means(Moments(0, 0.0, 0.0), Moments(1, 0.0, 0.0), 0.05, 1000)


@given(st.integers(1, 400), st.data())
def test_a_proportion_s_interval_holds_its_estimate_and_mirrors(units, data):
    successes = data.draw(st.integers(0, units))
    found = proportion_sequence(successes, units, 0.05)
    mirror = proportion_sequence(units - successes, units, 0.05)
    assert 0 <= found.low <= found.estimate <= found.high <= 1
    assert found.low == pytest.approx(1 - mirror.high, abs=1e-9)
    assert successes or found.low == 0


def test_a_proportion_is_exact_under_a_look_at_every_unit():
    rng = np.random.default_rng(14)
    for truth in (0.02, 0.5, 0.95):
        sums = np.cumsum(rng.random((300, 400)) < truth, axis=1)
        looks = sums[:, 9::10], np.arange(10, 401, 10)
        missed = 0
        bounds = {}
        for row in looks[0]:
            for successes, units in zip(row.tolist(), looks[1].tolist(), strict=True):
                key = successes, units
                if key not in bounds:
                    bounds[key] = proportion_sequence(successes, units, ALPHA)
                if not bounds[key].low <= truth <= bounds[key].high:
                    missed += 1
                    break
        assert missed / len(sums) < ALPHA
    with pytest.raises(InputError, match="3 successes of 2"):
        proportion_sequence(3, 2, 0.05)
    assert proportion_sequence(0, 0, 0.05).high == 1
