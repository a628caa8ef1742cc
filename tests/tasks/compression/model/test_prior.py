import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dwcp.tasks.compression.contract import CANDIDATES, action_named  # noqa: E402
from dwcp.tasks.compression.inputs import FACTS, MEASURES  # noqa: E402
from dwcp.tasks.compression.model.decision import TARGETS, Decide, FlowPrior  # noqa: E402
from dwcp.tasks.compression.model.features import DEPTHS  # noqa: E402
from dwcp.tasks.compression.model.prior import fit_prior  # noqa: E402

pytestmark = pytest.mark.train

COUNT = len(CANDIDATES)
FLOWS, BLOCKS = 200, 6
PLAIN = np.tile([not action.use_reference for action in CANDIDATES], len(MEASURES))
STORED = np.arange(TARGETS) < COUNT


def _residuals(seed: int, shared: float, own: float, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Of flows whose plain candidates' sizes are all off by the same; and each row's flow."""
    rng = np.random.default_rng(seed)
    flows = rng.normal(0, own, (FLOWS, TARGETS))
    flows += rng.normal(0, shared, (FLOWS, 1)) * (PLAIN & STORED)
    rows = np.repeat(flows, BLOCKS, axis=0) + rng.normal(0, noise, (FLOWS * BLOCKS, TARGETS))
    return rows, np.repeat([f"flow {number}" for number in range(FLOWS)], BLOCKS)


def _fit(residuals: np.ndarray, flow: np.ndarray) -> FlowPrior:
    depth = np.repeat(np.arange(DEPTHS), len(residuals))
    return fit_prior(np.tile(residuals, (DEPTHS, 1)), depth, np.tile(flow, DEPTHS))


def _seen(prior: FlowPrior, name: str, residual: float, count: float) -> np.ndarray:
    """Log of the ratio of predicted sizes with and without one candidate's residual, ``(candidates,)``."""
    decide = Decide(prior, np.full((DEPTHS, TARGETS), 0.1)).eval()
    counts, residuals = np.zeros((2, 3, COUNT), np.float32), np.zeros((2, 3, COUNT), np.float32)
    at = CANDIDATES.index(action_named(name))
    counts[1, 0, at], residuals[1, 0, at] = count, residual
    facts = np.full((2, len(FACTS)), 1 << 20, np.float32)
    one = torch.ones(2)
    _, cost_s, _ = decide(
        torch.full((2, 3, COUNT), -1.0),
        torch.eye(DEPTHS)[[3, 3]],
        torch.from_numpy(facts),
        one,
        torch.ones(2, 2),
        torch.tensor([2, 2]),
        one,
        torch.ones(2, COUNT),
        torch.from_numpy(counts),
        torch.from_numpy(residuals),
    )
    return np.log(cost_s[1].numpy() / cost_s[0].numpy())


def test_what_flows_share_is_found_with_its_size() -> None:
    prior = _fit(*_residuals(0, shared=0.3, own=0.05, noise=0.1))
    explained = (prior.loadings[3] @ prior.loadings[3].T)[np.ix_(PLAIN & STORED, PLAIN & STORED)]
    assert explained.mean() == pytest.approx(0.3**2, rel=0.2)
    assert prior.noise[3].mean() == pytest.approx(0.1**2, rel=0.25)
    total = (prior.loadings[3] ** 2).sum(axis=1) + prior.own[3]
    assert total[PLAIN & STORED].mean() == pytest.approx(0.3**2 + 0.05**2 + 0.1**2 / BLOCKS, rel=0.2)


def test_one_candidate_that_was_tried_corrects_the_others() -> None:
    prior = _fit(*_residuals(1, shared=0.3, own=0.05, noise=0.1))
    moved = dict(zip((action.name for action in CANDIDATES), _seen(prior, "zstd-3", 0.4, 10.0), strict=True))
    assert moved["zstd-3"] == pytest.approx(0.4, abs=0.06)
    for name in ("lz4", "zstd-1", "zstd-9", "zstd-19"):
        assert 0.25 < moved[name] < 0.42
    for name in ("delta-1", "delta-9"):
        assert abs(moved[name]) < 0.1


def test_deltas_and_the_others_have_factors_of_their_own() -> None:
    rng = np.random.default_rng(6)
    everything = np.repeat(rng.normal(0, 0.3, (FLOWS, 1)), BLOCKS, axis=0) + np.zeros((1, TARGETS))
    residuals, flow = _residuals(5, shared=0.0, own=0.05, noise=0.1)
    loadings = _fit(residuals + everything, flow).loadings
    assert loadings.shape == (DEPTHS, TARGETS, 5)
    assert not loadings[:, PLAIN, 3:].any()
    assert not loadings[:, ~PLAIN, :3].any()
    for own in (PLAIN, ~PLAIN):
        explained = loadings[3][own] @ loadings[3][own].T
        assert explained.mean() == pytest.approx(0.3**2, rel=0.2)


def test_one_delta_that_was_tried_corrects_the_other_deltas_alone() -> None:
    residuals, flow = _residuals(7, shared=0.0, own=0.05, noise=0.1)
    reference = np.repeat(np.random.default_rng(8).normal(0, 0.3, (FLOWS, 1)), BLOCKS, axis=0)
    prior = _fit(residuals + reference * ~PLAIN, flow)
    moved = dict(zip((action.name for action in CANDIDATES), _seen(prior, "delta-3", 0.4, 10.0), strict=True))
    for name in ("delta-1", "delta-3", "delta-9", "delta-19"):
        assert moved[name] > 0.25
    assert all(moved[name] == 0 for name in ("lz4", "zstd-1", "zstd-3", "zstd-19"))


def test_little_evidence_corrects_little() -> None:
    prior = _fit(*_residuals(2, shared=0.1, own=0.05, noise=0.4))
    place = CANDIDATES.index(action_named("zstd-9"))
    once, often = (_seen(prior, "zstd-3", 0.3, count)[place] for count in (1.0, 10.0))
    assert 0 < once < 0.5 * often < 0.3
    assert _seen(prior, "zstd-3", 0.3, 0.0) == pytest.approx(0.0)


def test_where_flows_share_nothing_each_candidate_stands_alone() -> None:
    prior = _fit(*_residuals(3, shared=0.0, own=0.3, noise=0.05))
    moved = _seen(prior, "zstd-3", 0.4, 10.0)
    at = CANDIDATES.index(action_named("zstd-3"))
    assert moved[at] == pytest.approx(0.4, abs=0.1)
    assert np.abs(np.delete(moved, at)).mean() < 0.1


def test_with_no_rows_nothing_is_learned_of_flows() -> None:
    prior = fit_prior(np.zeros((0, TARGETS)), np.zeros(0, np.int64), np.zeros(0, np.str_))
    assert not prior.loadings.any()
    assert _seen(prior, "zstd-3", 0.4, 10.0) == pytest.approx(0.0)


def test_what_nobody_measured_makes_no_number_undefined() -> None:
    residuals, flow = _residuals(4, shared=0.3, own=0.05, noise=0.1)
    residuals[:, ~PLAIN] = np.nan
    residuals[::7, 3] = np.nan
    prior = _fit(residuals, flow)
    for part in (prior.loadings, prior.own, prior.noise):
        assert np.isfinite(part).all()
    assert (prior.own >= 0).all()
    assert (prior.noise > 0).all()
    assert not (prior.loadings[3] @ prior.loadings[3].T)[np.ix_(PLAIN, ~PLAIN)].any()


def test_a_wild_residual_does_not_rule() -> None:
    residuals, flow = _residuals(5, shared=0.1, own=0.05, noise=0.1)
    wild = residuals.copy()
    wild[0] = 1e6
    calm, stirred = _fit(residuals, flow), _fit(wild, flow)
    assert np.abs(stirred.noise - calm.noise).max() < 0.02
    assert np.abs((stirred.loadings**2).sum(axis=2) - (calm.loadings**2).sum(axis=2)).max() < 0.05
