import json
import math
from dataclasses import replace

import numpy as np
import pytest
from compression_cases import FACTS, REFERENCE, TEXT
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.codecs.facts import BlockFacts, Probe
from dwcp.tasks.compression.contract import CANDIDATES, action_named
from dwcp.tasks.compression.flow import FlowMemory

ZSTD, DELTA = (CANDIDATES.index(action_named(name)) for name in ("zstd-3", "delta-3"))
UNLIKE = replace(TEXT, lz4=Probe(0.99, 0.2))


def _with_delta(ratio: float, facts: BlockFacts = TEXT) -> BlockFacts:
    return replace(facts, reference=replace(REFERENCE, delta=Probe(ratio, 3.0)))


def test_nothing_noted_is_nothing_recalled() -> None:
    count, residual = FlowMemory().recall(TEXT)
    assert count.shape == residual.shape == (3, len(CANDIDATES))
    assert count.dtype == residual.dtype == np.float32
    assert not count.any()
    assert not residual.any()


def test_a_block_just_like_it_gets_all_of_what_was_learned() -> None:
    flow = FlowMemory()
    flow.note(TEXT, ZSTD, (0.1, -0.2, math.nan))
    count, residual = flow.recall(TEXT)
    assert count[:, ZSTD] == pytest.approx([1, 1, 0])
    assert residual[:, ZSTD] == pytest.approx([0.1, -0.2, 0])
    assert not np.delete(count, ZSTD, axis=1).any()


def test_a_block_unlike_it_gets_little_of_it() -> None:
    flow = FlowMemory()
    flow.note(TEXT, ZSTD, (0.1, 0.1, 0.1))
    nearby = replace(TEXT, lz4=Probe(0.42, 1.5))
    counts = [flow.recall(facts)[0][0, ZSTD] for facts in (TEXT, nearby, UNLIKE)]
    assert counts[0] > counts[1] > 0.8
    assert counts[2] < 0.05
    flow.note(UNLIKE, ZSTD, (0.9, 0.9, 0.9))
    assert flow.recall(TEXT)[1][0, ZSTD] == pytest.approx(0.1, abs=0.05)
    assert flow.recall(UNLIKE)[1][0, ZSTD] == pytest.approx(0.9, abs=0.05)


def test_deltas_are_alike_by_their_own_probe() -> None:
    flow = FlowMemory()
    flow.note(_with_delta(0.05), DELTA, (0.1, 0.1, 0.1))
    assert flow.recall(_with_delta(0.05, UNLIKE))[0][0, DELTA] == pytest.approx(1.0)
    assert flow.recall(_with_delta(0.9))[0][0, DELTA] < 0.05


def test_what_is_older_counts_for_less() -> None:
    flow = FlowMemory()
    flow.note(TEXT, ZSTD, (1.0, 1.0, 1.0))
    for _ in range(10):
        flow.note(TEXT, DELTA, (0.0, 0.0, 0.0))
    assert 0.2 < flow.recall(TEXT)[0][0, ZSTD] < 0.8
    flow.note(TEXT, ZSTD, (0.0, 0.0, 0.0))
    assert flow.recall(TEXT)[1][0, ZSTD] < 0.5


def test_what_is_very_old_is_forgotten() -> None:
    flow = FlowMemory()
    flow.note(TEXT, ZSTD, (1.0, 1.0, 1.0))
    for _ in range(64):
        flow.note(TEXT, DELTA, (0.0, 0.0, 0.0))
    assert flow.recall(TEXT)[0][0, ZSTD] == 0


def _log_ratio(facts: BlockFacts) -> float:
    assert facts.lz4 is not None
    return math.log(facts.lz4.ratio)


@given(
    noted=st.lists(st.tuples(st.floats(0.05, 1.0), st.floats(-2, 2)), min_size=1, max_size=150),
    ratio=st.floats(0.05, 1.0),
)
def test_an_outcome_counts_by_its_age_and_by_how_like_its_block_was(
    noted: list[tuple[float, float]], ratio: float
) -> None:
    flow = FlowMemory()
    asked = replace(TEXT, lz4=Probe(ratio, 1.0))
    weights, errors = [], []
    for age, (other, error) in zip(reversed(range(len(noted))), noted, strict=True):
        block = replace(TEXT, lz4=Probe(other, 1.0))
        flow.note(block, ZSTD, (error, error, error))
        if age < 64:
            apart = (_log_ratio(block) - _log_ratio(asked)) / 0.3
            weights.append(0.95**age * math.exp(-0.5 * apart**2))
            errors.append(error)
    count, residual = flow.recall(asked)
    assert count[:, ZSTD] == pytest.approx([sum(weights)] * 3, rel=1e-4, abs=1e-9)
    if sum(weights) > 1e-6:
        expected = sum(w * e for w, e in zip(weights, errors, strict=True)) / sum(weights)
        assert residual[:, ZSTD] == pytest.approx([expected] * 3, abs=1e-4)


def test_without_a_probe_blocks_are_alike_by_their_entropy() -> None:
    flow = FlowMemory()
    blind = replace(TEXT, lz4=None)
    flow.note(blind, ZSTD, (0.1, 0.1, 0.1))
    near, far = (replace(blind, entropy_bits=blind.entropy_bits + more) for more in (0.1, 3.0))
    assert flow.recall(blind)[0][0, ZSTD] == pytest.approx(1.0)
    assert flow.recall(near)[0][0, ZSTD] > 0.9
    assert flow.recall(far)[0][0, ZSTD] < 0.05


@settings(max_examples=60, deadline=None)
@given(
    noted=st.lists(
        st.tuples(FACTS, st.integers(0, len(CANDIDATES) - 1), st.floats(-50, 50), st.booleans()), max_size=90
    ),
    asked=FACTS,
)
def test_a_memory_is_json_and_comes_back(
    noted: list[tuple[BlockFacts, int, float, bool]], asked: BlockFacts
) -> None:
    flow = FlowMemory()
    for facts, position, error, timed in noted:
        flow.note(facts, position, (error, error / 2, error / 3 if timed else math.nan))
    restored = FlowMemory.from_json(json.loads(json.dumps(flow.as_json(), allow_nan=False)))
    assert restored.as_json() == flow.as_json()
    for mine, theirs in zip(flow.recall(asked), restored.recall(asked), strict=True):
        assert np.isfinite(mine).all()
        assert mine == pytest.approx(theirs)
    flow.note(asked, ZSTD, (1.0, 1.0, 1.0))
    restored.note(asked, ZSTD, (1.0, 1.0, 1.0))
    assert restored.as_json() == flow.as_json(), "and goes on as it would have"
