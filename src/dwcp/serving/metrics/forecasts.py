"""The latest bandwidth forecasts beside what came, and the links as they are."""

import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct

from dwcp.tasks.bandwidth.contract import Action, Context, Outcome

__all__ = ["ForecastPoint", "Forecasts", "LinkState"]

ValueT = TypeVar("ValueT")

_POINTS = 120
_PATHS = 8
_CURRENT_S = 60.0


class ForecastPoint(Struct, frozen=True):
    """One forecast of the next step, with what came.

    Attributes:
        at_s: when that was known, in seconds since 1970.
        low_mbps: the forecast's 5% quantile.
        mid_mbps: its median.
        high_mbps: its 95% quantile.
        actual_mbps: what was measured.
    """

    at_s: float
    low_mbps: float
    mid_mbps: float
    high_mbps: float
    actual_mbps: float


class LinkState(Struct, frozen=True):
    """A link as it was measured last; None for what was not.

    Attributes:
        at_s: when, in seconds since 1970.
        bandwidth_mbps: what it delivered.
        latency_ms: smoothed round-trip time.
        packet_loss_ratio: share of packets lost.
        jitter_ms: variation of the round-trip time.
        confidence: probability that the forecast for it was within 20%.
    """

    at_s: float
    bandwidth_mbps: float | None
    latency_ms: float | None
    packet_loss_ratio: float | None
    jitter_ms: float | None
    confidence: float


class Forecasts:
    """Forecasts that were held against what came, by path. Bounded in memory; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paths: OrderedDict[str, deque[ForecastPoint]] = OrderedDict()
        self._links: OrderedDict[str, LinkState] = OrderedDict()
        self._count = 0

    def observe(self, context: Context, action: Action, outcome: Outcome, now: float) -> None:
        """Take in what came of a forecast, as `dwcp.serving.Advisor.observe` is told it.

        Args:
            context: the forecast's; its path is what forecasts are kept by.
            action: the forecast.
            outcome: what came.
            now: seconds since 1970.
        """
        step = outcome.steps[0] if outcome.steps else None
        if step is None:
            return
        told, came = action.next_step, step.throughput_mbps
        state = LinkState(now, came, step.rtt_ms, step.packet_loss, step.jitter_ms, action.confidence)
        with self._lock:
            _keep(self._links, context.path, state)
            if came is None or step.app_limited:
                return
            self._count += 1
            points = self._paths.get(context.path) or deque(maxlen=_POINTS)
            points.append(ForecastPoint(now, told.low, told.mid, told.high, came))
            _keep(self._paths, context.path, points)

    @property
    def count(self) -> int:
        """How many forecasts were held against what came since the start."""
        return self._count

    def latest(self) -> tuple[str, Sequence[ForecastPoint]]:
        """The path that was measured last, with its points, oldest first; empty where there is none."""
        with self._lock:
            if not self._paths:
                return "", ()
            path = next(reversed(self._paths))
            return path, tuple(self._paths[path])

    def links(self, now: float) -> Sequence[LinkState]:
        """The links that were measured within the last minute.

        Args:
            now: seconds since 1970.
        """
        with self._lock:
            return [state for state in self._links.values() if now - state.at_s <= _CURRENT_S]


def _keep(held: OrderedDict[str, ValueT], path: str, value: ValueT) -> None:
    held[path] = value
    held.move_to_end(path)
    if len(held) > _PATHS:
        held.popitem(last=False)
