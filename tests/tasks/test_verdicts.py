"""What outcomes tell of actions while a task serves."""

from importlib import import_module
from typing import Any

import pytest

from dwcp.task import JudgesLive, Verdict
from dwcp.tasks import discover
from dwcp.tasks.bandwidth import contract as bandwidth
from dwcp.tasks.prefetch import contract as prefetch

TASKS = discover()


def test_tasks_that_judge() -> None:
    judging = {name for name, task in TASKS.items() if isinstance(task, JudgesLive)}
    assert judging == {"bandwidth", "compression", "consensus", "prefetch", "reliability"}


@pytest.mark.parametrize("name", ["consensus", "reliability"])
@pytest.mark.parametrize(
    ("kind", "flagged", "correct"),
    [
        ("fault", True, True),
        ("fault", False, False),
        ("quiet", False, True),
        ("benign", True, False),
        ("recovery", True, None),
        ("hidden", True, None),
        ("unknown", False, None),
    ],
)
def test_alarms(name: str, kind: Any, flagged: bool, correct: bool | None) -> None:
    contract: Any = import_module(f"dwcp.tasks.{name}.contract")
    told = verdict(name, None, contract.Action(flagged), contract.Outcome(not flagged, kind))
    assert told == Verdict(correct, None if correct is None else float(not correct))


@pytest.mark.parametrize(("mid", "correct"), [(100.0, True), (119.0, True), (121.0, False), (79.0, False)])
def test_forecasts(mid: float, correct: bool) -> None:
    told = verdict("bandwidth", LINK, forecast(mid), bandwidth.Outcome((bandwidth.Step(100.0),)))
    assert told.correct is correct
    assert told.regret is not None
    best = verdict("bandwidth", LINK, forecast(100.0), bandwidth.Outcome((bandwidth.Step(100.0),)))
    assert best.regret is not None
    assert told.regret >= best.regret


def test_a_step_that_nobody_measured_tells_nothing() -> None:
    for steps in ((), (bandwidth.Step(None),)):
        assert verdict("bandwidth", LINK, forecast(1.0), bandwidth.Outcome(steps)) == Verdict()


@pytest.mark.parametrize(
    ("fetched", "accessed", "correct", "regret"),
    [
        (("b",), ("b",), True, 0.0),
        (("c",), ("b",), False, None),
        ((), ("b",), False, 1.0),
        ((), ("a",), True, 0.0),
        (("c",), ("a",), False, None),
    ],
)
def test_prefetching(fetched: Any, accessed: Any, correct: bool, regret: float | None) -> None:
    context = prefetch.Context(("a",))
    told = verdict("prefetch", context, prefetch.Action(fetched), prefetch.Outcome(accessed))
    assert told.correct is correct
    assert told.regret is not None
    assert told.regret == regret if regret is not None else told.regret > 0


def test_compression_tells_how_fast_it_was() -> None:
    case = TASKS["compression"].examples(1, 3)[0]
    action, outcome = next(iter(case.outcomes.items()))
    told = verdict("compression", case.context, action, outcome)
    took_s = TASKS["compression"].cost(case.context, outcome)
    assert told == Verdict(throughput_mbps=pytest.approx(case.context.facts.block_bytes * 8e-6 / took_s))


LINK = bandwidth.Context((bandwidth.Step(100.0),), 1.0, 0.0)


def forecast(mid: float) -> bandwidth.Action:
    told = bandwidth.Quantiles(mid, mid, mid)
    return bandwidth.Action(told, told, 0.5, 1.0, 0.0, 0.0)


def verdict(name: str, context: Any, action: Any, outcome: Any) -> Verdict:
    task = TASKS[name]
    assert isinstance(task, JudgesLive)
    return task.verdict(context, action, outcome)
