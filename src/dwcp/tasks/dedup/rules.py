"""The fallback, which is what ships, and the simple rules it is held against."""

from collections.abc import Callable, Iterable
from random import Random

from dwcp.evaluation.naive import ConstantPolicy
from dwcp.evaluation.policy import Decision, State
from dwcp.tasks.dedup.contract import NOTHING, Action, Candidate, Context, Outcome, promising

__all__ = ["RulePolicy", "fallback", "simple_rules"]


class RulePolicy:
    """A rule that looks at the context alone."""

    def __init__(self, name: str, rule: Callable[[Context], Action]) -> None:
        """Name a rule.

        Args:
            name: for tables.
            rule: total: any context.
        """
        self.name = name
        self._rule = rule

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:  # noqa: ARG002
        """What the rule says."""
        return Decision(self._rule(context))

    def observe(self, context: Context, action: Action, outcome: Outcome, now: float) -> None:
        """Nothing to take in."""

    def snapshot(self) -> State:
        """Nothing to remember."""
        return {}

    def restore(self, state: State) -> None:
        """Nothing to continue from."""


def fallback() -> RulePolicy:
    """The first candidates that share enough."""
    return RulePolicy("fallback", promising)


def simple_rules() -> tuple[RulePolicy | ConstantPolicy[Action], ...]:
    """Never; whatever comes first; what shares most; what lies at the same place of an earlier version."""
    return (
        ConstantPolicy(NOTHING, "none"),
        RulePolicy("first", lambda context: _first(context.candidates)),
        RulePolicy("most-shared", _most_shared),
        RulePolicy("same-place", lambda context: _first(one for one in context.candidates if one.is_next)),
    )


def _first(candidates: Iterable[Candidate]) -> Action:
    return next((Action((candidate.base,)) for candidate in candidates), NOTHING)


def _most_shared(context: Context) -> Action:
    """By super-features alone: those that share two features of one group are likely to be among these."""
    shared = [candidate for candidate in context.candidates if candidate.shared_features]
    return _first(sorted(shared, key=lambda candidate: -candidate.shared_features))
