"""Fit how a flow's residuals hang together, from flows whose families were not trained on."""

import numpy as np
from numpy.typing import NDArray

from dwcp.tasks.compression.contract import CANDIDATES
from dwcp.tasks.compression.inputs import MEASURES
from dwcp.tasks.compression.model.decision import TARGETS, FlowPrior
from dwcp.tasks.compression.model.features import DEPTHS

__all__ = ["fit_prior"]

Floats = NDArray[np.float64]

_PLAIN_FACTORS, _DELTA_FACTORS = 3, 2
_DELTA = np.tile([action.use_reference for action in CANDIDATES], len(MEASURES))
_LARGEST = 1.5
_FEWEST_FLOWS = 4
_SMALLEST_VARIANCE = 1e-5


def fit_prior(residuals: Floats, depth: NDArray[np.int64], flow: NDArray[np.str_]) -> FlowPrior:
    """Principal factors of the covariance between flows, and the variance within them, depth by depth.

    Deltas have factors of their own: how well a reference fits says nothing of how a block compresses alone.

    Args:
        residuals: measured less predicted logarithms, ``[rows, targets]``, NaN where not measured; predicted
            by models that saw nothing of the row's family.
        depth: ``[rows]``.
        flow: the file each row is of, ``[rows]``.
    """
    parts = [_at_depth(residuals[depth == level], flow[depth == level]) for level in range(DEPTHS)]
    loadings, own, noise = (np.stack(part) for part in zip(*parts, strict=True))
    return FlowPrior(loadings, own, noise)


def _at_depth(residuals: Floats, flow: NDArray[np.str_]) -> tuple[Floats, Floats, Floats]:
    clipped = np.clip(residuals, -_LARGEST, _LARGEST)
    means, within = [], []
    for name in np.unique(flow):
        rows = clipped[flow == name]
        mean = _mean(rows)
        means.append(mean)
        within.append(rows - mean)
    loadings = np.zeros((TARGETS, _PLAIN_FACTORS + _DELTA_FACTORS))
    if not means:
        return loadings, np.zeros(TARGETS), np.ones(TARGETS)
    between = _covariance(np.array(means))
    noise = np.maximum(np.diagonal(_covariance(np.concatenate(within))), _SMALLEST_VARIANCE)
    loadings[~_DELTA, :_PLAIN_FACTORS] = _principal(between[np.ix_(~_DELTA, ~_DELTA)], _PLAIN_FACTORS)
    loadings[_DELTA, _PLAIN_FACTORS:] = _principal(between[np.ix_(_DELTA, _DELTA)], _DELTA_FACTORS)
    own = np.maximum(np.diagonal(between) - (loadings**2).sum(axis=1), _SMALLEST_VARIANCE)
    return loadings, own, noise


def _principal(covariance: Floats, factors: int) -> Floats:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors[:, -factors:] * np.sqrt(np.maximum(values[-factors:], 0.0)))


def _mean(rows: Floats) -> Floats:
    known = ~np.isnan(rows)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, rows, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _covariance(values: Floats) -> Floats:
    """About zero, over the pairs that are known; too few of them count as unrelated."""
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    pairs = known.T.astype(float) @ known.astype(float)
    covariance = filled.T @ filled / np.maximum(pairs, 1)
    few = (pairs < _FEWEST_FLOWS) & ~np.eye(values.shape[1], dtype=bool)
    return np.where(few, 0.0, covariance)
