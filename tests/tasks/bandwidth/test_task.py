import json
from dataclasses import replace
from random import Random

import pytest
from made_links import context, wandering

from dwcp.errors import SchemaError
from dwcp.evaluation import replay
from dwcp.serving import Reason
from dwcp.serving.local import LocalAdvisor
from dwcp.task import LearnerKind, LearnsOnline
from dwcp.tasks.bandwidth.contract import Quantiles
from dwcp.tasks.bandwidth.task import TASK


def test_it_trains_in_batch_and_serves_without_a_model() -> None:
    assert TASK.kind is LearnerKind.BATCH
    assert isinstance(TASK, LearnsOnline)
    hint = LocalAdvisor([TASK], None, deadline_ms=1000.0).ask(
        "bandwidth", context(wandering(60, 0.1).tolist())
    )
    assert hint.reason is Reason.MODEL
    assert TASK.admissible(context([]), hint.action)


@pytest.mark.parametrize(
    "change",
    [
        {"next_step": Quantiles(2.0, 1.0, 3.0)},
        {"horizon": Quantiles(float("nan"), 1.0, 3.0)},
        {"horizon": Quantiles(-1.0, 1.0, 3.0)},
        {"rtt_ms": float("inf")},
        {"packet_loss": 1.5},
        {"confidence": float("nan")},
    ],
)
def test_forecasts_that_make_no_sense_are_not_admissible(change) -> None:
    now = context([10.0, 11.0])
    action = TASK.fallback().decide(now, 0.0, Random(0)).action
    assert TASK.admissible(now, action)
    assert not TASK.admissible(now, replace(action, **change))


def test_the_blend_is_better_than_last_value_on_simulated_links() -> None:
    cases = TASK.examples(600, 7)
    blend, last = (TASK.metrics(cases, policy, 1) for policy in (TASK.online(), TASK.fallback()))
    assert blend["mean_cost_log"] < last["mean_cost_log"]
    assert blend["skill_horizon"] > 0.1
    assert replay(cases, TASK.oracle(), TASK.cost, 1).cost.max() == 0.01


def test_a_table_of_traces_becomes_cases(tmp_path) -> None:
    table = tmp_path / "traces.csv"
    rows = [f"{trace},{at},{10 + at}" for trace in ("a", "b") for at in range(10)]
    table.write_text("\n".join(["trace,t_s,tput_mbps", *rows]))
    cases = TASK.cases(table)
    assert {case.group for case in cases} == {"a", "b"}
    assert len(cases) == 2 * 4
    assert [step.throughput_mbps for step in cases[0].context.steps] == [10.0, 11.0]
    table.write_text("nothing")
    with pytest.raises(SchemaError, match="trace"):
        TASK.cases(table)


def test_what_is_remembered_is_json() -> None:
    policy = TASK.online()
    replay(TASK.examples(100, 3), policy, TASK.cost, 1, carry=True)
    json.dumps(policy.snapshot(), allow_nan=False)
