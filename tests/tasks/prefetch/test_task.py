from pathlib import Path
from random import Random

import numpy as np
import pytest

from dwcp.errors import SchemaError
from dwcp.serving import Reason
from dwcp.serving._slot import ONLINE
from dwcp.serving.local import LocalAdvisor
from dwcp.simulate.access import Read, repeated_loop
from dwcp.tasks.prefetch.contract import NOTHING, Action, Context, Outcome
from dwcp.tasks.prefetch.examples import cases_of
from dwcp.tasks.prefetch.oracle import Outcomes, cost_reads, wanted
from dwcp.tasks.prefetch.policy import HybridPolicy
from dwcp.tasks.prefetch.task import TASK
from dwcp.tasks.prefetch.watch import context_after


def test_a_fetch_pays_from_sixty_percent_on() -> None:
    context = Context((1,))
    use, waste = (cost_reads(context, Outcome((2,), blocks)) for blocks in ((2,), (9,)))
    nothing = cost_reads(context, Outcome((2,)))
    assert (nothing, use, waste) == (1.0, 0.0, 2.5)
    gain, loss = nothing - use, waste - nothing
    assert 0.6 * gain == pytest.approx(0.4 * loss)


def test_what_was_read_just_before_is_no_wait() -> None:
    assert wanted(Context((1, 2)), (2, 3, 3, 1, 4)) == (3, 4)


def test_every_action_has_an_outcome() -> None:
    context = Context((1,))
    outcomes = Outcomes(context, (2, 3, 1, 4, 5, 6, 7, 8))
    assert list(outcomes) == [Action((2, 3, 4, 5, 6)), NOTHING]
    assert len(outcomes) == 2
    anything = Action((3, 99))
    assert anything in outcomes
    assert (outcomes[anything].used, outcomes[anything].fetched) == (1, (3, 99))
    with pytest.raises(KeyError):
        outcomes["nonsense"]  # type: ignore[index]


def test_metrics_are_those_of_the_cache() -> None:
    cases = list(cases_of(list(repeated_loop(3000, 600, np.random.default_rng(1))), "loop", 30))
    nothing = TASK.metrics(cases, TASK.baselines()[0], 1)
    hybrid = TASK.metrics(cases, HybridPolicy(), 1)
    assert (nothing["hit_rate_gain"], nothing["coverage"], nothing["precision"]) == (0.0, 0.0, 1.0)
    assert hybrid["coverage"] > 0.5
    assert hybrid["precision"] > 0.6
    assert hybrid["mean_cost_reads"] < nothing["mean_cost_reads"]


def test_there_are_no_tables() -> None:
    with pytest.raises(SchemaError, match="learns while it serves"):
        TASK.cases(Path("table.parquet"))


def test_the_advisor_learns_while_it_serves() -> None:
    advisor = LocalAdvisor([TASK], None, deadline_ms=1000.0)
    reads = [Read(block) for block in ["a", "b", "c", "d", "e", "f"] * 30]
    hints = []
    for at in range(len(reads) - 1):
        context = context_after(reads, at, 3)
        hint = advisor.ask("prefetch", context)
        advisor.observe("prefetch", context, hint.action, Outcome((reads[at + 1].block,), hint.action.blocks))
        hints.append(hint)
    assert hints[0].action == NOTHING
    assert hints[-1].action.blocks
    assert hints[-1].reason is Reason.MODEL
    assert hints[-1].model is not None
    assert hints[-1].model.version == ONLINE
    assert advisor.reload() == {}


def test_what_the_advisor_learned_is_kept_and_the_kill_switch_leaves_the_rule() -> None:
    advisor, other = (LocalAdvisor([TASK], None, deadline_ms=1000.0) for _ in range(2))
    context = Context(("a",), next_children=("b",), cache_blocks=3)
    for _ in range(60):
        advisor.observe("prefetch", context, NOTHING, Outcome(("b",)))
        for block in ("x", "y", "z"):
            advisor.observe("prefetch", Context((block,), cache_blocks=3), NOTHING, Outcome((block,)))
    other.restore("prefetch", advisor.snapshot("prefetch"))
    hints = [one.ask("prefetch", context) for one in (advisor, other)]
    assert hints[0].action == hints[1].action == Action(("b",))
    advisor.kill("an operator said so")
    killed = advisor.ask("prefetch", context)
    assert (killed.reason, killed.action) == (Reason.KILL_SWITCH, Action(("b",)))


def test_a_context_holds_the_last_ten() -> None:
    reads = [Read(number) for number in range(30)]
    assert context_after(reads, 25, 7) == Context(tuple(range(16, 26)), cache_blocks=7)
    assert context_after(reads, 1, 0).recent == (0, 1)


def test_the_oracle_is_cheapest_even_beside_the_hybrid() -> None:
    for case in TASK.examples(60, 4):
        oracle = TASK.oracle()
        oracle.reveal(case.outcomes)  # type: ignore[attr-defined]
        best = oracle.decide(case.context, 0.0, Random(0)).action
        some = Action(case.context.next_children)
        costs = [TASK.cost(case.context, case.outcomes[action]) for action in (best, some, NOTHING)]
        assert costs[0] == min(costs)
