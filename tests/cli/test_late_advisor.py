"""The real advisor is loaded when the work lasts, and not before."""

from dwcp.cli.late_advisor import LateAdvisor
from dwcp.serving import Hint, Reason


class Real:
    def __init__(self) -> None:
        self.observed: list[object] = []
        self.closed = False

    def ask(self, task_name: str, context: object) -> Hint[object]:
        return Hint(f"{task_name} {context}", Reason.MODEL, 1.0, None, {}, (), "", 0.0)

    def observe(self, *what: object) -> None:
        self.observed.append(what)

    def close(self) -> None:
        self.closed = True


def test_short_work_loads_nothing():
    loads: list[int] = []
    advisor = LateAdvisor(lambda: loads.append(1) or Real(), clock=lambda: 5.0)
    hint = advisor.ask("compression", "x")
    assert (hint.action, hint.reason) == (None, Reason.FALLBACK_NO_MODEL)
    advisor.observe("compression", "x", None, None)
    advisor.close()
    assert loads == []


def test_long_work_gets_the_real_one():
    now, real = [0.0], Real()
    advisor = LateAdvisor(lambda: real, clock=lambda: now[0])
    assert advisor.ask("compression", "x").action is None
    now[0] = 1.5
    while advisor.ask("compression", "x").action is None:
        pass
    assert advisor.ask("compression", "x").action == "compression x"
    advisor.observe("compression", "x", "a", "o")
    advisor.close()
    assert real.observed == [("compression", "x", "a", "o")]
    assert real.closed
