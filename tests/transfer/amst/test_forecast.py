import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.serving import FallbackAdvisor, Hint, Reason
from dwcp.tasks.bandwidth.contract import Action, Context, Quantiles, Step
from dwcp.transfer.amst import forecast

NAN = math.nan


class _Told:
    """An advisor that says one thing."""

    def __init__(self, action: object) -> None:
        self._action = action
        self.asked: list[tuple[str, object]] = []

    def ask(self, task_name: str, context: object) -> Hint[object]:
        self.asked.append((task_name, context))
        return Hint(self._action, Reason.MODEL, 1.0, None)

    def observe(self, task_name: str, context: object, action: object, outcome: object) -> None: ...


def _context(*mbps: float | None, app_limited: bool = False) -> Context:
    return Context(tuple(Step(value, app_limited=app_limited) for value in mbps), 1.0, 1.8e9)


def _action(horizon: object) -> Action:
    return Action(Quantiles(1, 2, 3), horizon, 0.9, 10.0, 1.0, 0.0)  # type: ignore[arg-type]


def test_the_advisor_is_asked_and_taken_at_its_word() -> None:
    advisor, context = _Told(_action(Quantiles(80, 100, 120))), _context(90, 95)
    assert forecast(advisor, context) == Quantiles(80, 100, 120)
    assert advisor.asked == [("bandwidth", context)]


@pytest.mark.parametrize(
    "told",
    [
        None,
        "fast",
        Quantiles(1, 2, 3),
        _action(None),
        _action(Quantiles(NAN, 100, 120)),
        _action(Quantiles(80, NAN, 120)),
        _action(Quantiles(80, 100, math.inf)),
        _action(Quantiles(-1, 100, 120)),
        _action(Quantiles(110, 100, 120)),
        _action(Quantiles(80, 130, 120)),
        _action(Quantiles(80, 100, 10_001)),
        _action(Quantiles("80", "100", "120")),  # type: ignore[arg-type]
    ],
)
def test_nonsense_is_passed_over(told: object) -> None:
    assert forecast(_Told(told), _context(100, 100)) == Quantiles(100, 100, 100)


def test_absurd_without_measurements() -> None:
    assert forecast(_Told(_action(Quantiles(1, 2, 2e7))), _context()) is None
    assert forecast(_Told(_action(Quantiles(1, 2, 1e7))), _context()) == Quantiles(1, 2, 1e7)


@pytest.mark.parametrize("confidence", [0.0, -1.0, 2.0, NAN, None])
def test_without_measurements_and_confidence_nobody_knows_anything(confidence: float) -> None:
    unsure = _Told(replace(_action(Quantiles(1, 10, 10_000)), confidence=confidence))
    assert forecast(unsure, _context()) is None
    assert forecast(unsure, _context(None)) is None
    assert forecast(unsure, _context(200.0)) == Quantiles(1, 10, 10_000)


@pytest.mark.parametrize("advisor", [None, FallbackAdvisor({})])
def test_nobody_knows_anything(advisor: FallbackAdvisor | None) -> None:
    assert forecast(advisor, _context()) is None
    assert forecast(advisor, _context(None, None)) is None


def test_the_own_forecast_is_a_mean_that_forgets() -> None:
    found = forecast(None, _context(100, None, 200))
    assert found == Quantiles(100, 130, 200)
    late = forecast(None, _context(1000, *[50.0] * 40))
    assert late is not None
    assert (late.low, late.mid, late.high) == pytest.approx((50, 50, 50), abs=0.1)


def test_what_the_application_limited_is_no_capacity() -> None:
    limited, free = Step(10.0, app_limited=True), Step(100.0)
    context = Context((free, limited, limited), 1.0, 1.8e9)
    assert forecast(None, context) == Quantiles(100, 100, 100)
    assert forecast(None, _context(10, 30, 20, app_limited=True)) == Quantiles(30, 30, 30)


@given(st.lists(st.none() | st.floats(0, 1e7), max_size=40))
def test_the_own_forecast_is_in_order(measured: list[float | None]) -> None:
    found = forecast(None, _context(*measured))
    if found is not None:
        assert 0 <= found.low <= found.mid <= found.high <= 1e7
