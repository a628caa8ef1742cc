"""The real advisor is loaded when it is asked, and not before."""

import threading
from typing import Any

import pytest

from dwcp.cli.late_advisor import LateAdvisor, LateAdvisors, late_forecasts
from dwcp.errors import ArtifactNotFoundError
from dwcp.serving import Hint, Reason
from dwcp.tasks.bandwidth.contract import Action, Context, Step


class Real:
    def __init__(self) -> None:
        self.observed: list[object] = []
        self.closed = False

    def ask(self, task_name: str, context: object, **_: str) -> Hint[object]:
        return Hint(f"{task_name} {context}", Reason.MODEL, 1.0, None, {}, (), "", 0.0)

    def observe(self, *what: object) -> None:
        self.observed.append(what)

    def close(self) -> None:
        self.closed = True


def test_nobody_asks_and_nothing_is_loaded():
    loads: list[int] = []
    advisor = LateAdvisor("compression", lambda: loads.append(1) or Real())
    hint = advisor.ask("bandwidth", "x")
    assert (hint.action, hint.reason) == (None, Reason.FALLBACK_NO_MODEL)
    advisor.observe("compression", "x", None, None)
    advisor.close()
    assert loads == []


def test_the_first_question_loads_the_real_one_which_answers_the_next():
    real = Real()
    advisor = LateAdvisor("compression", lambda: real)
    while advisor.ask("compression", "x").action is None:
        pass
    assert advisor.ask("compression", "x").action == "compression x"
    assert advisor.ask("bandwidth", "x").action is None
    advisor.observe("compression", "x", "a", "o")
    advisor.observe("bandwidth", "x", "a", "o")
    advisor.close()
    assert real.observed == [("compression", "x", "a", "o")]
    assert real.closed


def test_a_question_that_is_not_worth_it_loads_nothing():
    loads: list[int] = []
    loaded = threading.Event()

    def load() -> Real:
        loads.append(1)
        loaded.set()
        return Real()

    advisor = LateAdvisor("bandwidth", load, lambda context: context == "long")
    assert advisor.ask("bandwidth", "short").action is None
    assert (loads, advisor._thread) == ([], None)
    advisor.ask("bandwidth", "long")
    assert loaded.wait(30)
    advisor._thread.join()
    assert advisor.ask("bandwidth", "short").action == "bandwidth short"
    assert loads == [1]


def test_several_are_asked_each_for_its_own_task():
    reals = {name: Real() for name in ("compression", "bandwidth")}
    each = {name: LateAdvisor(name, lambda name=name: reals[name]) for name in reals}
    advisor = LateAdvisors(each.values())
    for name, late in each.items():
        advisor.ask(name, "x")
        late._thread.join()
        assert advisor.ask(name, "x").action == f"{name} x"
    assert (advisor.ask("peers", "x").action, advisor.ask("peers", "x").confidence) == (None, 0.0)
    advisor.observe("bandwidth", "x", "a", "o")
    advisor.observe("peers", "x", "a", "o")
    advisor.close()
    assert (reals["bandwidth"].observed, reals["compression"].observed) == (
        [("bandwidth", "x", "a", "o")],
        [],
    )
    assert all(real.closed for real in reals.values())


class Asked:
    """A registry without models."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def load(self, task: str, reference: str) -> Any:
        self.asked.append((task, reference))
        raise ArtifactNotFoundError("there is none")

    def aliases(self, _task: str) -> dict[str, str]:
        return {}


@pytest.mark.parametrize("registry", [None, Asked()])
def test_forecasts_are_loaded_in_the_third_second_and_need_no_model(registry: Asked | None):
    advisor = late_forecasts(1000.0, None if registry is None else lambda: registry)
    steps = (Step(20.0), Step(22.0), Step(21.0))
    for count in range(3):
        advisor.ask("bandwidth", Context(steps[:count], 1.0, 1.8e9, "a:1"))
        assert advisor._thread is None, "the first seconds of a transfer load nothing"
    whole = Context(steps, 1.0, 1.8e9, "a:1")
    assert advisor.ask("bandwidth", whole).action is None
    advisor._thread.join()
    told = advisor.ask("bandwidth", whole).action
    assert isinstance(told, Action)
    assert 5 < told.horizon.low < told.horizon.mid < told.horizon.high < 60
    assert registry is None or registry.asked == [("bandwidth", "champion")]
    advisor.close()
