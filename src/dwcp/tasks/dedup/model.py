"""A linear model of how small a delta gets, from all that is known of a candidate before it is made."""

from collections.abc import Iterator, Sequence
from math import log
from random import Random

import numpy as np

from dwcp.errors import TrainingError
from dwcp.evaluation.policy import Case
from dwcp.tasks.dedup.contract import Action, Candidate, Context, Outcome
from dwcp.tasks.dedup.oracle import cost_bytes
from dwcp.tasks.dedup.policy import RankedPolicy, evidence

__all__ = ["fit_ranker"]

DedupCase = Case[Context, Action, Outcome]
_RIDGE = 1e-4
_LIMITS = tuple(log(share) for share in np.arange(0.6, 1.0, 0.025).tolist())
_SEED = Random(0)


def fit_ranker(train: Sequence[DedupCase], validation: Sequence[DedupCase]) -> RankedPolicy:
    """Least squares on the logarithm of a delta's share of what the block takes by itself.

    Args:
        train: measured cases, of which some have candidates.
        validation: of other groups; what is not worth trying comes from these alone.

    Raises:
        TrainingError: no case has a candidate.
    """
    pairs = [(evidence(case.context, one), log(share)) for case, one, share in _measured(train)]
    if not pairs:
        raise TrainingError("no measured block has anything alike; measure versions of something")
    inputs, wanted = np.array([row for row, _ in pairs]), np.array([share for _, share in pairs])
    ridge = _RIDGE * len(pairs) * np.eye(inputs.shape[1])
    weights = np.linalg.solve(inputs.T @ inputs + ridge, inputs.T @ wanted)
    policies = [RankedPolicy(tuple(weights.tolist()), limit) for limit in _LIMITS]
    return min(policies, key=lambda policy: _cost(policy, validation))


def _measured(cases: Sequence[DedupCase]) -> Iterator[tuple[DedupCase, Candidate, float]]:
    for case in cases:
        for candidate in case.context.candidates:
            delta_bytes = case.outcomes[Action((candidate.base,))].delta_bytes
            if delta_bytes is not None:
                yield case, candidate, delta_bytes / case.context.alone_bytes


def _cost(policy: RankedPolicy, cases: Sequence[DedupCase]) -> float:
    """Summed over groups as shares, so that no group counts for more than another."""
    groups: dict[str, list[float]] = {}
    for case in cases:
        chosen = policy.decide(case.context, 0.0, _SEED).action
        costs = groups.setdefault(case.group, [0.0, 0.0])
        costs[0] += cost_bytes(case.context, case.outcomes[chosen])
        costs[1] += case.context.alone_bytes
    return sum(cost / alone for cost, alone in groups.values())
