"""The learned policy: candidates in the order of the delta that is predicted, and none that is too large."""

from random import Random

from dwcp.evaluation.policy import Decision, State
from dwcp.tasks.dedup.contract import FEATURES, GRAMS, MOST_TRIALS, Action, Candidate, Context, Outcome

__all__ = ["RankedPolicy", "evidence"]


class RankedPolicy:
    """Predicts the logarithm of a delta's share of what the block takes by itself."""

    def __init__(self, weights: tuple[float, ...], limit: float, name: str = "ranker") -> None:
        """Take a linear model.

        Args:
            weights: of each number in `evidence`.
            limit: candidates with a greater prediction are not tried.
            name: for tables.
        """
        self.name = name
        self.weights = weights
        self.limit = limit

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:  # noqa: ARG002
        """The candidates with the smallest predictions."""
        predicted = sorted((self.predict(context, one), one.base) for one in context.candidates)
        return Decision(Action(tuple(base for share, base in predicted[:MOST_TRIALS] if share <= self.limit)))

    def predict(self, context: Context, candidate: Candidate) -> float:
        """The logarithm of the share."""
        pairs = zip(self.weights, evidence(context, candidate), strict=True)
        return sum(weight * number for weight, number in pairs)

    def observe(self, context: Context, action: Action, outcome: Outcome, now: float) -> None:
        """Nothing to take in."""

    def snapshot(self) -> State:
        """Nothing to remember."""
        return {}

    def restore(self, state: State) -> None:
        """Nothing to continue from."""


def evidence(context: Context, candidate: Candidate) -> tuple[float, ...]:
    """What speaks for a candidate, as numbers of about the same size; the first is always 1."""
    features, grams = candidate.shared_features / FEATURES, candidate.shared_grams / GRAMS
    size_bytes = max(1, context.size_bytes)
    both = candidate.size_bytes, size_bytes
    return (
        1.0,
        features,
        features * features,
        grams,
        grams * grams,
        float(candidate.shared_features == 0),
        float(candidate.is_direct),
        float(candidate.is_next),
        min(both) / max(both),
        min(1.0, context.alone_bytes / size_bytes),
    )
