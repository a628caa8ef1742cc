"""Boosted trees that tell fault from no fault; a few of them, each with a seed of its own."""

from collections.abc import Sequence

import numpy as np
import xgboost
from numpy.typing import NDArray

from dwcp.task import TrainingOptions
from dwcp.tasks.consensus.names import CHANNELS, FEATURES, VIEWS

__all__ = ["BOOSTERS", "RELATIVE", "boost", "channel_weights", "margins"]

Floats = NDArray[np.float64]

BOOSTERS = 2
"""How many are fitted, each with a seed of its own; they count alike."""

RELATIVE = tuple(place for place, name in enumerate(FEATURES) if name.split(":")[0] != VIEWS[0])
"""All features but the newest values as such: those tell the host, not the fault, and do not carry over."""

_ROUNDS_PER_EPOCH, _MOST_ROUNDS = 4, 100


def boost(
    rows: NDArray[np.float32],
    anomalous: NDArray[np.bool_],
    options: TrainingOptions,
    columns: Sequence[int] = RELATIVE,
    weight: Floats | None = None,
) -> list[xgboost.Booster]:
    """Fit log odds.

    The logistic loss is given as a function: a booster then is one of plain sums of leaves, which is what the
    export knows, and what it answers are log odds.

    Args:
        rows: features; NaN where missing.
        anomalous: labels.
        options: seed, epochs (four rounds each, 100 at most), threads.
        columns: features that may be used. The others are blanked.
        weight: how much each row counts; alike when None.
    """
    given = np.full_like(rows, np.nan)
    given[:, list(columns)] = rows[:, list(columns)]
    counted = np.ones(len(rows)) if weight is None else weight
    matrix = xgboost.DMatrix(
        given, label=anomalous.astype(np.float32), weight=counted, nthread=options.threads
    )
    parameters = {
        "max_depth": 6,
        "eta": 0.1,
        "subsample": 0.7,
        "colsample_bynode": 0.15,
        "min_child_weight": 1.0,
        "lambda": 2.0,
        "tree_method": "hist",
        "max_bin": 64,
        "base_score": 0.0,
        "nthread": options.threads,
    }
    rounds = min(_ROUNDS_PER_EPOCH * options.epochs, _MOST_ROUNDS)
    return [
        xgboost.train({**parameters, "seed": options.seed + number}, matrix, rounds, obj=_logistic)
        for number in range(BOOSTERS)
    ]


def margins(boosters: Sequence[xgboost.Booster], rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log odds of each booster, shape ``(n, boosters)``."""
    matrix = xgboost.DMatrix(rows, nthread=1)
    return np.stack([np.asarray(one.predict(matrix), np.float32) for one in boosters], axis=1)


def channel_weights(boosters: Sequence[xgboost.Booster]) -> Floats:
    """How much each channel gave the trees: the root of its share of the largest, ``(channels,)``."""
    gains = np.zeros(len(FEATURES))
    for booster in boosters:
        for name, gain in booster.get_score(importance_type="total_gain").items():
            gains[int(name[1:])] += float(gain)  # type: ignore[arg-type]
    totals = gains.reshape(-1, len(CHANNELS)).sum(axis=0)
    return np.asarray(np.sqrt(totals / max(float(totals.max()), 1e-12)))


def _logistic(predicted: NDArray[np.float32], given: xgboost.DMatrix) -> tuple[Floats, Floats]:
    chance = 1.0 / (1.0 + np.exp(-predicted.astype(np.float64)))
    weight = given.get_weight()
    return (chance - given.get_label()) * weight, np.maximum(chance * (1.0 - chance), 1e-6) * weight
