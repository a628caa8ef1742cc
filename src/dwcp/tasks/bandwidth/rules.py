"""The fallback and the strong simple baselines: each with quantiles from its own recent errors."""

import math
from random import Random

import numpy as np

from dwcp.evaluation.policy import Decision, State
from dwcp.tasks.bandwidth.contract import Action, Context, Outcome, Quantiles
from dwcp.tasks.bandwidth.series import MOST_MBPS, Floats, Series, series_of
from dwcp.tasks.bandwidth.walks import WALKS, Walk, log_errors

__all__ = ["UNKNOWN", "WITHIN_LOGS", "RulePolicy", "fallback_policy", "other_figures", "quantiles_of"]

UNKNOWN = Quantiles(1.0, 10.0, 10_000.0)
"""The answer where nothing was measured: anything is possible."""

WITHIN_LOGS = (-float(np.log(1.2)), -float(np.log(0.8)))
"""A forecast within 20% of the truth: the logarithm of truth over forecast lies between these."""

_PRIOR_ERRORS = np.array([-0.7, -0.25, 0.0, 0.25, 0.7])
_TAILS = (0.05, 0.95)
_MOST_LOG = 20.0
_RECENT_LOSSES = 5
_DOUBT = 2.0
"""How much wider a forecast is after doubtful steps."""


class RulePolicy:
    """Forecasts by one simple rule.

    Args:
        name: for tables.
        walk: the rule.
    """

    def __init__(self, name: str, walk: Walk) -> None:
        self._name, self._walk = name, walk

    @property
    def name(self) -> str:
        """Short name for tables."""
        return self._name

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:  # noqa: ARG002
        """The rule's forecast, as wide as it was wrong in this window."""
        series = series_of(context)
        rtt_ms, jitter_ms, packet_loss = other_figures(context)
        if not len(series.values):
            return Decision(Action(UNKNOWN, UNKNOWN, 0.0, rtt_ms, jitter_ms, packet_loss), 0.0)
        forecasts = self._walk(series.values)
        errors = [_spread(found, series) for found in log_errors(series.values, forecasts)]
        told = [
            quantiles_of(series, float(mid), np.quantile(spread, _TAILS).tolist())
            for mid, spread in zip(forecasts[:, -1], errors, strict=True)
        ]
        low, high = WITHIN_LOGS
        confidence = float(((errors[0] >= low) & (errors[0] <= high)).mean())
        action = Action(told[0], told[1], confidence, rtt_ms, jitter_ms, packet_loss)
        return Decision(action, confidence)

    def observe(self, context: Context, action: Action, outcome: Outcome, now: float) -> None:
        """Nothing: the errors are in the history."""

    def snapshot(self) -> State:
        """Nothing is remembered."""
        return {}

    def restore(self, state: State) -> None:
        """Nothing was remembered."""


def fallback_policy() -> RulePolicy:
    """Last value: the rule that is hard to beat."""
    return RulePolicy("fallback", WALKS["last-value"])


def quantiles_of(series: Series, mid: float, tails: list[float]) -> Quantiles:
    """A forecast of values with logarithms of its tails, as Mbit/s: finite, in order, not negative."""
    log = math.log(mid) if mid > 0 else -_MOST_LOG
    logs = (log + min(tails[0], 0.0), log, log + max(tails[1], 0.0))
    mbps = (math.exp(min(max(one, -_MOST_LOG), _MOST_LOG)) - series.floor for one in logs)
    return Quantiles(*(min(max(one, 0.0), MOST_MBPS) for one in mbps))


def other_figures(context: Context) -> tuple[float, float, float]:
    """Simple forecasts of RTT (last value), jitter (last value) and loss (mean of the last five).

    Zero where nothing was measured.
    """
    rtt_ms = _latest([step.rtt_ms for step in context.steps[-_RECENT_LOSSES:]])
    jitter_ms = _latest([step.jitter_ms for step in context.steps[-_RECENT_LOSSES:]])
    losses = [
        step.packet_loss
        for step in context.steps[-_RECENT_LOSSES:]
        if step.packet_loss is not None and 0.0 <= step.packet_loss <= 1.0
    ]
    return rtt_ms, jitter_ms, sum(losses) / len(losses) if losses else 0.0


def _latest(found: list[float | None]) -> float:
    return next((ms for ms in reversed(found) if ms is not None and 0.0 <= ms <= MOST_MBPS), 0.0)


def _spread(errors: Floats, series: Series) -> Floats:
    """Errors as they were, a few usual ones beside them, and wider after doubtful steps."""
    spread = np.concatenate([errors, _PRIOR_ERRORS])
    return spread * (_DOUBT + series.missing) if series.doubtful else spread
