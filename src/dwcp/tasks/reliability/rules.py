"""The fallback and the simple detectors: no model, no state, an answer for every context."""

from collections.abc import Iterator
from random import Random
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dwcp.evaluation.policy import Decision, State
from dwcp.tasks.reliability.budget import budget
from dwcp.tasks.reliability.contract import Action, Context, Outcome, Sample
from dwcp.tasks.reliability.inputs import window

__all__ = ["RandomPolicy", "RulePolicy", "broken_limits", "limits_ratio", "pca_residual", "robust_z"]

Floats = NDArray[np.float64]

_LIMITS = {
    "error_rate": 0.05,
    "timeout_rate": 0.05,
    "packet_loss": 0.02,
    "connection_failures": 3.0,
    "cpu_usage": 0.95,
    "memory_usage": 0.95,
    "disk_io": 0.98,
}
_PEERS_FACTOR, _PEERS_LEAST_MS = 4.0, 20.0
_LATEST, _DEVIATIONS, _LEAST_SPREAD = 3, 1.4826, 0.05
_COMPONENTS = 3


class _Ratio(Protocol):
    def __call__(self, context: Context) -> float:
        """How far the limit of the rule is reached; 1 and more is an anomaly."""
        ...


class RulePolicy:
    """Flags where a rule's limit is reached.

    Args:
        name: for tables.
        ratio: the rule.
    """

    def __init__(self, name: str, ratio: _Ratio) -> None:
        self.name = name
        self._ratio = ratio

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:  # noqa: ARG002
        """Flag, with the share of the limit as the score."""
        ratio = self._ratio(context)
        return Decision(Action(ratio >= 1, ratio / (1 + ratio), alarm=ratio >= 1, budget=budget(context)))

    def observe(self, context: Context, action: Action, outcome: Outcome, now: float) -> None:
        """Nothing to take in."""

    def snapshot(self) -> State:
        """Nothing to remember."""
        return {}

    def restore(self, state: State) -> None:
        """Nothing to continue from."""


class RandomPolicy(RulePolicy):
    """Scores of pure chance; one row in a hundred is flagged."""

    def __init__(self) -> None:
        super().__init__("random", limits_ratio)

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:  # noqa: ARG002
        """Flag by chance."""
        score = rng.random()
        return Decision(Action(score >= 0.99, score, alarm=score >= 0.99))


def limits_ratio(context: Context) -> float:
    """Hard limits on the newest sample, four times the peers' tail latency, or a node that tells nothing."""
    if not context.steps:
        return 0.0
    if _tells_nothing(context.steps[-1]):
        return 2.0
    return max(ratio for _, ratio in _ratios(context))


def broken_limits(context: Context) -> tuple[tuple[str, float], ...]:
    """The metrics of the newest sample that reach their limits, with how far; the furthest first."""
    if not context.steps or _tells_nothing(context.steps[-1]):
        return ()
    broken = [(name, ratio) for name, ratio in _ratios(context) if ratio >= 1]
    return tuple(sorted(broken, key=lambda one: -one[1]))


def _tells_nothing(now: Sample) -> bool:
    return now.cpu_usage is None and now.memory_usage is None and now.p99_latency_ms is None


def _ratios(context: Context) -> Iterator[tuple[str, float]]:
    now = context.steps[-1]
    for name, limit in _LIMITS.items():
        yield name, max(getattr(now, name) or 0.0, 0.0) / limit
    yield "p99_latency_ms", _beside_peers(now, context.peers)


def robust_z(context: Context) -> float:
    """The largest deviation of the latest three steps from the median of those before, over eight."""
    series = _filled(window(context.steps))
    earlier, latest = series[:-_LATEST], series[-_LATEST:].mean(axis=0)
    median = np.median(earlier, axis=0)
    spread = _DEVIATIONS * np.median(np.abs(earlier - median), axis=0)
    off = np.abs(latest - median) / (spread + _LEAST_SPREAD * np.abs(median) + 1e-3)
    return float(off.max() / 8.0)


def pca_residual(context: Context) -> float:
    """What three components of the earlier steps leave of the newest, over eight times that of those steps.

    Peers' medians are columns of their own, so that what all nodes share is no surprise.
    """
    series = np.concatenate([_filled(window(context.steps)), _filled(window(context.peers))], axis=1)
    earlier = series[:-_LATEST]
    scale = earlier.std(axis=0) + _LEAST_SPREAD * np.abs(earlier.mean(axis=0)) + 1e-3
    scaled = (series - earlier.mean(axis=0)) / scale
    _, _, components = np.linalg.svd(scaled[:-_LATEST], full_matrices=False)
    kept = components[:_COMPONENTS]
    left = np.sqrt(np.square(scaled - scaled @ kept.T @ kept).mean(axis=1))
    return float(left[-1] / (8.0 * (left[:-_LATEST].mean() + 0.1)))


def _beside_peers(now: Sample, peers: tuple[Sample, ...]) -> float:
    beside = peers[-1].p99_latency_ms if peers else None
    if now.p99_latency_ms is None or beside is None:
        return 0.0
    return max(now.p99_latency_ms, 0.0) / max(_PEERS_FACTOR * beside, _PEERS_LEAST_MS)


def _filled(series: Floats) -> Floats:
    """Gaps filled with the column's median, or 0; bounded, so that squares stay finite."""
    known = np.isfinite(series)
    ordered = np.sort(np.where(known, series, np.inf), axis=0)
    middle = np.take_along_axis(ordered, np.maximum(known.sum(axis=0) - 1, 0)[None] // 2, axis=0)[0]
    middle = np.where(known.any(axis=0), middle, 0.0)
    return np.clip(np.where(known, series, middle), -1e12, 1e12)
