import math

import pytest
from made_links import context, steps

from dwcp.tasks.bandwidth.contract import Action, Outcome, Quantiles, Step
from dwcp.tasks.bandwidth.oracle import Outcomes, cost_log, truths

NOW = context([1.0])


def forecast(first: float, then: float) -> Action:
    return Action(*(Quantiles(mid, mid, mid) for mid in (first, then)), 1.0, 0.0, 0.0, 0.0)


def test_what_came_is_the_first_step_and_the_mean_of_all() -> None:
    assert truths(steps([1.0, 2.0, 3.0])) == (1.0, 2.0)
    assert truths(()) == (None, None)
    assert truths((Step(4.0, app_limited=True), Step(2.0))) == (None, None)
    assert truths((Step(4.0), Step(None))) == (4.0, None)


def test_the_cost_is_the_mean_log_error() -> None:
    came = steps([10.0] * 5)
    assert cost_log(NOW, Outcome(came, forecast(20.0, 10.0))) == pytest.approx(math.log(2) / 2, rel=1e-3)
    assert cost_log(NOW, Outcome(came, forecast(10.0, 10.0))) == 0.01
    assert cost_log(NOW, Outcome(came, forecast(0.0, 0.0))) == 5.0
    assert cost_log(NOW, Outcome(came)) == 5.0
    assert cost_log(NOW, Outcome(steps([None]), forecast(1.0, 1.0))) == 0.01


def test_every_forecast_has_an_outcome_and_what_came_is_the_best() -> None:
    outcomes = Outcomes(NOW, steps([8.0, 12.0]))
    (best,) = outcomes
    assert len(outcomes) == 1
    assert (best.next_step.mid, best.horizon.mid) == (8.0, 10.0)
    assert cost_log(NOW, outcomes[best]) < cost_log(NOW, outcomes[forecast(9.0, 9.0)])
    with pytest.raises(KeyError):
        outcomes["no forecast"]  # type: ignore[index]
