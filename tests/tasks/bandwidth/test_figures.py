import pytest
from made_links import context, steps

from dwcp.evaluation import Case
from dwcp.tasks.bandwidth.contract import Action, Quantiles
from dwcp.tasks.bandwidth.figures import figures, hold
from dwcp.tasks.bandwidth.oracle import Outcomes


def case(last: float, came: list[float | None]) -> Case:
    now = context([last])
    return Case(now, Outcomes(now, steps(came)), "link")


def forecast(low: float, mid: float, high: float, confidence: float = 1.0) -> Action:
    told = Quantiles(low, mid, high)
    return Action(told, told, confidence, 0.0, 0.0, 0.0)


def test_figures_of_two_forecasts() -> None:
    cases = [case(10.0, [10.0, 10.0]), case(10.0, [20.0, 20.0])]
    found = figures(cases, [forecast(9, 11, 12, 0.9), forecast(9, 10, 12, 0.1)])
    assert found["within_20_next_step"] == 0.5
    assert found["coverage_next_step"] == 0.5
    assert found["coverage_error"] == pytest.approx(0.4)
    assert found["within_20_of_surer_half"] == 1.0
    assert (
        found["skill_next_step"]
        < 0
        == pytest.approx(figures(cases, [forecast(1, 10, 12)] * 2)["skill_next_step"])
    )


def test_rows_without_truth_are_left_out() -> None:
    held = hold([case(1.0, [None]), case(1.0, [2.0])], [forecast(1, 2, 3)] * 2, 0)
    assert held.row.tolist() == [1.0]
    assert held.last.tolist() == [1.0]
    nothing = figures([case(1.0, [None])], [forecast(1, 2, 3)])
    assert (nothing["skill_horizon"], nothing["coverage_error"], nothing["within_20_of_surer_half"]) == (
        0,
        1,
        0,
    )
