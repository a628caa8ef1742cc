"""The forecast of a path: asked anew with each step, told what came, void where the present differs."""

import pytest
from amst_cases import sample

from dwcp.serving import Hint, Reason
from dwcp.tasks.bandwidth.contract import Action, Context, Outcome, Quantiles, Step
from dwcp.tasks.compression.contract import Link
from dwcp.transfer.amst import (
    Known,
    Limit,
    LinkEstimate,
    Outlook,
    expected_mbps,
    step_of,
    streams_worth,
)

SURE = Quantiles(40.0, 50.0, 80.0)


class Forecaster:
    """Answers one forecast, and remembers what it was asked and told."""

    def __init__(self, horizon: Quantiles = SURE, confidence: float = 0.8) -> None:
        self.action = Action(horizon, horizon, confidence, 10.0, 1.0, 0.0)
        self.asked: list[Context] = []
        self.observed: list[tuple[Context, Action, Outcome]] = []

    def ask(self, task_name: str, context: Context) -> Hint[Action]:
        assert task_name == "bandwidth"
        self.asked.append(context)
        return Hint(self.action, Reason.MODEL, 1.0, None)

    def observe(self, task_name: str, context: Context, action: Action, outcome: Outcome) -> None:
        assert task_name == "bandwidth"
        self.observed.append((context, action, outcome))


def _measured(mbps: float, known: Known = Known.MEASURED) -> LinkEstimate:
    return LinkEstimate(Link(mbps, 20.0), known)


def test_each_step_is_told_as_what_came_of_the_forecast_before() -> None:
    advisor = Forecaster()
    outlook = Outlook(advisor, "a:1")
    steps = [Step(45.0), Step(55.0, app_limited=True)]
    assert outlook.ask(100.0) == SURE
    for place, step in enumerate(steps):
        assert outlook.take(step, 101.0 + place) == outlook.told == SURE
    assert [context.steps for context in advisor.asked] == [(), (steps[0],), tuple(steps)]
    assert [context.epoch_s for context in advisor.asked] == [100.0, 101.0, 102.0]
    assert {(context.path, context.step_s) for context in advisor.asked} == {("a:1", 1.0)}
    told = [(context, outcome) for context, _, outcome in advisor.observed]
    assert told == [(advisor.asked[0], Outcome((steps[0],))), (advisor.asked[1], Outcome((steps[1],)))]
    assert all(context is asked for (context, _), asked in zip(told, advisor.asked, strict=False))


def test_an_answer_that_is_not_believed_is_not_held_against_the_advisor() -> None:
    advisor = Forecaster(Quantiles(3.0, 2.0, 1.0))
    outlook = Outlook(advisor, "a:1")
    assert outlook.ask(100.0) is None
    assert outlook.take(Step(30.0), 101.0) == outlook.expected == Quantiles(30.0, 30.0, 30.0)
    assert outlook.take(Step(20.0), 102.0) == Quantiles(20.0, 27.0, 30.0)
    assert outlook.told is None
    assert advisor.observed == []


def test_the_history_is_a_minute() -> None:
    advisor = Forecaster()
    outlook = Outlook(advisor, "a:1")
    for second in range(100):
        outlook.take(Step(float(second)), float(second))
    assert [step.throughput_mbps for step in advisor.asked[-1].steps] == [float(s) for s in range(40, 100)]


@pytest.mark.parametrize(
    ("estimate", "expected", "found"),
    [
        (_measured(60.0), SURE, 50.0),
        (_measured(40.0), SURE, 50.0),
        (_measured(39.0), SURE, 39.0),
        (_measured(81.0), SURE, 81.0),
        (_measured(60.0), None, 60.0),
        (_measured(60.0, Known.AT_LEAST), SURE, 60.0),
        (_measured(60.0, Known.REMEMBERED), SURE, 60.0),
        (_measured(60.0, Known.DEFAULT), SURE, 60.0),
        (_measured(0.1), Quantiles(0.0, 0.0, 1.0), 0.1),
    ],
)
def test_the_forecast_holds_while_the_present_allows(
    estimate: LinkEstimate, expected: Quantiles | None, found: float
) -> None:
    assert expected_mbps(estimate, expected) == found


def test_streams_are_worth_adding_as_long_as_each_keeps_something_on_the_way() -> None:
    assert streams_worth(None, Link(50.0, 80.0)) is None
    assert streams_worth(SURE, Link(50.0, 0.0)) is None
    # 40 Mbit/s over 80 ms hold 400 kB: 69 times four segments, whatever the median promises.
    assert streams_worth(SURE, Link(50.0, 80.0)) == 69
    assert streams_worth(Quantiles(2.0, 50.0, 80.0), Link(50.0, 80.0)) == 4
    assert streams_worth(Quantiles(0.0, 50.0, 80.0), Link(50.0, 80.0)) == 4


def test_samples_become_a_step() -> None:
    network = [sample(40.0, sent_bytes=1000, resent_bytes=10, rtt_ms=30.0 + n) for n in range(5)]
    step = step_of([*network, *[sample(40.0, limit=Limit.CREDIT, sent_bytes=0)] * 4], 1.0)
    assert step.throughput_mbps == pytest.approx(36.0)
    assert step.packet_loss == pytest.approx(0.01)
    assert (step.rtt_ms, step.jitter_ms, step.app_limited) == (40.0, 1.0, False)
    assert step_of([sample(40.0, limit=Limit.TAIL)], 1.0).app_limited
    assert step_of([], 1.0) == Step(0.0, app_limited=True)
