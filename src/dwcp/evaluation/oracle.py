"""The policy with hindsight, and the one rule by which the cheapest alternative is found."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Generic, TypeAlias, TypeVar, cast

from dwcp.errors import InputError
from dwcp.evaluation.policy import Decision, State

__all__ = ["Cost", "OraclePolicy", "alternative_costs"]

ContextT = TypeVar("ContextT")
ActionT = TypeVar("ActionT")
OutcomeT = TypeVar("OutcomeT")

Cost: TypeAlias = Callable[[ContextT, OutcomeT], float]
"""What an outcome costs under a context: finite, never negative, lower is better."""


def alternative_costs(
    context: ContextT, outcomes: Mapping[ActionT, OutcomeT], cost: Cost[ContextT, OutcomeT]
) -> dict[ActionT, float]:
    """The cost of every alternative, cheapest first; equal costs keep the order of ``outcomes``.

    Raises:
        InputError: there is no alternative, or a cost is negative or not finite.
    """
    if not outcomes:
        raise InputError("a case without a recorded outcome cannot be judged; leave it out")
    costs = {action: float(cost(context, outcome)) for action, outcome in outcomes.items()}
    for action, figure in costs.items():
        if not 0 <= figure < float("inf"):
            raise InputError(f"the cost of {action} is {figure}; it must be finite and not negative")
    return dict(sorted(costs.items(), key=lambda item: item[1]))


class OraclePolicy(Generic[ContextT, ActionT, OutcomeT]):
    """Chooses the cheapest of the outcomes it was shown; equal costs go to the one listed first.

    Nothing that ships may use it: it is the bound that regret is measured against.
    """

    def __init__(self, cost: Cost[ContextT, OutcomeT], name: str = "oracle") -> None:
        self._cost = cost
        self._name = name
        self._revealed: Mapping[ActionT, OutcomeT] | None = None

    @property
    def name(self) -> str:
        """Short name for tables."""
        return self._name

    def reveal(self, outcomes: Mapping[object, object]) -> None:
        """Show the measured outcome of every alternative of the next context."""
        self._revealed = cast("Mapping[ActionT, OutcomeT]", outcomes)

    def decide(self, context: ContextT, now: float, rng: Random) -> Decision[ActionT]:  # noqa: ARG002
        """Choose the cheapest of what was revealed; what was revealed serves one decision.

        Raises:
            InputError: nothing was revealed since the last decision.
        """
        revealed, self._revealed = self._revealed, None
        if revealed is None:
            raise InputError(f"policy {self._name!r} decides only after the outcomes are revealed to it")
        costs = alternative_costs(context, revealed, self._cost)
        return Decision(next(iter(costs)), 1.0, costs)

    def observe(self, context: ContextT, action: ActionT, outcome: OutcomeT, now: float) -> None:
        """Nothing to take in."""

    def snapshot(self) -> State:
        """Nothing to remember."""
        return {}

    def restore(self, state: State) -> None:  # noqa: ARG002
        """Forget what was revealed."""
        self._revealed = None
