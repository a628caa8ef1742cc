"""Replay: run a policy over recorded cases and note what its choices would have cost."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from dwcp.errors import InputError
from dwcp.evaluation.oracle import Cost, alternative_costs
from dwcp.evaluation.policy import Case, Decision, Hindsight, Policy

__all__ = ["Replay", "judge", "replay"]

ContextT = TypeVar("ContextT")
ActionT = TypeVar("ActionT")
OutcomeT = TypeVar("OutcomeT")


@dataclass(frozen=True, slots=True, eq=False)
class Replay(Generic[ActionT]):
    """What a policy chose and what that cost, row by row in the order the cases were given.

    Attributes:
        policy: the policy's name.
        cost: cost of the chosen action, shape ``(n,)``, in the task's cost unit.
        oracle_cost: lowest cost among the recorded alternatives, shape ``(n,)``.
        runner_up_cost: second lowest, shape ``(n,)``; infinite where there was one alternative only.
        confidence: how sure the policy was, shape ``(n,)``, 0 to 1.
        chosen: the chosen actions, ``n`` of them.
        best: the cheapest actions; equal costs go to the alternative listed first.
        groups: the group of each case.
    """

    policy: str
    cost: NDArray[np.float64]
    oracle_cost: NDArray[np.float64]
    runner_up_cost: NDArray[np.float64]
    confidence: NDArray[np.float64]
    chosen: tuple[ActionT, ...]
    best: tuple[ActionT, ...]
    groups: tuple[str, ...]


def replay(
    cases: Sequence[Case[ContextT, ActionT, OutcomeT]],
    policy: Policy[ContextT, ActionT, OutcomeT],
    cost: Cost[ContextT, OutcomeT],
    seed: int,
    *,
    carry: bool = False,
) -> Replay[ActionT]:
    """Let a policy decide every case, group by group and in order of time within a group.

    Each group begins with the state the policy came with and with its own random stream, so what one
    group taught says nothing about another, and leaving a group out changes no other group's rows.
    Afterwards the policy is as it was.

    Args:
        cases: recorded cases; groups are taken in the order in which they first appear.
        policy: what to replay. One with `Hindsight` is shown the outcomes first.
        cost: the task's cost.
        seed: seed of the random streams.
        carry: let state run on from group to group and stay afterwards, as it would in production.

    Raises:
        InputError: there are no cases, or the policy chose an action that was not recorded.
    """
    decisions: list[Decision[ActionT] | None] = [None] * len(cases)
    start = deepcopy(policy.snapshot())
    try:
        for group, rows in _rows_by_group(cases).items():
            if not carry:
                policy.restore(deepcopy(start))
            rng = Random(f"{seed}:{group}")
            for row in rows:
                decisions[row] = _step(cases[row], policy, rng)
    finally:
        if not carry:
            policy.restore(start)
    made = cast("list[Decision[ActionT]]", decisions)
    return judge(cases, [d.action for d in made], cost, policy.name, [d.confidence for d in made])


def judge(
    cases: Sequence[Case[ContextT, ActionT, OutcomeT]],
    chosen: Sequence[ActionT],
    cost: Cost[ContextT, OutcomeT],
    name: str,
    confidence: Sequence[float] | None = None,
) -> Replay[ActionT]:
    """Hold choices that were already made against the recorded outcomes.

    Args:
        cases: recorded cases.
        chosen: one action a case, in the same order.
        cost: the task's cost.
        name: whose choices they are.
        confidence: one number a case, 0 to 1; 1 everywhere when None.

    Raises:
        InputError: there are no cases, lengths differ, or a chosen action was not recorded.
    """
    if not cases:
        raise InputError(f"there are no cases to replay {name!r} over")
    if len(chosen) != len(cases):
        raise InputError(f"{len(chosen)} choices of {name!r} do not match {len(cases)} cases")
    figures = np.empty((3, len(cases)), dtype=np.float64)
    best: list[ActionT] = []
    for row, (case, action) in enumerate(zip(cases, chosen, strict=True)):
        _require_recorded(case, action, name)
        costs = alternative_costs(case.context, case.outcomes, cost)
        ranked = [*costs.values(), np.inf]
        figures[:, row] = cost(case.context, case.outcomes[action]), ranked[0], ranked[1]
        best.append(next(iter(costs)))
    sure = np.ones(len(cases)) if confidence is None else np.asarray(confidence, dtype=np.float64)
    groups = tuple(case.group for case in cases)
    return Replay(name, figures[0], figures[1], figures[2], sure, tuple(chosen), tuple(best), groups)


def _rows_by_group(cases: Sequence[Case[ContextT, ActionT, OutcomeT]]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, case in enumerate(cases):
        rows.setdefault(case.group, []).append(row)
    return {group: sorted(members, key=lambda row: cases[row].time_s) for group, members in rows.items()}


def _step(
    case: Case[ContextT, ActionT, OutcomeT], policy: Policy[ContextT, ActionT, OutcomeT], rng: Random
) -> Decision[ActionT]:
    if isinstance(policy, Hindsight):
        policy.reveal(cast("Mapping[object, object]", case.outcomes))
    decision = policy.decide(case.context, case.time_s, rng)
    _require_recorded(case, decision.action, policy.name)
    for action in (decision.action, *decision.curious):
        if action in case.outcomes:
            policy.observe(case.context, action, case.outcomes[action], case.time_s)
    return decision


def _require_recorded(case: Case[ContextT, ActionT, OutcomeT], action: ActionT, name: str) -> None:
    if action not in case.outcomes:
        recorded = ", ".join(str(known) for known in case.outcomes) or "nothing"
        raise InputError(
            f"{name!r} chose {action} in group {case.group!r} at {case.time_s:g} s, "
            f"where only {recorded} was recorded; measure it there or keep the policy from choosing it"
        )
