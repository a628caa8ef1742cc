from dataclasses import replace
from pathlib import Path

import pytest
from compression_cases import REFERENCE, TEXT, block, case

from dwcp.evaluation import summary
from dwcp.evaluation.replay import replay
from dwcp.tasks.compression.contract import Action, CostModel, Outcome
from dwcp.tasks.compression.measure import ReferenceKind
from dwcp.tasks.compression.rules import LadderPolicy, fixed
from dwcp.tasks.compression.table import write_table
from dwcp.tasks.compression.task import TASK, cases_of


def test_a_measured_block_is_a_case() -> None:
    (one,) = cases_of([block(ReferenceKind.REAL, "b.bin", 4096, family="b")])
    assert one.context.facts.reference == REFERENCE
    assert one.context.host.speed == (("lz4", 1.5), ("zstd-1", 2.0))
    assert one.context.flow == "b.bin"
    assert (one.group, one.time_s) == ("b", 4096.0)


def test_a_table_is_cases(tmp_path: Path) -> None:
    blocks = [block(file=name, offset_bytes=at) for name in "ab" for at in (0, 4096)]
    write_table(blocks, tmp_path / "measured.parquet")
    assert TASK.cases(tmp_path / "measured.parquet") == cases_of(blocks)


def test_made_up_references_are_trained_on_and_not_judged() -> None:
    cases = cases_of([block(ReferenceKind.AGED)])
    assert cases[0].context.facts.reference is not None
    assert all(judged.context.facts.reference is None for judged in TASK.judged(cases))


def test_examples_are_cases_of_the_seed() -> None:
    cases = TASK.examples(50, 3)
    assert len(cases) == 50
    assert cases == TASK.examples(50, 3) != TASK.examples(50, 4)
    assert {c.context.objective.cost_model for c in TASK.judged(cases)} == {
        CostModel.SERIAL,
        CostModel.PIPELINED,
    }


def test_a_gain_is_the_least_over_the_links() -> None:
    """Storing nothing saves on the slow link and loses what compressing costs on the fast one."""
    none, zstd = Action("none"), Action("zstd", 3)
    outcomes = {none: Outcome(1_000_000, 0.0, 0.0), zstd: Outcome(500_000, 100.0, 0.0)}
    cases = []
    for mbps in (8.0, 800.0):
        one = replace(case(replace(TEXT, reference=None)), outcomes=outcomes)
        only = frozenset(outcomes)
        link = replace(one.context.link, bandwidth_mbps=mbps)
        cases.append(replace(one, context=replace(one.context, link=link, candidates=only)))
    figures = TASK.metrics(cases, fixed("none"), 0)
    slow, fast = 1 - 1.0 / (0.5 + 0.1), 1 - 0.01 / (0.005 + 0.1)
    assert slow < fast
    assert figures["least_gain_over_zstd_3"] == pytest.approx(slow)
    assert TASK.metrics(cases, fixed("zstd-3"), 0)["least_gain_over_zstd_3"] == pytest.approx(0)


def test_metrics_hold_the_summary_and_every_gate() -> None:
    cases = TASK.judged(TASK.examples(20, 1))
    figures = TASK.metrics(cases, LadderPolicy(), 0)
    assert figures["least_gain_over_fallback"] == 0
    assert dict(figures).items() >= dict(summary(replay(cases, LadderPolicy(), TASK.cost, 0))).items()
    assert {gate.metric for gate in TASK.gates} <= set(figures)


def test_the_oracle_meets_the_regret_gates() -> None:
    figures = TASK.metrics(TASK.judged(TASK.examples(20, 1)), TASK.oracle(), 0)
    assert figures["mean_regret"] == 0
    assert figures["within_5pct"] == figures["macro_f1_beyond_noise"] == 1
    assert figures["least_gain_over_fallback"] >= 0
