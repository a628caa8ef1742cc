"""Figures for decisions, all from a replay: accuracy, regret, F1 by margin, gain, agreement of oracles."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from dwcp.errors import InputError
from dwcp.evaluation.classification import macro_f1
from dwcp.evaluation.oracle import Cost, alternative_costs
from dwcp.evaluation.policy import Case
from dwcp.evaluation.replay import Replay, judge

__all__ = [
    "Agreement",
    "Disagreement",
    "MarginF1",
    "agreement",
    "disagreements",
    "f1_by_margin",
    "gain",
    "margins",
    "regrets",
    "require_same_rows",
    "strict_accuracy",
    "summary",
    "within",
]

ContextT = TypeVar("ContextT")
ActionT = TypeVar("ActionT")
OutcomeT = TypeVar("OutcomeT")

_TOLERANCES = (0.01, 0.02, 0.05)


@dataclass(frozen=True, slots=True)
class MarginF1:
    """Macro F1 on the decisions that measuring noise cannot flip.

    Attributes:
        noise: the margin a decision had to exceed, as a share of the oracle's cost.
        decisions: how many did.
        macro_f1: over the classes that occur in them; NaN when there are none.
    """

    noise: float
    decisions: int
    macro_f1: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well one measuring run's oracle does on a second run of the same rows: the noise floor.

    Attributes:
        strict: share of rows on which both runs name the same cheapest action.
        within: tolerance to the share of rows on which the first run's choice is that near in the second.
        mean_regret: of the first run's choices in the second run.
        noise_p95: 95th percentile of the relative difference of an alternative's cost between the runs.
    """

    strict: float
    within: dict[float, float]
    mean_regret: float
    noise_p95: float


@dataclass(frozen=True, slots=True)
class Disagreement(Generic[ActionT]):
    """A pair of cheapest and chosen action that differ.

    Attributes:
        best: what was cheapest.
        chosen: what was chosen instead.
        decisions: how often.
        extra_cost: what that cost above the oracle, summed, in the task's cost unit.
    """

    best: ActionT
    chosen: ActionT
    decisions: int
    extra_cost: float


def strict_accuracy(replay: Replay[Any]) -> float:
    """Share of decisions that cost no more than the oracle's; an exact tie counts as right."""
    return within(replay, 0.0)


def within(replay: Replay[Any], tolerance: float) -> float:
    """Share of decisions whose regret is at most ``tolerance``, e.g. 0.05 for within 5 % of the oracle."""
    return float(np.mean(regrets(replay) <= tolerance))


def regrets(replay: Replay[Any]) -> NDArray[np.float64]:
    """Cost above the oracle's as a share of the oracle's, shape ``(n,)``.

    Infinite where the oracle paid nothing and the policy something.
    """
    return _share_above(replay.cost, replay.oracle_cost)


def margins(replay: Replay[Any]) -> NDArray[np.float64]:
    """How much dearer the second-best alternative is, as a share of the oracle's cost, shape ``(n,)``."""
    return _share_above(replay.runner_up_cost, replay.oracle_cost)


def f1_by_margin(
    replay: Replay[ActionT],
    noise_levels: Sequence[float],
    label: Callable[[ActionT], Hashable] = lambda action: action,
) -> tuple[MarginF1, ...]:
    """Macro F1 restricted to decisions whose margin exceeds each noise level.

    Args:
        replay: the decisions.
        noise_levels: shares of the oracle's cost, e.g. ``(0.0, 0.02, 0.05)``.
        label: the class of an action; the action itself unless given.
    """
    margin = margins(replay)
    truth, predicted = [label(a) for a in replay.best], [label(a) for a in replay.chosen]
    results = []
    for noise in noise_levels:
        rows = np.flatnonzero(margin > noise)
        score = macro_f1([truth[i] for i in rows], [predicted[i] for i in rows]) if rows.size else np.nan
        results.append(MarginF1(noise, rows.size, score))
    return tuple(results)


def gain(replay: Replay[Any], other: Replay[Any]) -> float:
    """Share of the other policy's total cost that this one saves; negative when it costs more.

    Raises:
        InputError: the replays are not of the same rows, or the other's total is zero.
    """
    require_same_rows(replay, other)
    total = other.cost.sum()
    if total == 0:
        raise InputError(f"gain over {other.policy!r} is undefined: its total cost is zero")
    return float(1 - replay.cost.sum() / total)


def disagreements(replay: Replay[ActionT]) -> tuple[Disagreement[ActionT], ...]:
    """Where the choices differ from the cheapest, the dearest pair first."""
    counts: Counter[tuple[ActionT, ActionT]] = Counter()
    extra: dict[tuple[ActionT, ActionT], float] = {}
    above = replay.cost - replay.oracle_cost
    for best, chosen, cost in zip(replay.best, replay.chosen, above.tolist(), strict=True):
        if best != chosen:
            counts[best, chosen] += 1
            extra[best, chosen] = extra.get((best, chosen), 0.0) + cost
    found = [Disagreement(*pair, counts[pair], cost) for pair, cost in extra.items()]
    return tuple(sorted(found, key=lambda item: -item.extra_cost))


def agreement(
    first: Sequence[Case[ContextT, ActionT, OutcomeT]],
    second: Sequence[Case[ContextT, ActionT, OutcomeT]],
    cost: Cost[ContextT, OutcomeT],
) -> Agreement:
    """Hold the first measuring run's oracle against the second's, row by row.

    No policy can be expected to do better than this on either run.

    Raises:
        InputError: the runs differ in length, groups or alternatives.
    """
    if [(c.group, set(c.outcomes)) for c in first] != [(c.group, set(c.outcomes)) for c in second]:
        raise InputError("two measuring runs are compared row by row: measure the same blocks in one order")
    before = [alternative_costs(case.context, case.outcomes, cost) for case in first]
    after = [alternative_costs(case.context, case.outcomes, cost) for case in second]
    judged = judge(second, [next(iter(costs)) for costs in before], cost, "first run's oracle")
    pairs = np.array([(b[action], a[action]) for b, a in zip(before, after, strict=True) for action in b])
    low, high = pairs.min(axis=1), pairs.max(axis=1)
    return Agreement(
        strict_accuracy(judged),
        {tolerance: within(judged, tolerance) for tolerance in _TOLERANCES},
        float(regrets(judged).mean()),
        float(np.quantile(_share_above(high, low), 0.95, method="higher")),
    )


def summary(replay: Replay[Any]) -> dict[str, float]:
    """The figures every table and manifest carries, by name; shares, not percent."""
    regret = regrets(replay)
    return {
        "decisions": float(replay.cost.size),
        "total_cost": float(replay.cost.sum()),
        "strict_accuracy": strict_accuracy(replay),
        **{f"within_{100 * tolerance:.0f}pct": within(replay, tolerance) for tolerance in _TOLERANCES},
        "mean_regret": float(regret.mean()),
        "p99_regret": float(np.quantile(regret, 0.99, method="higher")),
        "macro_f1": macro_f1(replay.best, replay.chosen),
    }


def require_same_rows(replay: Replay[Any], other: Replay[Any]) -> None:
    """Refuse to compare replays of different rows.

    Raises:
        InputError: groups or oracle costs differ.
    """
    if replay.groups != other.groups or not np.array_equal(replay.oracle_cost, other.oracle_cost):
        raise InputError(f"{replay.policy!r} and {other.policy!r} were not replayed over the same rows")


def _share_above(cost: NDArray[np.float64], base: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(cost - base) / base``, with 0/0 as 0 and a positive cost over nothing as infinite."""
    free = base == 0
    with np.errstate(over="ignore"):
        share = (cost - base) / np.where(free, 1.0, base)
    return np.where(free, np.where(cost > 0, np.inf, 0.0), share)
