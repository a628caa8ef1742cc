"""Boosted trees on the principal components of what the stem leaves over."""

from dataclasses import dataclass

import numpy as np
import xgboost
from numpy.typing import NDArray

from dwcp.task import TrainingOptions

__all__ = ["ComponentTrees", "boost"]

Floats = NDArray[np.float64]

_TREES, _DEPTH, _LEAVES = 200, 8, 24


@dataclass(frozen=True, slots=True)
class ComponentTrees:
    """Boosted trees for the principal components of many targets: far fewer leaves, and less noise.

    Attributes:
        booster: one output a component.
        components: ``[components, targets]``.
    """

    booster: xgboost.Booster
    components: NDArray[np.float32]

    def predict(self, raw: NDArray[np.float32]) -> Floats:
        """``[rows, targets]``."""
        scores = self.booster.inplace_predict(raw).reshape(len(raw), -1)
        return np.asarray(scores @ self.components, dtype=float)


def boost(
    raw: NDArray[np.float32], targets: Floats, weights: Floats, components: int, options: TrainingOptions
) -> ComponentTrees:
    """Fit trees to the first principal components of the targets.

    Args:
        raw: ``[rows, inputs]``.
        targets: ``[rows, targets]``, without NaN.
        weights: ``[rows]``.
        components: how many to keep; with fewer targets or rows the rest is zero.
        options: seed and threads.
    """
    parameters = {
        "objective": "reg:squarederror",
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_depth": _DEPTH,
        "max_leaves": _LEAVES,
        "max_bin": 64,
        "eta": 0.05,
        "lambda": 2.0,
        "min_child_weight": 4.0,
        "base_score": 0.0,
        # One tree for all components, with a leaf's value for each: a sixth of the trees to walk.
        "multi_strategy": "multi_output_tree",
        "seed": options.seed,
        "nthread": options.threads,
    }
    _, _, directions = np.linalg.svd(targets * np.sqrt(weights)[:, None], full_matrices=False)
    kept = np.zeros((components, targets.shape[1]), np.float32)
    kept[: len(directions)] = directions[:components]
    data = xgboost.DMatrix(raw, label=targets @ kept.T, weight=weights)
    return ComponentTrees(xgboost.train(parameters, data, num_boost_round=_TREES), kept)
