"""Figures of forecasts: errors, skill against last value, coverage, what confidence is worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dwcp.evaluation.policy import Case
from dwcp.tasks.bandwidth.contract import Action, Context, Outcome
from dwcp.tasks.bandwidth.oracle import truths
from dwcp.tasks.bandwidth.series import Floats, usable

__all__ = ["WITHIN", "Held", "figures", "hold", "within_20"]

BandwidthCase = Case[Context, Action, Outcome]

WITHIN = 0.2
"""A forecast within 20% of the truth is one that streams can be sized by."""

_FLOOR_MBPS = 1e-3
_COVERAGE = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Forecasts of one target beside what came, each of shape ``(n,)``, in Mbit/s.

    Attributes:
        truth: what came.
        low: the 5% quantile.
        mid: the median.
        high: the 95% quantile.
        last: the last value before.
        confidence: stated probability of being within 20%.
        row: which case.
    """

    truth: Floats
    low: Floats
    mid: Floats
    high: Floats
    last: Floats
    confidence: Floats
    row: Floats


def hold(cases: Sequence[BandwidthCase], chosen: Sequence[Action], target: int) -> Held:
    """Forecasts of next step (0) or horizon (1) beside what came, where that is known."""
    rows = []
    for row, (case, action) in enumerate(zip(cases, chosen, strict=True)):
        truth = truths(case.outcomes[action].steps)[target]
        if truth is not None:
            told = (action.next_step, action.horizon)[target]
            last = _last(case.context)
            rows.append((truth, told.low, told.mid, told.high, last, action.confidence, row))
    columns = np.array(rows, np.float64).reshape(-1, 7).T
    return Held(*columns)


def within_20(truth: Floats, mid: Floats) -> np.ndarray:
    """Where a forecast is within 20% of what came."""
    return np.asarray(np.abs(mid - truth) <= WITHIN * truth + _FLOOR_MBPS)


def figures(cases: Sequence[BandwidthCase], chosen: Sequence[Action]) -> dict[str, float]:
    """Of all cases together, each target's; 0 where nothing is known of one."""
    found: dict[str, float] = {}
    covered = []
    for target, name in enumerate(("next_step", "horizon")):
        held = hold(cases, chosen, target)
        if not len(held.truth):
            found |= {f"within_20_{name}": 0.0, f"skill_{name}": 0.0, f"coverage_{name}": 0.0}
            continue
        inside = (held.low <= held.truth) & (held.truth <= held.high)
        covered.append(float(inside.mean()))
        error, usual = (_log_error(held.truth, told) for told in (held.mid, held.last))
        found |= {
            f"within_20_{name}": float(within_20(held.truth, held.mid).mean()),
            f"skill_{name}": 1 - float(error.sum() / max(usual.sum(), 1e-12)),
            f"coverage_{name}": covered[-1],
        }
    held = hold(cases, chosen, 0)
    found["coverage_error"] = max((abs(share - _COVERAGE) for share in covered), default=1.0)
    found["within_20_of_surer_half"] = _surer_half(held)
    return found


def _surer_half(held: Held) -> float:
    surest = np.argsort(-held.confidence, kind="stable")[: -(-len(held.truth) // 2)]
    return float(within_20(held.truth, held.mid)[surest].mean()) if len(surest) else 0.0


def _log_error(truth: Floats, told: Floats) -> Floats:
    return np.asarray(np.abs(np.log((truth + _FLOOR_MBPS) / (told + _FLOOR_MBPS))))


def _last(context: Context) -> float:
    return next((mbps for mbps in map(usable, reversed(context.steps)) if mbps is not None), 0.0)
