"""The real advisor is loaded when it is asked, and not before."""

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
