"""Simple forecasts, made after every step of a series: what rules say, and would have said before.

Each takes positive throughputs ``(n,)``, at least one, and gives two rows ``(2, n)``: forecast after each
step of the next one, and of the mean of the next `HORIZON_STEPS`. A forecast uses the steps up to its own.
"""

from collections.abc import Callable

import numpy as np

from dwcp.tasks.bandwidth.contract import HORIZON_STEPS
from dwcp.tasks.bandwidth.series import Floats

__all__ = [
    "WALKS",
    "Walk",
    "ahead",
    "ewma",
    "harmonic_mean",
    "holt",
    "last_value",
    "log_errors",
    "mean",
    "ridge",
]

Walk = Callable[[Floats], Floats]

_LAGS = 5
_LAGGED = np.arange(1, _LAGS)
_IDENTITY = np.eye(_LAGS - 1)
_PENALTY = 2.0
_HOLT_LEVEL, _HOLT_TREND, _HOLT_DAMPING = 0.5, 0.2, 0.8
_DAMPED = np.cumsum(_HOLT_DAMPING ** np.arange(1, HORIZON_STEPS + 1))
_HOLT_GROWTH = np.array([[_DAMPED[0]], [_DAMPED.mean()]])
"""Trends that the next step is ahead, and the mean of the next few."""
_MOST_LOG = 7.0
"""Nothing is forecast to change more than a thousandfold."""
_MOST_EXPONENT = 50.0


def last_value(values: Floats) -> Floats:
    """As it was."""
    return np.array([values, values])


def ewma(weight: float) -> Walk:
    """Exponentially weighted mean of logarithms; the latest step has this weight."""

    def walk(values: Floats) -> Floats:
        logs = np.log(values).tolist()
        level, path = logs[0], []
        for log in logs:
            level += weight * (log - level)
            path.append(level)
        found = np.exp(path)
        return np.array([found, found])

    return walk


def mean(values: Floats) -> Floats:
    """Of the last five steps."""
    found = _moving(values)
    return np.array([found, found])


def harmonic_mean(values: Floats) -> Floats:
    """Of the last five steps: what players of streamed video go by (Jiang et al., FESTIVE, 2012)."""
    found = 1 / _moving(1 / values)
    return np.array([found, found])


def holt(values: Floats) -> Floats:
    """Damped linear trend of logarithms (Gardner and McKenzie, 1985)."""
    logs = np.log(values).tolist()
    level, trend = logs[0], 0.0
    levels, trends = [], []
    for log in logs:
        before = level
        expected = level + _HOLT_DAMPING * trend
        level = expected + _HOLT_LEVEL * (log - expected)
        trend = _HOLT_DAMPING * trend + _HOLT_TREND * (level - before - _HOLT_DAMPING * trend)
        levels.append(level)
        trends.append(trend)
    bounded = _bounded(_HOLT_GROWTH * np.array(trends), _MOST_LOG)
    return np.asarray(np.exp(np.array(levels) + bounded))


def ridge(values: Floats) -> Floats:
    """Linear in the last five logarithms, fitted to this window alone and drawn towards the last value.

    Forecasts of the past are those of a fit that leaves their own step out (Allen's PRESS); none leaves the
    window's range.
    """
    count = len(values)
    logs = np.log(values)
    lagged = logs[np.maximum(np.arange(count)[:, None] - _LAGGED, 0)] - logs[:, None]
    found = np.array([logs, logs])
    if count > HORIZON_STEPS:
        _fit(found[1], lagged, np.log(_moving(values)[HORIZON_STEPS:]))
    _fit(found[0], lagged, logs[1:])
    return np.asarray(
        np.minimum(np.maximum(np.exp(_bounded(found, _MOST_EXPONENT)), values.min()), values.max())
    )


def _fit(found: Floats, lagged: Floats, came: Floats) -> None:
    """Add what a fit says to last values, in place; nothing where too little came to fit."""
    known = len(came)
    if known < 2 * _LAGS:
        return
    inputs, wanted = lagged[:known], came - found[:known]
    products = inputs.T @ inputs
    penalty = _PENALTY * float(products.trace()) / inputs.size * known**0.5 + 1e-9
    inverse = np.linalg.inv(products + penalty * _IDENTITY)
    fitted = lagged @ (inverse @ (inputs.T @ wanted))
    leverage = np.minimum(((inputs @ inverse) * inputs).sum(axis=1), 0.9)
    fitted[:known] = (fitted[:known] - leverage * wanted) / (1 - leverage)
    found += fitted


def ahead(values: Floats) -> Floats:
    """What came after each step, ``(2, n)``: the next one, and the mean of those next; NaN where unknown."""
    found = np.full((2, len(values)), np.nan)
    found[0, :-1] = values[1:]
    if len(values) > HORIZON_STEPS:
        found[1, :-HORIZON_STEPS] = _moving(values)[HORIZON_STEPS:]
    return found


def log_errors(values: Floats, forecasts: Floats) -> tuple[Floats, Floats]:
    """Logarithm of what came over what was forecast, next step and horizon, oldest first, where known."""
    errors = np.log(ahead(values) / forecasts)
    return errors[0, : len(values) - 1], errors[1, : max(0, len(values) - HORIZON_STEPS)]


def _moving(values: Floats) -> Floats:
    """Mean of the last five values up to each; of fewer at the beginning."""
    sums = np.cumsum(values)
    sums[HORIZON_STEPS:] -= sums[:-HORIZON_STEPS].copy()
    counts = np.minimum(np.arange(1, len(values) + 1), HORIZON_STEPS)
    return np.asarray(np.maximum(sums / counts, values.min()))


def _bounded(values: Floats, most: float) -> Floats:
    return np.asarray(np.minimum(np.maximum(values, -most), most))


WALKS: dict[str, Walk] = {
    "last-value": last_value,
    "ewma": ewma(0.5),
    "ewma-slow": ewma(0.2),
    "mean-of-5": mean,
    "holt": holt,
    "harmonic-mean": harmonic_mean,
    "ridge": ridge,
}
"""Every simple forecast, by name."""
