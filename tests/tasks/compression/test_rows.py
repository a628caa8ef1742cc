import math
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest
from compression_cases import FACTS, MIB, REFERENCE, TEXT, case
from hypothesis import given

from dwcp.codecs.facts import BlockFacts, ProbeDepth
from dwcp.tasks.compression.contract import CANDIDATES, Action, Host, Outcome
from dwcp.tasks.compression.inputs import FACTS as FACT_NAMES
from dwcp.tasks.compression.rows import at_depth, log_measures, rows_of

WHOLE = replace(TEXT, reference=REFERENCE)


def _known(facts: BlockFacts) -> set[str]:
    names = ("lz4_light", "lz4", "zstd_fast", "zstd_strong", "zstd_whole")
    probes = {name for name in names if getattr(facts, name)}
    return probes | ({"delta"} if facts.reference and facts.reference.delta else set())


def test_each_depth_sees_more_than_the_one_before() -> None:
    seen = [_known(at_depth(WHOLE, depth)) for depth in ProbeDepth]
    assert seen[0] == set()
    assert "lz4_light" in seen[1]
    assert "delta" not in seen[1]
    assert {"zstd_fast", "delta"} <= seen[2]
    assert seen[3] - seen[2] == {"zstd_strong", "zstd_whole"}
    assert seen[3] == _known(WHOLE)
    assert all(shallow < deep for shallow, deep in pairwise(seen))


@given(facts=FACTS)
def test_looking_less_deeply_changes_nothing_that_is_still_seen(facts: BlockFacts) -> None:
    for depth in ProbeDepth:
        seen = at_depth(facts, depth)
        assert at_depth(seen, depth) == seen
        for field in fields(BlockFacts):
            value = getattr(seen, field.name)
            if field.name == "reference" and value is not None:
                assert replace(value, delta=None) == replace(facts.reference, delta=None)  # type: ignore[type-var]
            else:
                assert value is None or value == getattr(facts, field.name)
        assert (seen.reference is None) == (facts.reference is None)


def test_a_case_stands_once_for_every_depth() -> None:
    cases = [case(WHOLE, "a.bin"), replace(case(TEXT, "b.bin"), group="family")]
    rows = rows_of(cases)
    assert rows.depth.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert rows.flow.tolist() == ["a.bin", "b.bin"] * 4
    assert rows.family.tolist() == ["a.bin", "family"] * 4
    assert rows.facts.shape == (8, len(FACT_NAMES))
    for name in ("zstd_strong_ratio", "zstd_whole_ratio", "zstd_whole_ms_per_mib"):
        deep = rows.facts[:, FACT_NAMES.index(name)]
        assert (deep == -1).tolist() == [True] * 6 + [False] * 2
    assert np.array_equal(rows.targets[:2], rows.targets[6:], equal_nan=True)
    some = rows.take(rows.flow == "b.bin")
    assert some.depth.tolist() == [0, 1, 2, 3]
    assert np.array_equal(some.targets, rows.targets[1::2], equal_nan=True)


def test_measures_are_logarithms_in_the_order_of_the_axes() -> None:
    lz4, none = Action("lz4"), Action("none")
    one = replace(
        case(replace(TEXT, block_bytes=MIB // 2)),
        outcomes={lz4: Outcome(MIB // 4, 1.0, 0.25), none: Outcome(MIB // 2, 0.0, None)},
    )
    logs = log_measures(one).reshape(3, len(CANDIDATES))
    assert logs[:, CANDIDATES.index(lz4)] == pytest.approx([math.log(0.5), math.log(2.0), math.log(0.5)])
    stored, compress, decompress = logs[:, CANDIDATES.index(none)]
    assert stored == 0
    assert compress == pytest.approx(math.log(1e-6)), "too fast to measure is not infinitely fast"
    assert math.isnan(decompress)
    others = [place for place, action in enumerate(CANDIDATES) if action not in (lz4, none)]
    assert np.isnan(logs[:, others]).all()


def test_a_row_keeps_the_calibration_it_was_measured_with() -> None:
    one = case()
    one = replace(one, context=replace(one.context, host=Host(speed=(("lz4", 1.5),))))
    speed = rows_of([one]).speed
    assert (speed[:, CANDIDATES.index(Action("lz4"))] == 1.5).all()
    assert (np.delete(speed, CANDIDATES.index(Action("lz4")), axis=1) == -1).all()
