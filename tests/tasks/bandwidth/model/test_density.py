import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.train

torch = pytest.importorskip("torch")

from dwcp.tasks.bandwidth.model.density import BINS, Density, bin_of, unit_of  # noqa: E402
from dwcp.tasks.bandwidth.model.features import Anchors  # noqa: E402


def anchors(latest: float = 100.0, scale: float = 0.2, rows: int = 1) -> Anchors:
    one = torch.ones(rows, 1)
    return Anchors(one * latest, one * latest * 0.01, one * scale, one * 0, one * 0)


def chances(values: np.ndarray) -> "torch.Tensor":
    return torch.tensor(values / values.sum(axis=1, keepdims=True), dtype=torch.float32)


def draws(density: Density, of: np.ndarray, unit: float, count: int = 100_000) -> np.ndarray:
    """What would come, drawn bin by bin: the slow way to everything the density says."""
    rng = np.random.default_rng(5)
    bins = rng.choice(BINS, count, p=of / of.sum())
    return unit * (density.lower.numpy()[bins] + rng.random(count) * density.width.numpy()[bins])


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0), st.floats(0.5, 20.0))
def test_it_reads_what_draws_would_show(seed: int, scale: float, sharpness: float) -> None:
    rng = np.random.default_rng(seed)
    of = np.exp(-sharpness * np.square(np.linspace(-1, 1, BINS) - rng.uniform(-0.3, 0.3)))[None, :]
    at = anchors(scale=scale)
    density = Density()
    (logs,), (near,) = density(chances(of), at)
    low, mid, high = logs.tolist()
    drawn = draws(density, of[0], float(unit_of(at)))
    assert low <= mid <= high
    assert np.mean(drawn < low) == pytest.approx(0.05, abs=8e-3)
    assert np.mean(drawn < high) == pytest.approx(0.95, abs=8e-3)
    truth, told = 100.0 * np.exp(drawn) - 1.0, 100.0 * np.exp(mid) - 1.0
    assert np.mean(np.abs(told - truth) <= 0.2 * truth + 1e-3) == pytest.approx(float(near), abs=8e-3)


def test_the_middle_is_where_most_chance_is_near_and_close_to_the_median() -> None:
    of = np.full((1, BINS), 1e-6)
    of[0, 50], of[0, 14] = 0.55, 0.449
    at = anchors(scale=1.0)
    density = Density()
    logs, near = density(chances(of), at)
    heavier = float((density.lower[50] + density.width[50] / 2) * unit_of(at))
    assert float(logs[0, 1]) == pytest.approx(heavier, abs=0.2)
    assert 0.5 < float(near[0]) < 0.6


@given(st.lists(st.floats(0.0, 1e6), min_size=2, max_size=2))
def test_a_truth_falls_into_the_bin_that_holds_it(truth: list[float]) -> None:
    at = anchors()
    density = Density()
    places = bin_of(torch.tensor([truth]), at)[0]
    for mbps, place in zip(truth, places.tolist(), strict=True):
        log = np.log((mbps + 1.0) / 100.0) / float(unit_of(at))
        edge = max(abs(log), 1.0) * 1e-5
        assert place == 0 or log >= float(density.lower[place]) - edge
        assert place == BINS - 1 or log <= float(density.lower[place] + density.width[place]) + edge


def test_a_link_that_carries_nothing_is_near_nothing() -> None:
    of = np.full((1, BINS), 1e-9)
    of[0, 31] = of[0, 32] = 1.0
    idle = Anchors(*(torch.full((1, 1), value) for value in (1e-6, 1e-6, 0.0, 0.0, 0.0)))
    logs, near = Density()(chances(of), idle)
    assert torch.isfinite(logs).all()
    assert float(near[0]) == pytest.approx(1.0, abs=1e-3)
