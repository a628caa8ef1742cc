"""Boosted trees that tell fault from no fault, on the few features that matter."""

import numpy as np
import xgboost
from numpy.typing import NDArray

from dwcp.task import TrainingOptions

__all__ = ["boost", "choose", "gain_shares", "margins", "unseen_margins"]

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
        "max_depth": 3,
        "eta": 0.05,
        "subsample": 0.6,
        "colsample_bynode": 0.3,
        "min_child_weight": 3.0,
        "tree_method": "hist",
        "max_bin": 64,
        "base_score": 0.0,
        "nthread": options.threads,
        "seed": options.seed,
    }
    rounds = min(_ROUNDS_PER_EPOCH * options.epochs, _MOST_ROUNDS)
    return xgboost.train(parameters, given, rounds, obj=_logistic)


def margins(booster: xgboost.Booster, rows: NDArray[np.float32]) -> Floats:
    """Log odds, shape ``(n,)``."""
    return np.asarray(booster.predict(xgboost.DMatrix(rows, nthread=1)), dtype=np.float64)


def unseen_margins(
    rows: NDArray[np.float32],
    anomalous: NDArray[np.bool_],
    fold: NDArray[np.int64],
    most: int,
    options: TrainingOptions,
) -> Floats:
    """Log odds of each row by trees, their choice of features included, that did not see its fold.

    Args:
        rows: features.
        anomalous: labels.
        fold: the fold of each row.
        most: how many features are kept.
        options: as for `boost`.
    """
    found = np.zeros(len(fold))
    for part in np.unique(fold):
        given, own = fold != part, fold == part
        chosen = choose(rows[given], anomalous[given], most, options)
        trees = boost(rows[given][:, chosen], anomalous[given], options)
        found[own] = margins(trees, rows[own][:, chosen])
    return found


def choose(
    rows: NDArray[np.float32], anomalous: NDArray[np.bool_], most: int, options: TrainingOptions
) -> NDArray[np.int64]:
    """The features that matter, in their old order: those that trees split on most, in three rounds.

    Recursive elimination (Guyon et al., "Gene Selection for Cancer Classification using Support Vector
    Machines", Machine Learning 46, 2002). Splits are counted, not gains: a few features of plain faults have
    most of the gain, those of subtle ones have many small splits.

    Args:
        rows: features.
        anomalous: labels.
        most: how many features are kept.
        options: as for `boost`.
    """
    chosen = np.arange(rows.shape[1])
    for kept in (3 * most, 3 * most // 2, most):
        splits = _scores(boost(rows[:, chosen], anomalous, options), len(chosen), "weight")
        chosen = chosen[np.sort(np.argsort(-splits, kind="stable")[:kept])]
    return chosen


def gain_shares(booster: xgboost.Booster, width: int) -> Floats:
    """What each feature gave the trees, as a share of the largest, shape ``(width,)``."""
    gains = _scores(booster, width, "total_gain")
    return np.asarray(gains / max(float(gains.max()), 1e-12))


def _scores(booster: xgboost.Booster, width: int, kind: str) -> Floats:
    found = np.zeros(width)
    for name, score in booster.get_score(importance_type=kind).items():
        found[int(name[1:])] = float(score)  # type: ignore[arg-type]
    return found


def _logistic(predicted: NDArray[np.float32], given: xgboost.DMatrix) -> tuple[Floats, Floats]:
    chance = 1.0 / (1.0 + np.exp(-predicted.astype(np.float64)))
    return chance - given.get_label(), np.maximum(chance * (1.0 - chance), 1e-6)
