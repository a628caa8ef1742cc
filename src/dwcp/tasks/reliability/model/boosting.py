"""Boosted trees that tell fault from no fault, on the few features that matter."""

import numpy as np
import xgboost
from numpy.typing import NDArray

from dwcp.task import TrainingOptions

__all__ = ["boost", "margins", "select"]

Floats = NDArray[np.float64]

_ROUNDS_PER_EPOCH, _MOST_ROUNDS = 4, 240


def boost(
    rows: NDArray[np.float32], anomalous: NDArray[np.bool_], options: TrainingOptions
) -> xgboost.Booster:
    """Fit log odds.

    The logistic loss is given as a function: the booster then is one of plain sums of leaves, which is what
    the export knows, and what it answers are log odds.

    Args:
        rows: features.
        anomalous: labels.
        options: seed, epochs (four rounds each, 240 at most), threads.
    """
    given = xgboost.DMatrix(rows, label=anomalous.astype(np.float32), nthread=options.threads)
    parameters = {
        "max_depth": 4,
        "eta": 0.05,
        "subsample": 0.6,
        "colsample_bynode": 0.3,
        "min_child_weight": 3.0,
        "tree_method": "hist",
        "base_score": 0.0,
        "nthread": options.threads,
        "seed": options.seed,
    }
    rounds = min(_ROUNDS_PER_EPOCH * options.epochs, _MOST_ROUNDS)
    return xgboost.train(parameters, given, rounds, obj=_logistic)


def margins(booster: xgboost.Booster, rows: NDArray[np.float32]) -> Floats:
    """Log odds, shape ``(n,)``."""
    return np.asarray(booster.predict(xgboost.DMatrix(rows, nthread=1)), dtype=np.float64)


def select(booster: xgboost.Booster, width: int, most: int) -> tuple[NDArray[np.int64], Floats]:
    """The features with the largest total gain, in their old order, and their shares of the largest.

    Args:
        booster: fitted on all features.
        width: how many features those are.
        most: how many are kept.
    """
    gains = np.zeros(width)
    for name, gain in booster.get_score(importance_type="total_gain").items():
        gains[int(name[1:])] = float(gain)  # type: ignore[arg-type]
    chosen = np.sort(np.argsort(-gains, kind="stable")[:most])
    return chosen, gains[chosen] / max(gains.max(), 1e-12)


def _logistic(predicted: NDArray[np.float32], given: xgboost.DMatrix) -> tuple[Floats, Floats]:
    chance = 1.0 / (1.0 + np.exp(-predicted.astype(np.float64)))
    return chance - given.get_label(), np.maximum(chance * (1.0 - chance), 1e-6)
