"""The cost of an outcome, and every outcome of a case from the deltas that were measured."""

from collections.abc import Mapping
from itertools import permutations

from dwcp.tasks.dedup.contract import MOST_TRIALS, USELESS_SHARE, Action, Context, Outcome

__all__ = ["cost_bytes", "outcomes_of"]

_TRIAL_SHARE = 0.01
"""What a trial is charged with, as a share of the block: it takes time, whatever comes of it."""


def cost_bytes(context: Context, outcome: Outcome) -> float:
    """What the block takes, and a hundredth of its length for each delta that was made for it."""
    return outcome.stored_bytes + _TRIAL_SHARE * outcome.tried * context.size_bytes


def outcomes_of(context: Context, delta_bytes: Mapping[bytes, int]) -> dict[Action, Outcome]:
    """The outcome of everything that can be done.

    Args:
        context: what was known.
        delta_bytes: what the delta against each candidate takes, by its id.
    """
    alone_bytes = context.alone_bytes
    outcomes = {}
    for count in range(MOST_TRIALS + 1):
        for bases in permutations((candidate.base for candidate in context.candidates), count):
            sizes = [delta_bytes[base] for base in bases]
            useless = sum(size >= USELESS_SHARE * alone_bytes for size in sizes)
            outcomes[Action(bases)] = Outcome(alone_bytes, min(sizes, default=None), count, useless)
    return outcomes
