"""A policy: anything that decides. Fallback, baseline, learned model and oracle are all policies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Generic, Protocol, TypeVar, runtime_checkable

__all__ = ["Case", "Decision", "Hindsight", "Policy", "State"]

ContextT = TypeVar("ContextT")
ActionT = TypeVar("ActionT")
OutcomeT = TypeVar("OutcomeT")
ContextT_contra = TypeVar("ContextT_contra", contravariant=True)
OutcomeT_contra = TypeVar("OutcomeT_contra", contravariant=True)

State = Mapping[str, object]
"""What a policy remembers, as JSON values only: it is stored beside the model's alias."""


@dataclass(frozen=True, slots=True)
class Decision(Generic[ActionT]):
    """What a policy would do, and how sure it is.

    Attributes:
        action: the chosen action.
        confidence: between 0 and 1; 1 for a rule that has no doubt of its own.
        costs: predicted cost of every alternative in the task's cost unit; empty when the policy has none.
        curious: alternatives the policy would like to have measured off the hot path, within its own budget.
            Whoever can spare the time does, and hands the outcomes to `Policy.observe`.
    """

    action: ActionT
    confidence: float = 1.0
    costs: Mapping[ActionT, float] = field(default_factory=dict)
    curious: tuple[ActionT, ...] = ()


class Policy(Protocol[ContextT_contra, ActionT, OutcomeT_contra]):
    """Decides, and learns from what came of it. Time and randomness are arguments."""

    @property
    def name(self) -> str:
        """Short name for tables, e.g. ``fallback`` or ``zstd-3``."""
        ...

    def decide(self, context: ContextT_contra, now: float, rng: Random) -> Decision[ActionT]:
        """Choose an action. ``now`` is in seconds; the policy never reads the clock."""
        ...

    def observe(
        self, context: ContextT_contra, action: ActionT, outcome: OutcomeT_contra, now: float
    ) -> None:
        """Take in what came of an action. A stateless policy does nothing here."""
        ...

    def snapshot(self) -> State:
        """What the policy remembers, as JSON values."""
        ...

    def restore(self, state: State) -> None:
        """Continue from a snapshot."""
        ...


@runtime_checkable
class Hindsight(Protocol):
    """A policy that may see the outcomes first: the oracle, and nothing else."""

    def reveal(self, outcomes: Mapping[object, object]) -> None:
        """Show the measured outcome of every alternative of the next context."""
        ...


@dataclass(frozen=True, slots=True)
class Case(Generic[ContextT, ActionT, OutcomeT]):
    """One recorded decision: what was known before it, and what every alternative gave.

    Attributes:
        context: what was known before the decision.
        outcomes: the measured outcome of each alternative.
        group: what must not be split between training and test (a file family, a link, a node).
        time_s: when, in seconds; replays go in this order within a group.
    """

    context: ContextT
    outcomes: Mapping[ActionT, OutcomeT]
    group: str
    time_s: float = 0.0
