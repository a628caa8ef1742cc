"""The advisor's protocol, all that a data plane imports, and the advisor that has no models.

Standard library only: a data plane works, and its tests pass, with nothing of the learned side installed.
"""

import logging
import time
from collections.abc import Callable, Mapping
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from dwcp.serving.hint import Hint, ModelRef, Reason

if TYPE_CHECKING:
    from dwcp.evaluation.policy import Policy

__all__ = ["Advisor", "FallbackAdvisor", "told"]

_log = logging.getLogger(__name__)


class Advisor(Protocol):
    """Gives hints, and takes in what came of them."""

    def ask(self, task_name: str, context: Any, *, unit: str = "", region: str = "") -> Hint[Any]:
        """A hint for one context of a task; never raises, never blocks past the advisor's deadline.

        A unit is on whose behalf it is asked: a path, a host, a store. Rollouts and experiments answer it by
        the same version each time; a region is where it is, for rollouts that go region by region.

        The action is None in two cases, both a caller's or a task's mistake told in ``detail``: there is
        no such task, or its fallback, which must answer any context, raised. None is no hint: the caller
        does what it does without an advisor.
        """
        ...

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        """Take in what came of an action; never raises."""
        ...


class FallbackAdvisor:
    """The advisor without models: every answer is the task's fallback.

    Args:
        policies: the fallback of each task, by the task's name.
        detail: why there is no model, in a few words.
        clock: seconds that only go forward.
        seed: seed of the generator that policies are handed.
    """

    def __init__(
        self,
        policies: Mapping[str, "Policy[Any, Any, Any]"],
        *,
        detail: str = "this advisor has no models",
        clock: Callable[[], float] = time.monotonic,
        seed: int = 0,
    ) -> None:
        self._policies = dict(policies)
        self._detail = detail
        self._clock = clock
        self._rng = Random(seed)

    def ask(self, task_name: str, context: Any, *, unit: str = "", region: str = "") -> Hint[Any]:  # noqa: ARG002
        """The fallback's answer, with `Reason.FALLBACK_NO_MODEL`; see `Advisor.ask`."""
        return self.answer(task_name, context, Reason.FALLBACK_NO_MODEL, self._detail, self._clock())

    def answer(
        self,
        task_name: str,
        context: Any,
        reason: Reason,
        detail: str,
        started_s: float,
        model: ModelRef | None = None,
    ) -> Hint[Any]:
        """The fallback's answer for a reason of the caller's; see `Advisor.ask`.

        Args:
            task_name: the task.
            context: what the caller knows.
            reason: why the fallback answers.
            detail: the same in a few words.
            started_s: when the asking began, on this advisor's clock.
            model: the model that would have answered.
        """
        policy = self._policies.get(task_name)
        if policy is None:
            known = ", ".join(sorted(self._policies)) or "none"
            detail = f"there is no task {task_name!r}; the tasks here are: {known}"
            return self._nothing(Reason.FALLBACK_NO_MODEL, detail, started_s, None)
        try:
            chosen = policy.decide(context, started_s, self._rng)
            return Hint(
                chosen.action,
                reason,
                chosen.confidence,
                model,
                chosen.costs,
                chosen.curious,
                detail,
                self._ms(started_s),
            )
        except Exception as error:  # noqa: BLE001 - asking never raises, whatever a policy does
            detail = f"the fallback of {task_name} failed: {told(error)} (it was asked because: {detail})"
            return self._nothing(Reason.FALLBACK_ERROR, detail, started_s, model)

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        """Hand the outcome to the task's fallback; see `Advisor.observe`."""
        policy = self._policies.get(task_name)
        if policy is None:
            return
        try:
            policy.observe(context, action, outcome, self._clock())
        except Exception:  # noqa: BLE001 - observing never raises, whatever a policy does
            _log.exception("the fallback of %s cannot take in an outcome", task_name)

    def _nothing(self, reason: Reason, detail: str, started_s: float, model: ModelRef | None) -> Hint[Any]:
        return Hint(None, reason, 0.0, model, {}, (), detail, self._ms(started_s))

    def _ms(self, started_s: float) -> float:
        return (self._clock() - started_s) * 1000.0


def told(error: BaseException) -> str:
    """An error in a few words on one line: its type and the first line of its message."""
    first = str(error).strip().partition("\n")[0][:200]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
