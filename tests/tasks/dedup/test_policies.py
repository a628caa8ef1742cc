"""Rules, the oracle, the ranker, and what the task measures of them."""

from pathlib import Path
from random import Random

import pytest

from dwcp.errors import SchemaError, TrainingError
from dwcp.tasks.dedup.contract import NOTHING, Action, Candidate, Context
from dwcp.tasks.dedup.model import fit_ranker
from dwcp.tasks.dedup.oracle import cost_bytes, outcomes_of
from dwcp.tasks.dedup.policy import RankedPolicy
from dwcp.tasks.dedup.rules import simple_rules
from dwcp.tasks.dedup.task import TASK

LIKE, NEXT, SHARED = bytes(32), b"n" * 32, b"s" * 32
CONTEXT = Context(
    b"b" * 32,
    False,
    1000,
    500,
    (Candidate(LIKE, 1000, 0, 9), Candidate(SHARED, 900, 6, 2), Candidate(NEXT, 100, 0, 0, True, True)),
)
CASES = TASK.examples(120, 3)


def test_rules_differ_in_what_they_take() -> None:
    chosen = {rule.name: rule.decide(CONTEXT, 0.0, Random(1)).action.bases for rule in simple_rules()}
    assert chosen == {"none": (), "first": (LIKE,), "most-shared": (SHARED,), "same-place": (NEXT,)}
    assert TASK.fallback().decide(CONTEXT, 0.0, Random(1)).action.bases == (LIKE, SHARED)
    empty = Context(b"b" * 32, False, 1000, 500)
    assert {rule.decide(empty, 0.0, Random(1)).action for rule in simple_rules()} == {NOTHING}


def test_outcomes_are_of_everything_that_can_be_done() -> None:
    outcomes = outcomes_of(CONTEXT, {LIKE: 100, SHARED: 460, NEXT: 40})
    assert len(outcomes) == 1 + 3 + 6
    assert all(CONTEXT.admissible(action) for action in outcomes)
    both = outcomes[Action((LIKE, SHARED))]
    assert (both.delta_bytes, both.tried, both.useless, both.stored_bytes) == (100, 2, 1, 100)
    assert outcomes[Action((SHARED,))].stored_bytes == outcomes[NOTHING].stored_bytes == 500
    assert cost_bytes(CONTEXT, both) == 120
    assert cost_bytes(CONTEXT, outcomes[NOTHING]) == 500


def test_the_rule_saves_and_the_oracle_saves_more() -> None:
    rule, oracle, none = (
        TASK.metrics(CASES, policy, 1) for policy in (TASK.fallback(), TASK.oracle(), TASK.baselines()[0])
    )
    assert none["saved_share"] == none["trials_a_block"] == 0
    assert 0 < rule["saved_share"] <= oracle["saved_share"]
    assert rule["useless_share"] < 0.05
    assert 0 < rule["mean_regret"] < none["mean_regret"]


def test_the_ranker_learns_what_pays() -> None:
    groups = sorted({case.group for case in CASES})
    train = [case for case in CASES if case.group in groups[::2]]
    ranker = fit_ranker(train, [case for case in CASES if case.group not in groups[::2]])
    assert ranker.weights == fit_ranker(train, train).weights
    measured = TASK.metrics(TASK.examples(80, 9), ranker, 1)
    assert measured["mean_regret"] < 0.2
    assert ranker.decide(Context(b"b" * 32, False, 0, 1), 0.0, Random(1)).action == NOTHING
    ranker.restore(ranker.snapshot())
    ranker.observe(CONTEXT, NOTHING, CASES[0].outcomes[NOTHING], 0.0)


def test_nothing_alike_is_nothing_to_learn_from() -> None:
    with pytest.raises(TrainingError, match="no measured block"):
        fit_ranker([], [])


def test_a_ranker_keeps_to_its_limit() -> None:
    never = RankedPolicy((0.0,) * 10, -1.0)
    always = RankedPolicy((0.0,) * 10, 0.0)
    assert never.decide(CONTEXT, 0.0, Random(1)).action == NOTHING
    assert len(always.decide(CONTEXT, 0.0, Random(1)).action.bases) == 2


def test_there_is_no_graph_and_no_table() -> None:
    for asked in (TASK.learner, lambda: TASK.learned(None)):
        with pytest.raises(TrainingError, match="nothing to train"):
            asked()
    with pytest.raises(SchemaError, match="dedup-index"):
        TASK.cases(Path("a.parquet"))
