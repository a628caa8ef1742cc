import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from dwcp.tasks.compression.contract import CANDIDATES  # noqa: E402
from dwcp.tasks.compression.inputs import FACTS  # noqa: E402
from dwcp.tasks.compression.model.decision import NOT_ALLOWED_S, TARGETS, Decide, FlowPrior  # noqa: E402
from dwcp.tasks.compression.model.features import DEPTHS  # noqa: E402

pytestmark = pytest.mark.train

COUNT = len(CANDIDATES)


@dataclass(frozen=True)
class Asked:
    """One row for `Decide`, and the prior it decides with."""

    prior: FlowPrior
    deviation: np.ndarray
    predicted: np.ndarray
    depth: int
    block_bytes: float
    bandwidth_mbps: float
    workers: np.ndarray
    cost_model: int
    cpu_price: float
    allowed: np.ndarray
    count: np.ndarray
    residual: np.ndarray


@st.composite
def asked(draw: st.DrawFn) -> Asked:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    factors = draw(st.integers(1, 5))
    seen = rng.random((3, COUNT)) < draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    allowed = (rng.random(COUNT) < draw(st.sampled_from([0.3, 1.0]))).astype(float)
    allowed[draw(st.integers(0, COUNT - 1))] = 1.0
    return Asked(
        FlowPrior(
            rng.normal(0, 0.2, (DEPTHS, TARGETS, factors)),
            rng.uniform(1e-3, 0.2, (DEPTHS, TARGETS)),
            rng.uniform(1e-3, 0.2, (DEPTHS, TARGETS)),
        ),
        rng.uniform(0.01, 0.5, (DEPTHS, TARGETS)),
        rng.uniform([[-6.0], [-2.0], [-2.0]], [[0.0], [6.0], [3.0]], (3, COUNT)),
        draw(st.integers(0, DEPTHS - 1)),
        float(draw(st.sampled_from([4096, 65536, 1 << 20, 1 << 24]))),
        draw(st.floats(1.0, 1e4)),
        rng.uniform(0.5, 16, 2),
        draw(st.integers(0, 2)),
        draw(st.floats(0, 3)),
        allowed,
        np.where(seen, rng.uniform(0.2, 10, (3, COUNT)), 0.0),
        np.where(seen, rng.normal(0, 0.4, (3, COUNT)), 0.0),
    )


def _tensor(values: object) -> "torch.Tensor":
    return torch.from_numpy(np.asarray(values, np.float32)[None])


def _decide(row: Asked) -> tuple[int, np.ndarray, float]:
    facts = np.full(len(FACTS), -1.0)
    facts[0] = row.block_bytes
    action, cost_s, confidence = Decide(row.prior, row.deviation).eval()(
        _tensor(row.predicted),
        torch.eye(DEPTHS)[[row.depth]],
        _tensor(facts),
        _tensor(row.bandwidth_mbps),
        _tensor(row.workers),
        torch.tensor([row.cost_model]),
        _tensor(row.cpu_price),
        _tensor(row.allowed),
        _tensor(row.count),
        _tensor(row.residual),
    )
    return int(action[0]), cost_s[0].numpy().astype(float), float(confidence[0])


def _posterior(row: Asked) -> np.ndarray:
    """Mean of a flow's residuals given what was seen, from the joint normal distribution as it stands."""
    loadings, own, noise = (part[row.depth] for part in (row.prior.loadings, row.prior.own, row.prior.noise))
    covariance = loadings @ loadings.T + np.diag(own)
    count, residual = row.count.ravel(), np.clip(row.residual.ravel(), -1.5, 1.5)
    seen = count > 0
    if not seen.any():
        return np.zeros((3, COUNT))
    observed = covariance[np.ix_(seen, seen)] + np.diag(noise[seen] / count[seen])
    mean = covariance[:, seen] @ np.linalg.solve(observed, residual[seen])
    return np.asarray(mean).reshape(3, COUNT)


def _costs(row: Asked) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of every candidate, and seconds on the network."""
    logs = row.predicted + _posterior(row)
    network_s = np.exp(np.clip(logs[0], -16, 0.01)) * row.block_bytes * 8e-6 / row.bandwidth_mbps
    compress_s, decompress_s = np.exp(np.clip(logs[1:], -16, 16)) * row.block_bytes / (1 << 20) / 1e3
    cost_s = (
        network_s + row.cpu_price * compress_s,
        np.maximum(network_s, np.maximum(compress_s / row.workers[0], decompress_s / row.workers[1])),
        network_s,
    )[row.cost_model]
    return np.where(row.allowed > 0, cost_s, NOT_ALLOWED_S), network_s


def _confidence(row: Asked, cost_s: np.ndarray, network_s: np.ndarray, action: int) -> float:
    """Least probability, over the rivals, that the choice is within 5% of the rival."""
    noise = row.prior.noise[row.depth].reshape(3, COUNT)
    of_flow = np.maximum(row.deviation[row.depth].reshape(3, COUNT) ** 2 - noise, 0)
    doubt = np.sqrt(noise + of_flow / (1 + row.count[1].sum()))
    on_network = np.minimum(network_s / cost_s, 1)
    spread = on_network * doubt[0] + (1 - on_network) * doubt[1]
    likely = 1.0
    for rival in range(COUNT):
        if cost_s[rival] > cost_s[action]:
            margin = math.log(cost_s[rival] / cost_s[action]) + math.log(1.05)
            sigma = math.sqrt(spread[rival] ** 2 + spread[action] ** 2 + 1e-6)
            likely = min(likely, 0.5 * (1 + math.erf(margin / sigma / math.sqrt(2))))
    return likely


@settings(max_examples=150, deadline=None)
@given(row=asked())
def test_decisions_are_those_of_plain_arithmetic(row: Asked) -> None:
    action, cost_s, confidence = _decide(row)
    expected, network_s = _costs(row)
    assert cost_s == pytest.approx(expected, rel=2e-3)
    assert row.allowed[action] == 1
    assert cost_s[action] == cost_s.min()
    assert expected[action] == pytest.approx(expected.min(), rel=2e-3)
    assert confidence == pytest.approx(_confidence(row, expected, network_s, action), abs=0.02)


@settings(max_examples=50, deadline=None)
@given(row=asked())
def test_a_batch_is_answered_row_by_row(row: Asked) -> None:
    decide = Decide(row.prior, row.deviation).eval()
    facts = np.full(len(FACTS), row.block_bytes)
    single = [
        _tensor(row.predicted),
        torch.eye(DEPTHS)[[row.depth]],
        _tensor(facts),
        _tensor(row.bandwidth_mbps),
        _tensor(row.workers),
        torch.tensor([row.cost_model]),
        _tensor(row.cpu_price),
        _tensor(row.allowed),
        _tensor(row.count),
        _tensor(row.residual),
    ]
    other = [
        values.flip(-1) if values.dim() > 1 and values.shape[1] == COUNT else values for values in single
    ]
    both = [torch.cat(pair) for pair in zip(single, other, strict=True)]
    for alone, together in zip(decide(*single), decide(*both), strict=True):
        assert torch.allclose(alone[0], together[0], rtol=1e-4)


@settings(max_examples=50, deadline=None)
@given(row=asked(), block_bytes=st.sampled_from([0.0, -1.0]))
def test_an_empty_block_costs_what_one_byte_does(row: Asked, block_bytes: float) -> None:
    answers = [_decide(replace(row, block_bytes=size)) for size in (block_bytes, 1.0)]
    (action, cost_s, confidence), (other_action, other_cost_s, other_confidence) = answers
    assert (action, confidence) == (other_action, other_confidence)
    assert np.array_equal(cost_s, other_cost_s)
    assert (cost_s > 0).all()
    assert 0 <= confidence <= 1
