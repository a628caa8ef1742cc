"""Who answers whom: what a rollout, an experiment and a kill switch decide before a model is asked."""

from typing import Any, NamedTuple, Protocol

from dwcp.serving.hint import Hint, Reason
from dwcp.task import Verdict

__all__ = ["CHAMPION", "Route", "Steering"]


class Route(NamedTuple):
    """Where one question goes.

    Attributes:
        version: of the model that answers; empty for the champion.
        reason: `Reason.MODEL`, or why the rule answers instead.
        detail: the same in a few words, for the rule's hint.
        shadow: version that is asked besides, whose answer is scored and never used; empty for none.
        arms: what the steering knows the question by when it hears what came of it.
    """

    version: str = ""
    reason: Reason = Reason.MODEL
    detail: str = ""
    shadow: str = ""
    arms: Any = None


CHAMPION = Route()
"""The champion answers."""


class Steering(Protocol):
    """Decides who answers, and hears what came of it. Safe from any thread; never raises; microseconds."""

    def route(self, task_name: str, unit: str, region: str) -> Route:
        """Who answers a question.

        Args:
            task_name: of which task.
            unit: on whose behalf: a unit is answered by the same version each time. Empty: nobody's.
            region: where; empty where that is not told.
        """
        ...

    def answered(self, task_name: str, route: Route, context: Any, hint: Hint[Any]) -> None:
        """A question that was routed has its hint."""
        ...

    def judged(self, task_name: str, route: Route, verdict: Verdict, version: str) -> None:
        """What was measured afterwards of a question is known.

        Args:
            task_name: of which task.
            route: where the question went.
            verdict: what the outcome tells.
            version: that answered; empty where the rule did.
        """
        ...

    def shadowed(self, task_name: str, route: Route, hint: Hint[Any], candidate: Hint[Any]) -> None:
        """The version in the shadow was asked, too.

        Args:
            task_name: of which task.
            route: where the question went.
            hint: what was answered and used.
            candidate: what the version in the shadow would have answered; its action is None where it failed.
        """
        ...

    def shadow_judged(self, task_name: str, route: Route, verdict: Verdict) -> None:
        """What was measured afterwards of the shadow's answer is known."""
        ...
