"""Figures for predicted numbers: MAE, MAPE, quantile loss, R2 and skill against a baseline."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dwcp.errors import InputError

__all__ = [
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "quantile_loss",
    "r2_score",
    "skill",
]


def mean_absolute_error(truth: ArrayLike, forecast: ArrayLike) -> float:
    """Mean of ``|truth - forecast|``, in their unit. Both of shape ``(n,)``.

    Raises:
        InputError: shapes differ, are empty, or a value is not finite.
    """
    y, f = _aligned(truth, forecast)
    return float(np.mean(np.abs(y - f)))


def mean_absolute_percentage_error(truth: ArrayLike, forecast: ArrayLike, floor: float) -> float:
    """Mean of ``|truth - forecast| / max(|truth|, floor)``, as a share (0.1 is 10 %).

    Args:
        truth: shape ``(n,)``.
        forecast: shape ``(n,)``.
        floor: positive; keeps values near zero from deciding the figure. In the unit of ``truth``.

    Raises:
        InputError: shapes differ, are empty, a value is not finite, or the floor is not positive.
    """
    y, f = _aligned(truth, forecast)
    if not floor > 0:
        raise InputError(f"the floor of a percentage error must be positive, not {floor}")
    return float(np.mean(np.abs(y - f) / np.maximum(np.abs(y), floor)))


def quantile_loss(truth: ArrayLike, forecast: ArrayLike, quantile: float) -> float:
    """Mean pinball loss of a forecast of one quantile (Koenker and Bassett, 1978), in the unit of truth.

    Raises:
        InputError: shapes differ, are empty, a value is not finite, or the quantile is not inside (0, 1).
    """
    y, f = _aligned(truth, forecast)
    if not 0 < quantile < 1:
        raise InputError(f"a quantile lies between 0 and 1, not at {quantile}")
    miss = y - f
    return float(np.mean(np.maximum(quantile * miss, (quantile - 1) * miss)))


def r2_score(truth: ArrayLike, forecast: ArrayLike) -> float:
    """Coefficient of determination; NaN when the truth is constant, where it says nothing.

    Raises:
        InputError: shapes differ, are empty, or a value is not finite.
    """
    y, f = _aligned(truth, forecast)
    if np.ptp(y) == 0:
        return float("nan")
    return float(1 - np.sum((y - f) ** 2) / np.sum((y - y.mean()) ** 2))


def skill(truth: ArrayLike, forecast: ArrayLike, baseline: ArrayLike) -> float:
    """Share of a baseline's mean absolute error that the forecast takes away; 0 is no better than it.

    Raises:
        InputError: shapes differ, are empty, a value is not finite, or the baseline makes no error at all.
    """
    reference = mean_absolute_error(truth, baseline)
    if reference == 0:
        raise InputError("skill is undefined: the baseline makes no error on these rows")
    return 1 - mean_absolute_error(truth, forecast) / reference


def _aligned(truth: ArrayLike, forecast: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    y, f = np.asarray(truth, dtype=np.float64), np.asarray(forecast, dtype=np.float64)
    if y.ndim != 1 or y.shape != f.shape or y.size == 0:
        raise InputError(
            f"truth and forecast must be one row of the same length, not {y.shape} and {f.shape}"
        )
    if not (np.isfinite(y).all() and np.isfinite(f).all()):
        raise InputError("truth and forecast must hold finite numbers; drop or mend the missing ones first")
    return y, f
