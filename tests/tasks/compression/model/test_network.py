import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from dwcp.tasks.compression.contract import CANDIDATES  # noqa: E402
from dwcp.tasks.compression.inputs import FACTS, MEASURES  # noqa: E402
from dwcp.tasks.compression.model.network import (  # noqa: E402
    DEPTHS,
    NOT_ALLOWED_S,
    TARGETS,
    Decide,
    Features,
    FlowPrior,
    Mix,
    Residual,
    Stem,
    feature_names,
)

pytestmark = pytest.mark.train

COUNT = len(CANDIDATES)
NAMES = feature_names()
DELTAS = np.array([action.use_reference for action in CANDIDATES])


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


def test_features_are_named_in_order() -> None:
    facts = torch.arange(1, len(FACTS) + 1, dtype=torch.float32).reshape(1, -1)
    for place, name in enumerate(FACTS):
        if name.endswith(("_share", "_bits")):
            facts[0, place] /= 32
    _, features, _, _ = Features(np.ones(COUNT))(facts, torch.full((1, COUNT), -1.0))
    assert features.shape == (1, len(NAMES))
    named = dict(zip(NAMES, features[0].tolist(), strict=True))
    for name, value in zip(FACTS, facts[0].tolist(), strict=True):
        plain = name.endswith(("_share", "_bits"))
        assert named[name] == pytest.approx(value if plain else math.log(value), rel=1e-5), name


def test_what_is_not_known_is_nothing_and_shows_in_the_depth() -> None:
    known = {
        0: (),
        1: ("lz4_light", "lz4"),
        2: ("lz4_light", "lz4", "zstd_fast", "delta"),
        3: ("lz4_light", "lz4", "zstd_fast", "delta", "zstd_strong", "zstd_whole"),
    }
    features = Features(np.ones(COUNT))
    for depth, probes in known.items():
        facts = torch.full((1, len(FACTS)), -1.0)
        for place, name in enumerate(FACTS):
            if not name.endswith(("ratio", "ms_per_mib")) or name.startswith(probes or ("?",)):
                facts[0, place] = 0.5
        _, seen, at, _ = features(facts, torch.full((1, COUNT), -1.0))
        assert at[0].tolist() == [float(other == depth) for other in range(DEPTHS)]
        named = dict(zip(NAMES, seen[0].tolist(), strict=True))
        for name in NAMES:
            if name.endswith(("ratio", "ms_per_mib")):
                assert (named[name] != 0) == name.startswith(probes or ("?",)), name


@pytest.mark.parametrize(
    ("fact", "given_value", "seen"),
    [
        ("entropy_bits", 1e12, 8.0),
        ("difference_entropy_bits", -1.0, 0.0),
        ("stride_entropy_bits", 100.0, 8.0),
        ("zero_share", 1e6, 1.0),
        ("text_share", -1.0, 0.0),
        ("reference_same_share", 8.0, 1.0),
    ],
)
def test_what_is_out_of_its_range_is_taken_at_its_end(fact: str, given_value: float, seen: float) -> None:
    features = Features(np.ones(COUNT))
    both = torch.full((2, len(FACTS)), 0.5)
    both[:, FACTS.index(fact)] = torch.tensor([given_value, seen])
    _, made, _, _ = features(both, torch.full((2, COUNT), -1.0))
    assert dict(zip(NAMES, made[0].tolist(), strict=True))[fact] == seen
    changed = NAMES.index("reference_changed_share")
    assert made[0, changed].item() == made[1, changed].item()


@settings(max_examples=50, deadline=None)
@given(row=asked(), block_bytes=st.sampled_from([0.0, -1.0]))
def test_an_empty_block_costs_what_one_byte_does(row: Asked, block_bytes: float) -> None:
    answers = [_decide(replace(row, block_bytes=size)) for size in (block_bytes, 1.0)]
    (action, cost_s, confidence), (other_action, other_cost_s, other_confidence) = answers
    assert (action, confidence) == (other_action, other_confidence)
    assert np.array_equal(cost_s, other_cost_s)
    assert (cost_s > 0).all()
    assert 0 <= confidence <= 1


def test_a_slower_machine_is_seen_at_the_training_machines_speed() -> None:
    training = np.linspace(1.0, 2.0, COUNT)
    features = Features(training)
    facts = torch.full((1, len(FACTS)), 0.5)
    own = torch.from_numpy(training.astype(np.float32))[None]
    there = features(facts, own)
    slow_facts = facts.clone()
    for place, name in enumerate(FACTS):
        if name.endswith("ms_per_mib"):
            slow_facts[0, place] *= 3
    here = features(slow_facts, own * 3)
    for mine, theirs in zip(here[:3], there[:3], strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-5)
    assert torch.allclose(here[3], torch.full((1, COUNT), math.log(3.0)))
    assert not features(facts, torch.full((1, COUNT), -1.0))[3].any(), "not calibrated: taken as it was"


def test_a_stem_is_one_linear_map_a_depth() -> None:
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(DEPTHS, TARGETS, len(NAMES))), rng.normal(size=(DEPTHS, TARGETS))
    features = rng.normal(size=(DEPTHS, len(NAMES)))
    answer = Stem(weight, bias)(torch.from_numpy(features.astype(np.float32)), torch.eye(DEPTHS)).numpy()
    expected = np.einsum("dtf,df->dt", weight, features) + bias
    assert answer == pytest.approx(expected, abs=1e-4)


def _mix(bias: float, tree_weight: float, trees: float, slower: float) -> np.ndarray:
    stem = Stem(np.zeros((DEPTHS, TARGETS, len(NAMES))), np.full((DEPTHS, TARGETS), bias))
    network = Residual(np.zeros(len(NAMES)), np.ones(len(NAMES)), np.ones(TARGETS))
    answer = Mix(stem, network, tree_weight, 0.0).eval()(
        torch.zeros(1, len(NAMES)),
        torch.eye(DEPTHS)[[2]],
        torch.full((1, TARGETS), trees),
        torch.full((1, COUNT), slower),
    )
    return np.asarray(answer[0].detach().numpy())


def test_parts_add_up_and_times_are_this_machines() -> None:
    stored, *times = _mix(-1.0, 0.5, 0.4, 0.25)
    none = [action.name for action in CANDIDATES].index("none")
    assert stored[none] == 0, "what is stored plainly keeps its size"
    assert np.delete(stored, none) == pytest.approx(-0.8)
    for time in times:
        assert np.delete(time, none) == pytest.approx(-0.8 + 0.25)
    assert _mix(3.0, 0.0, 0.0, 0.0)[0].max() <= 0.011, "nothing is predicted to grow"


def test_the_axes_are_measures_by_candidates() -> None:
    assert len(MEASURES) * COUNT == TARGETS
    assert DELTAS.any()
