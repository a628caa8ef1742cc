"""Fit the linear stem: ridge regression of what the nearest probe leaves over, one map a depth."""

import numpy as np
from numpy.typing import NDArray

from dwcp.tasks.compression.contract import CANDIDATES, Action
from dwcp.tasks.compression.inputs import MEASURES
from dwcp.tasks.compression.model.decision import TARGETS
from dwcp.tasks.compression.model.features import DEPTHS, feature_names
from dwcp.tasks.compression.model.network import Stem

__all__ = ["fit_stem"]

Floats = NDArray[np.float64]

_PENALTY = 10.0
_NAMES = feature_names()
_REFERENCE = np.array([name.startswith(("reference", "delta")) for name in _NAMES])


def fit_stem(features: Floats, depth: NDArray[np.int64], targets: Floats, weights: Floats) -> Stem:
    """Fit every target at every depth.

    The penalty pulls towards the prior that a block compresses like the sample did under the nearest probe,
    not towards zero: that is what carries over to kinds of data never seen.

    Args:
        features: ``[rows, features]``.
        depth: ``[rows]``.
        targets: ``[rows, targets]``, NaN where not measured.
        weights: ``[rows]``, of the rows.
    """
    weight = np.zeros((DEPTHS, TARGETS, len(_NAMES)))
    bias = np.zeros((DEPTHS, TARGETS))
    for level in range(DEPTHS):
        rows = depth == level
        for target in range(TARGETS):
            weight[level, target], bias[level, target] = _ridge(
                features[rows], targets[rows, target], weights[rows], target, level
            )
    return Stem(weight, bias)


def _ridge(
    features: Floats, target: Floats, weights: Floats, number: int, depth: int
) -> tuple[Floats, float]:
    measure, action = MEASURES[number // len(CANDIDATES)], CANDIDATES[number % len(CANDIDATES)]
    prior = _prior(action, measure, depth)
    known = ~np.isnan(target)
    if known.sum() < 3:
        return prior, float(np.mean(target[known] - features[known] @ prior)) if known.any() else 0.0
    x, left = features[known], target[known] - features[known] @ prior
    w = weights[known] / weights[known].mean()
    mean, deviation = np.average(x, axis=0, weights=w), x.std(axis=0)
    usable = (deviation > 1e-9) & (action.use_reference | ~_REFERENCE)
    scaled = (x[:, usable] - mean[usable]) / deviation[usable]
    centre = np.average(left, weights=w)
    gram = (scaled * w[:, None]).T @ scaled + _PENALTY * np.eye(scaled.shape[1])
    slope = np.linalg.solve(gram, (scaled * w[:, None]).T @ (left - centre)) / deviation[usable]
    weight = prior.copy()
    weight[usable] += slope
    return weight, float(centre - slope @ mean[usable])


def _prior(action: Action, measure: str, depth: int) -> Floats:
    """What a block is taken to do before anything is learned: as the sample did under the nearest probe."""
    prior = np.zeros(len(_NAMES))
    if measure != "decompress_ms_per_mib":
        suffix = "ratio" if measure == "stored_ratio" else "ms_per_mib"
        for probe, share in _nearest(action, depth).items():
            prior[_NAMES.index(f"{probe}_{suffix}")] = share
    return prior


def _nearest(action: Action, depth: int) -> dict[str, float]:
    """Shares of the logarithms of probes; strong over fast is how much a higher level gains on a sample."""
    if action.codec == "none" or depth == 0:
        return {}
    if action.use_reference:
        return {"delta": 1.0} if depth >= 2 else {}
    light = action.codec in ("snappy", "lz4", "lz4hc") or (action.codec == "zstd" and action.level < -1)
    if light or depth == 1:
        return {"lz4": 1.0}
    if depth == 2:
        return {"zstd_fast": 1.0}
    return {"zstd_whole": 1.0} | ({"zstd_strong": 1.0, "zstd_fast": -1.0} if action.level >= 6 else {})
