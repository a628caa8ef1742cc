from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from compression_cases import CONTEXTS, NOISE, REFERENCE, TEXT, context
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.codecs.facts import ProbeDepth
from dwcp.tasks.compression.contract import CANDIDATES, Action, Context, CostModel, action_named
from dwcp.tasks.compression.rows import at_depth
from dwcp.tasks.compression.rules import FixedPolicy, LadderPolicy, fixed

TIMED = [CostModel.SERIAL, CostModel.PIPELINED]
NONE = Action("none")


def _ladder(asked: Context) -> Action:
    return LadderPolicy().decide(asked, 0.0, Random(0)).action


def _fixed(name: str, asked: Context) -> str:
    return fixed(name).decide(asked, 0.0, Random(0)).action.name


@settings(max_examples=300, deadline=None)
@given(asked=CONTEXTS, now=st.floats(allow_nan=True), name=st.sampled_from([a.name for a in CANDIDATES]))
def test_rules_answer_everything_with_what_can_be_done(asked: Context, now: float, name: str) -> None:
    possible = any(asked.admissible(action) for action in CANDIDATES)
    for policy in (LadderPolicy(), fixed(name)):
        decision = policy.decide(asked, now, Random(0))
        assert decision.action in CANDIDATES
        assert asked.admissible(decision.action) or not possible
        assert decision.confidence == 1.0


@pytest.mark.parametrize("model", CostModel)
@pytest.mark.parametrize("depth", ProbeDepth)
def test_the_incompressible_is_left_alone(model: CostModel, depth: ProbeDepth) -> None:
    for mbps in (1.0, 100.0, 10_000.0):
        assert _ladder(context(mbps, model, at_depth(NOISE, depth))) == NONE


def test_one_probe_that_shrinks_is_enough_to_try() -> None:
    zeros_inside = replace(NOISE, zstd_fast=replace(NOISE.zstd_fast, ratio=0.6))
    assert _ladder(context(100.0, facts=zeros_inside)) != NONE


@pytest.mark.parametrize("model", CostModel)
@pytest.mark.parametrize("facts", [TEXT, NOISE], ids=["text", "noise"])
def test_a_reference_makes_a_delta(model: CostModel, facts: object) -> None:
    for mbps in (1.0, 100.0, 1000.0):
        asked = context(mbps, model, replace(facts, reference=REFERENCE))  # type: ignore[type-var]
        assert _ladder(asked).use_reference


def test_a_link_faster_than_any_delta_gets_none() -> None:
    assert not _ladder(context(50_000.0, facts=replace(TEXT, reference=REFERENCE))).use_reference


@pytest.mark.parametrize("model", TIMED)
@pytest.mark.parametrize("reference", [None, REFERENCE], ids=["plain", "delta"])
def test_a_slower_link_never_gets_a_lighter_codec(model: CostModel, reference: object) -> None:
    facts = replace(TEXT, reference=reference)
    links = (0.1, 1, 10, 20, 40, 100, 200, 300, 600, 1000, 1600, 2500, 5000, 8000, 20_000, 1e6)
    steps = [CANDIDATES.index(_ladder(context(mbps, model, facts))) for mbps in links]
    assert all(slower >= faster for slower, faster in pairwise(steps))
    assert len(set(steps)) > 3


@pytest.mark.parametrize(
    ("mbps", "name"), [(1.0, "zstd-19"), (8.0, "zstd-19"), (8.1, "zstd-15"), (30.1, "zstd-12")]
)
def test_the_slowest_links_get_the_strongest_levels_while_sending(mbps: float, name: str) -> None:
    assert _ladder(context(mbps, CostModel.PIPELINED)).name == name


@given(mbps=st.floats(0.1, 1e5), workers=st.sampled_from([0.5, 2.0, 4.0, 16.0]))
def test_the_pipelined_ladder_scales_with_the_workers(mbps: float, workers: float) -> None:
    one, many = (context(mbps * n, CostModel.PIPELINED, workers=n) for n in (1.0, workers))
    assert _ladder(one) == _ladder(many)
    serial = [context(mbps, CostModel.SERIAL, workers=n) for n in (1.0, workers)]
    assert _ladder(serial[0]) == _ladder(serial[1])


def test_bytes_alone_ask_for_the_strongest_rung_on_any_link() -> None:
    for facts in (TEXT, replace(TEXT, reference=REFERENCE)):
        wanted = _ladder(context(1e-3, CostModel.PIPELINED, facts))
        assert {_ladder(context(mbps, CostModel.BYTES, facts)) for mbps in (1.0, 1e3, 1e6)} == {wanted}


def test_a_rung_that_may_not_be_used_gives_way_to_its_neighbour() -> None:
    some = frozenset(map(action_named, ("none", "zstd-1", "zstd-9", "lz4")))
    assert _fixed("zstd-3", context(candidates=some)) == "zstd-1"
    assert _fixed("zstd-12", context(candidates=some)) == "zstd-9"
    assert _fixed("delta-3", context(candidates=some)) == "none"
    assert _fixed("snappy", context(candidates=frozenset({Action("lz4")}))) == "lz4"
    assert _fixed("zstd-3", context(candidates=frozenset())) == "none"


def test_levels_equally_near_go_to_the_lighter() -> None:
    some = frozenset(map(action_named, ("none", "zstd-9", "zstd-15")))
    assert _fixed("zstd-12", context(candidates=some)) == "zstd-9"


def test_rules_have_names_and_nothing_to_remember() -> None:
    for policy, name in ((LadderPolicy(), "fallback"), (fixed("zstd--3"), "zstd--3")):
        assert policy.name == name
        policy.restore(policy.snapshot())
        assert policy.snapshot() == {}
    assert isinstance(fixed("none"), FixedPolicy)
