"""Baselines that any learned policy has to beat: one action for everything, and the best such action."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, Generic, TypeVar

from dwcp.errors import InputError
from dwcp.evaluation.oracle import Cost
from dwcp.evaluation.policy import Case, Decision, State

__all__ = ["ConstantPolicy", "best_fixed"]

ContextT = TypeVar("ContextT")
ActionT = TypeVar("ActionT")
OutcomeT = TypeVar("OutcomeT")


class ConstantPolicy(Generic[ActionT]):
    """The same action whatever the context."""

    def __init__(self, action: ActionT, name: str | None = None) -> None:
        self._action = action
        self._name = str(action) if name is None else name

    @property
    def name(self) -> str:
        """Short name for tables; the action's own unless another was given."""
        return self._name

    @property
    def action(self) -> ActionT:
        """The one action."""
        return self._action

    def decide(self, context: Any, now: float, rng: Random) -> Decision[ActionT]:  # noqa: ARG002
        """Choose the one action."""
        return Decision(self._action)

    def observe(self, context: Any, action: ActionT, outcome: Any, now: float) -> None:
        """Nothing to take in."""

    def snapshot(self) -> State:
        """Nothing to remember."""
        return {}

    def restore(self, state: State) -> None:
        """Nothing to continue from."""


def best_fixed(
    training_cases: Sequence[Case[ContextT, ActionT, OutcomeT]],
    cost: Cost[ContextT, OutcomeT],
    candidates: Iterable[ActionT] | None = None,
    name: str | None = None,
) -> ConstantPolicy[ActionT]:
    """The fixed action with the lowest total cost; equal totals go to the candidate listed first.

    Args:
        training_cases: what the choice is made on. Never test cases: that would be hindsight.
        cost: the task's cost.
        candidates: actions to choose among; those recorded in every case when None. Candidates that a
            case lacks are left out.
        name: the policy's name; ``best fixed (<action>)`` when None.

    Raises:
        InputError: there are no cases, or no candidate is recorded in every one of them.
    """
    if not training_cases:
        raise InputError("the best fixed action cannot be chosen without training cases")
    listed = training_cases[0].outcomes if candidates is None else candidates
    usable = [action for action in listed if all(action in case.outcomes for case in training_cases)]
    if not usable:
        raise InputError("no candidate is recorded in every training case; measure the same set on each")
    totals = {
        action: sum(cost(case.context, case.outcomes[action]) for case in training_cases) for action in usable
    }
    best = min(totals, key=totals.__getitem__)
    return ConstantPolicy(best, f"best fixed ({best})" if name is None else name)
