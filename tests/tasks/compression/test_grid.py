from dataclasses import replace

import pytest
from compression_cases import MIB, REFERENCE, TEXT, case, outcomes

from dwcp.codecs.facts import ProbeDepth, mean_facts
from dwcp.codecs.probe import Look, affordable_depth, affordable_look, looked_at, run_blocks
from dwcp.tasks.compression.contract import Action, CostModel, Outcome
from dwcp.tasks.compression.grid import COST_MODELS, LINKS_MBPS, Point, Run, as_runs, at_point, over_grid
from dwcp.tasks.compression.rows import at_depth

REAL = case(replace(TEXT, reference=REFERENCE), "real.bin")
MADE_UP = case(replace(TEXT, reference=replace(REFERENCE, made_up=True)), "made-up.bin")
SLOW, FAST = Point(1.0, CostModel.SERIAL), Point(1e9, CostModel.PIPELINED)


@pytest.mark.parametrize("mbps", [*LINKS_MBPS, 1.0, 1e9])
def test_a_link_is_looked_at_as_deeply_as_it_affords(mbps: float) -> None:
    (judged,) = at_point([REAL], Point(mbps, CostModel.SERIAL))
    assert judged.context.facts == at_depth(REAL.context.facts, affordable_depth(mbps))
    assert judged.context.link.bandwidth_mbps == mbps
    assert judged.context.objective.cost_model is CostModel.SERIAL


def test_looks_differ_from_end_to_end() -> None:
    slow, fast = at_point([REAL], SLOW)[0].context.facts, at_point([REAL], FAST)[0].context.facts
    assert slow == REAL.context.facts
    assert fast.lz4_light is None
    assert fast.reference is not None
    assert fast.reference.delta is None


def test_nothing_is_judged_on_a_made_up_reference() -> None:
    (judged,) = at_point([MADE_UP], SLOW)
    assert judged.context.facts.reference is None
    assert not any(action.use_reference for action in judged.outcomes)
    (kept,) = at_point([REAL], SLOW)
    assert any(action.use_reference for action in kept.outcomes)


def test_only_what_may_be_chosen_is_judged() -> None:
    (judged,) = at_point([REAL], SLOW)
    assert all(judged.context.admissible(action) for action in judged.outcomes)
    assert Action("snappy") not in judged.outcomes
    assert {a: REAL.outcomes[a] for a in judged.outcomes} == dict(judged.outcomes)


def test_a_flow_is_a_file_on_one_link() -> None:
    judged = over_grid([REAL, MADE_UP])
    points = len(LINKS_MBPS) * len(COST_MODELS)
    assert len(judged) == 2 * points
    assert len({c.context.flow for c in judged}) == 2 * points
    assert {c.group for c in judged} == {REAL.group, MADE_UP.group}


def _file(count: int, *, flow: str = "a.bin", size: int = MIB) -> list:  # type: ignore[type-arg]
    facts = replace(TEXT, block_bytes=size)
    return [
        replace(case(facts, flow, float(at)), outcomes={Action("none"): Outcome(size, at + 1.0, 0.5)})
        for at in range(count)
    ]


def test_a_run_is_as_long_as_the_link_wants_and_costs_the_mean_of_its_blocks() -> None:
    point = Point(100.0, CostModel.SERIAL)
    length = run_blocks(point.bandwidth_mbps, MIB)
    assert length > 1
    runs = as_runs(_file(2 * length + 1), point)
    assert len(runs) == 3
    assert [run.blocks for run in runs] == [length, length, 1]
    assert [run.case.time_s for run in runs] == [0, length, 2 * length]
    times = [run.case.outcomes[Action("none")].compress_ms for run in runs]
    assert times == pytest.approx([(length + 1) / 2, (3 * length + 1) / 2, 2 * length + 1])


def test_a_run_shows_the_mean_of_the_blocks_looked_at_and_not_of_the_others() -> None:
    blocks = [
        replace(block, context=replace(block.context, facts=replace(TEXT, entropy_bits=at / 2, probe_ms=0.5)))
        for at, block in enumerate(_file(10))
    ]
    (run,) = as_runs(blocks, Point(100.0, CostModel.SERIAL))
    assert run.blocks == 10
    assert looked_at(10) == [0, 2, 5, 7]
    assert run.case.context.facts == mean_facts([blocks[at].context.facts for at in (0, 2, 5, 7)])
    assert run.case.context.facts.entropy_bits == pytest.approx((0 + 2 + 5 + 7) / 8)
    assert run.case.context.facts.probe_ms == pytest.approx(4 * 0.5), "every look is paid for"
    assert run.look == affordable_look(100.0, 10 * MIB) == Look(ProbeDepth.DEEP, 4)


@pytest.mark.parametrize(
    ("count", "look"), [(10, Look(ProbeDepth.MEDIUM, 1)), (3, None)], ids=["short", "too short to ask"]
)
def test_a_run_that_is_soon_over_shows_less(count: int, look: Look | None) -> None:
    blocks = [
        replace(block, context=replace(block.context, facts=replace(TEXT, entropy_bits=at / 2)))
        for at, block in enumerate(_file(count))
    ]
    (run,) = as_runs(blocks, Point(1000.0, CostModel.SERIAL))
    assert (run.look, run.blocks) == (look, count)
    depth = look.depth if look else ProbeDepth.STATISTICS
    assert run.case.context.facts == at_depth(blocks[0].context.facts, depth)


def test_a_run_is_of_one_file_and_of_blocks_that_all_have_a_reference_or_none() -> None:
    point = Point(1000.0, CostModel.SERIAL)
    assert len(as_runs([*_file(2), *_file(2, flow="b.bin")], point)) == 2
    first, second = _file(2)
    with_one = replace(
        second, context=replace(second.context, facts=replace(second.context.facts, reference=REFERENCE))
    )
    assert len(as_runs([first, with_one], point)) == 2


def test_a_run_has_the_candidates_that_all_its_blocks_have() -> None:
    first, second = (case(TEXT, "a.bin", at) for at in (0.0, 1.0))
    second = replace(second, outcomes={a: o for a, o in outcomes().items() if a.codec != "lz4"})
    (run,) = as_runs([first, second], Point(1000.0, CostModel.SERIAL))
    assert set(run.case.outcomes) == set(second.outcomes)


@pytest.mark.parametrize(
    ("times_ms", "expected_ms"),
    [((1.0, 2.0, 6.0), 3.0), ((1.0, None, 6.0), None), ((None, None, None), None)],
)
def test_a_run_took_a_time_that_is_known_of_all_its_blocks_or_of_none(
    times_ms: tuple[float | None, ...], expected_ms: float | None
) -> None:
    blocks = [
        replace(case, outcomes={Action("none"): Outcome(MIB, 1.0, time_ms)})
        for case, time_ms in zip(_file(3), times_ms, strict=True)
    ]
    (run,) = as_runs(blocks, Point(1000.0, CostModel.SERIAL))
    assert run.case.outcomes[Action("none")] == Outcome(MIB, 1.0, expected_ms)


def test_a_slow_link_decides_block_by_block() -> None:
    assert as_runs(_file(3), SLOW) == [Run(block, 1, Look(ProbeDepth.DEEP, 4)) for block in _file(3)]
