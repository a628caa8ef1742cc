"""The generator's own forecast: nothing beats it, and it covers what it says."""

from functools import lru_cache

import numpy as np
import pytest

from dwcp.errors import InputError
from dwcp.simulate.links import LINK_KINDS, LinkKind, LinkSimulator, LinkTrace, Optimum, simulate_with_optimum


@lru_cache(maxsize=64)
def made(kind: LinkKind, seed: int, moments: int = 30, futures: int = 80) -> tuple[LinkTrace, Optimum]:
    link = LinkSimulator(kind, 1.0, np.random.default_rng(seed))
    return simulate_with_optimum(link, moments, 20, np.random.default_rng(seed + 999), futures=futures)


def came(trace: LinkTrace, optimum: Optimum) -> tuple[np.ndarray, np.ndarray]:
    """What came after each moment: next step and horizon."""
    ahead = optimum.at[:, None] + np.arange(1, optimum.horizon_steps + 1)
    steps = trace.bandwidth_mbps[ahead]
    return steps[:, 0], steps.mean(axis=1)


@pytest.mark.parametrize("kind", LINK_KINDS)
def test_nothing_that_sees_measurements_alone_does_better(kind: LinkKind) -> None:
    errors: dict[str, list[float]] = {"optimum": [], "last": [], "mean": []}
    for seed in range(5):
        trace, optimum = made(kind, seed)
        scale = trace.bandwidth_mbps.mean()
        last = trace.bandwidth_mbps[optimum.at]
        mean = np.mean([trace.bandwidth_mbps[optimum.at - back] for back in range(5)], axis=0)
        for actual, best in zip(came(trace, optimum), (optimum.next_step, optimum.horizon), strict=True):
            for name, forecast in (("optimum", best[:, 1]), ("last", last), ("mean", mean)):
                errors[name].append(float(np.abs(forecast - actual).mean() / scale))
    assert np.mean(errors["optimum"]) < 1.01 * min(np.mean(errors["last"]), np.mean(errors["mean"]))


@pytest.mark.parametrize("kind", LINK_KINDS)
def test_intervals_hold_nine_times_out_of_ten(kind: LinkKind) -> None:
    inside = []
    for seed in range(5):
        trace, optimum = made(kind, seed)
        for actual, told in zip(came(trace, optimum), (optimum.next_step, optimum.horizon), strict=True):
            inside.append((told[:, 0] <= actual) & (actual <= told[:, 2]))
    assert 0.84 <= np.mean(inside) <= 0.95


def test_the_link_goes_on_as_it_would_without_being_asked() -> None:
    trace, optimum = made("satellite", 3, moments=6)
    alone = LinkSimulator("satellite", 1.0, np.random.default_rng(3)).advance(6 * 20 + 5)
    assert np.array_equal(trace.bandwidth_mbps, alone.bandwidth_mbps)
    assert np.array_equal(trace.rtt_ms, alone.rtt_ms)
    assert optimum.at.tolist() == [19, 39, 59, 79, 99, 119]
    assert optimum.next_step.shape == optimum.horizon.shape == (6, 3)


@pytest.mark.parametrize("kind", LINK_KINDS)
def test_the_mean_of_the_futures_is_the_expectation(kind: LinkKind) -> None:
    link = LinkSimulator(kind, 1.0, np.random.default_rng(5))
    expected = link.advance(50).expected_next_mbps[-1]
    drawn = link.futures(4000, 1, np.random.default_rng(6))
    assert drawn.mean() == pytest.approx(expected, rel=0.02)


def test_the_seed_of_the_futures_decides() -> None:
    first, again = made("wan", 1, moments=3)[1], made("wan", 1, moments=3)[1]
    assert np.array_equal(first.next_step, again.next_step)


def test_what_cannot_be_is_refused() -> None:
    link = LinkSimulator("wan", 1.0, np.random.default_rng(0))
    for moments, every, futures in ((0, 20, 10), (1, 4, 10), (1, 20, 0)):
        with pytest.raises(InputError, match="an optimum takes"):
            simulate_with_optimum(link, moments, every, np.random.default_rng(0), futures=futures)
