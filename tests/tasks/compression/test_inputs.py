from dataclasses import replace

import numpy as np
import pytest
from compression_cases import CONTEXTS, REFERENCE, TEXT, context
from hypothesis import given, settings

from dwcp.codecs.facts import Probe, ProbeDepth
from dwcp.tasks.compression.contract import CANDIDATES, STORAGE, Context, CostModel, Host, Objective
from dwcp.tasks.compression.inputs import COST_MODELS, FACTS, MEASURES, OUTPUTS, SPEC, arrays, facts_row
from dwcp.tasks.compression.rows import at_depth

FINGERPRINT = "04d4cb3a7091e30b"
"""Changes with what models are fed; a model trained for another one is refused. Change it on purpose."""

WHOLE = {
    "block_bytes": 1 << 20,
    "entropy_bits": 4.8,
    "difference_entropy_bits": 6.1,
    "stride_entropy_bits": 6.3,
    "zero_share": 0.01,
    "text_share": 0.97,
    "repeat_share": 0.04,
    "lz4_light_ratio": 0.45,
    "lz4_light_ms_per_mib": 1.4,
    "lz4_ratio": 0.40,
    "lz4_ms_per_mib": 1.5,
    "zstd_fast_ratio": 0.28,
    "zstd_fast_ms_per_mib": 2.3,
    "zstd_strong_ratio": 0.24,
    "zstd_strong_ms_per_mib": 13.0,
    "zstd_whole_ratio": 0.27,
    "zstd_whole_ms_per_mib": 2.2,
    "reference_window_bytes": 1 << 20,
    "reference_same_share": 0.98,
    "delta_ratio": 0.05,
    "delta_ms_per_mib": 3.0,
}


def test_the_fingerprint_is_the_pinned_one() -> None:
    assert SPEC.fingerprint == FINGERPRINT


def test_vocabularies_are_the_axes() -> None:
    vocabularies = dict(SPEC.vocabularies)
    assert vocabularies["candidates"] == tuple(action.name for action in CANDIDATES)
    assert vocabularies["facts"] == FACTS
    assert (
        vocabularies["measures"]
        == MEASURES
        == ("stored_ratio", "compress_ms_per_mib", "decompress_ms_per_mib")
    )
    assert vocabularies["cost_models"] == tuple(model.value for model in COST_MODELS)
    assert set(COST_MODELS) == set(CostModel)
    shapes = {column.name: column.shape for column in (*SPEC.columns, *OUTPUTS)}
    assert shapes["facts"] == (len(FACTS),)
    assert shapes["allowed"] == shapes["speed_ms_per_mib"] == shapes["cost_s"] == (len(CANDIDATES),)
    assert shapes["seen_count"] == shapes["seen_residual"] == shapes["predicted"] == (3, len(CANDIDATES))


def test_every_fact_stands_in_its_place() -> None:
    row = facts_row(replace(TEXT, reference=REFERENCE))
    assert dict(zip(FACTS, row, strict=True)) == WHOLE


def test_what_is_not_known_is_minus_one() -> None:
    row = dict(zip(FACTS, facts_row(at_depth(TEXT, ProbeDepth.STATISTICS)), strict=True))
    known = {"block_bytes", *(name for name in FACTS if name.endswith(("_bits", "_share")))}
    known -= {"reference_same_share"}
    assert {name for name, value in row.items() if value != -1.0} == known
    only_window = facts_row(replace(TEXT, reference=replace(REFERENCE, delta=None)))
    assert only_window[-4:] == (1 << 20, 0.98, -1.0, -1.0)


def test_a_calibration_stands_with_its_candidate_and_unknown_names_are_left_out() -> None:
    asked = replace(context(), host=Host(speed=(("zstd-9", 12.5), ("lz4", 1.5), ("gzip-6", 20.0))))
    (row,) = arrays([asked])["speed_ms_per_mib"]
    named = dict(zip((action.name for action in CANDIDATES), row.tolist(), strict=True))
    assert named.pop("zstd-9") == 12.5
    assert named.pop("lz4") == 1.5
    assert set(named.values()) == {-1.0}


def test_conditions_stand_in_their_places() -> None:
    asked = replace(
        context(250.0, CostModel.BYTES, candidates=STORAGE),
        host=Host(cpu_workers=4.0, receiver_workers=2.0),
        objective=Objective(CostModel.BYTES, cpu_price=0.5),
    )
    fed = arrays([context(), asked])
    assert fed["bandwidth_mbps"].tolist() == [100.0, 250.0]
    assert fed["workers"].tolist() == [[1.0, 1.0], [4.0, 2.0]]
    assert fed["cost_model"].tolist() == [0, 2]
    assert fed["cpu_price"].tolist() == [1.0, 0.5]
    assert not fed["seen_count"].any()
    assert not fed["seen_residual"].any()


@settings(max_examples=100, deadline=None)
@given(asked=CONTEXTS)
def test_any_context_becomes_arrays_of_the_specification(asked: Context) -> None:
    fed = arrays([asked, asked])
    assert list(fed) == [column.name for column in SPEC.columns]
    for column in SPEC.columns:
        values = fed[column.name]
        assert values.dtype.name == column.dtype
        assert values.shape == (2, *column.shape)
        assert np.array_equal(values[0], values[1])
        assert column.low is None or values.min() >= column.low
    allowed = [bool(value) for value in fed["allowed"][0]]
    assert allowed == [asked.admissible(action) for action in CANDIDATES]


def test_no_contexts_are_arrays_without_rows() -> None:
    fed = arrays([])
    assert list(fed) == [column.name for column in SPEC.columns]
    for column in SPEC.columns:
        assert fed[column.name].shape == (0, *column.shape), column.name
        assert fed[column.name].dtype.name == column.dtype


def test_the_whole_block_is_known_at_the_deepest_look_alone() -> None:
    at = FACTS.index("zstd_whole_ratio")
    seen = [facts_row(at_depth(TEXT, depth))[at : at + 2] for depth in ProbeDepth]
    assert seen == [(-1.0, -1.0)] * 3 + [(0.27, 2.2)]


def test_a_probe_is_ratio_then_time() -> None:
    row = facts_row(replace(TEXT, lz4=Probe(0.7, 0.9)))
    assert row[FACTS.index("lz4_ratio")] == pytest.approx(0.7)
    assert row[FACTS.index("lz4_ms_per_mib")] == pytest.approx(0.9)
