"""One target's forecast from what the experts say and what is remembered."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np

from dwcp.tasks.bandwidth.conformal import Tails, quantile
from dwcp.tasks.bandwidth.contract import HORIZON_STEPS, Quantiles
from dwcp.tasks.bandwidth.experts import Told
from dwcp.tasks.bandwidth.hedge import Hedge
from dwcp.tasks.bandwidth.memory import AIMS, PathMemory, Pending, SharedMemory
from dwcp.tasks.bandwidth.rules import WITHIN_LOGS, quantiles_of

__all__ = ["Blend", "blend"]

_PRIOR_STEPS = 20
_MODEL_CREDIT = (5.0, 15.0)
"""In mean losses, for next step and horizon: a model that was validated elsewhere is believed until it is
wrong here. Chosen on validation traces."""
_PRIOR_ERRORS = (-0.5, -0.2, 0.0, 0.2, 0.5)
_LEAST_WIDTH = 0.01
_DOUBT = 2.0
_DOUBTED = 0.5
_MOST_DOUBT = 6.0


@dataclass(frozen=True, slots=True)
class Blend:
    """A forecast of one target.

    Attributes:
        quantiles: in Mbit/s.
        confidence: calibrated probability of being within 20%.
        hedge: the opinion that the experts were blended by.
        pending: what is needed to learn from the truth.
    """

    quantiles: Quantiles
    confidence: float
    hedge: Hedge
    pending: Pending


def blend(told: Told, target: int, path: PathMemory | None, shared: SharedMemory) -> Blend:
    """Blend the experts' forecasts of next step (0) or horizon (1)."""
    hedge = path.hedges[target] if path else _first_opinion(told, target, shared)
    weights = hedge.weights(0.0 if told.model is None else _MODEL_CREDIT[target])
    experts = told.latest(target)
    mid = float(weights @ experts)
    widths = _widths(told, target, weights)
    tails = path.tails[target] if path else Tails.aiming_at(AIMS[target])
    ordered = tails.ordered(shared.pools[target])
    bounds = tails.bounds(ordered)
    doubt = _doubt(told, path)
    low, high = doubt * bounds[0] * widths[0], doubt * bounds[1] * widths[1]
    if told.series.jumped or told.series.stalled:
        recent = np.log(told.series.values[-5:])
        low, high = min(low, float(recent.min()) - mid), max(high, float(recent.max()) - mid)
    stated = told.within if told.within is not None else _share_within(ordered, widths)
    confidence = shared.reliability.calibrated(stated)
    if doubt > 1:
        confidence *= _DOUBTED / doubt
    pending = Pending(experts.tolist(), mid, widths, bounds, told.series.floor, stated)
    quantiles = quantiles_of(told.series, float(np.exp(mid)), [low, high])
    return Blend(quantiles, min(max(confidence, 0.0), 1.0), hedge, pending)


def _first_opinion(told: Told, target: int, shared: SharedMemory) -> Hedge:
    """Of a new path: what others taught, and how right the rules would have been in its window."""
    opinion = shared.hedges[target].lasting(_PRIOR_STEPS)
    known = _known(told, target)
    if not known:
        return opinion
    errors = np.abs(told.came[target, :known] - told.walks[:, target, :known])
    if told.model is not None:
        errors = np.vstack([errors, errors.min(axis=0)])
    return opinion.after(errors)


def _widths(told: Told, target: int, weights: np.ndarray) -> tuple[float, float]:
    """Expected distance of the tails: the model's, or those of the window's own errors."""
    if told.model is not None:
        below, above = told.model[1][target].tolist()
        return below, above
    known = _known(told, target)
    errors = told.came[target, :known] - weights @ told.walks[:, target, :known]
    ordered = sorted((*errors.tolist(), *_PRIOR_ERRORS))
    return max(-quantile(ordered, 0.05), _LEAST_WIDTH), max(quantile(ordered, 0.95), _LEAST_WIDTH)


def _known(told: Told, target: int) -> int:
    """Of how many steps it is known what came after."""
    return max(0, len(told.series.values) - (1, HORIZON_STEPS)[target])


def _doubt(told: Told, path: PathMemory | None) -> float:
    """How many times wider than usual the interval must be."""
    doubt = _DOUBT + told.series.missing if told.series.doubtful else 1.0
    return min(max(doubt, _DOUBT if path and path.shaken else 1.0), _MOST_DOUBT)


def _share_within(ordered: list[float], widths: tuple[float, float]) -> float:
    """Share of past scores that would be within 20% at these widths."""
    low, high = WITHIN_LOGS
    return (bisect_right(ordered, high / widths[1]) - bisect_left(ordered, low / widths[0])) / len(ordered)
