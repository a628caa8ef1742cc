"""Context, action and outcome of a bandwidth forecast. Standard library only."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["HORIZON_STEPS", "Action", "Context", "Outcome", "Quantiles", "Regime", "Step"]

HORIZON_STEPS = 5
"""Steps of the longer forecast, which is of their mean."""

Regime = Literal["datacenter", "internet", "hybrid", "unknown"]
"""Network conditions, detected; ``unknown`` until there is data."""


@dataclass(frozen=True, slots=True)
class Step:
    """What was measured of the link in one step; None where it was not.

    Attributes:
        throughput_mbps: what the link delivered to all streams.
        rtt_ms: smoothed round-trip time.
        jitter_ms: its mean variation.
        packet_loss: share of packets lost (0 to 1).
        retransmits: segments sent again.
        congestion_window: segments, over all streams.
        app_limited: there was too little to send: the throughput is no measure of the capacity.
    """

    throughput_mbps: float | None
    rtt_ms: float | None = None
    jitter_ms: float | None = None
    packet_loss: float | None = None
    retransmits: int | None = None
    congestion_window: int | None = None
    app_limited: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What is known before one forecast.

    Attributes:
        steps: what was measured so far, oldest first; may be empty.
        step_s: length of a step.
        epoch_s: when the forecast is made, in seconds since 1970 UTC: load follows the hour and the day.
        path: which link; what is learned of a path stays with it.
        regime: network conditions, as far as they are known.
        link_type: ``dc``, ``metro``, ``wan`` or ``edge``; empty where it is not known.
        network_tier: ``tier1``, ``tier2`` or ``tier3``; empty where it is not known.
        transport_type: ``tcp``, ``udp`` or ``quic``.
    """

    steps: tuple[Step, ...]
    step_s: float
    epoch_s: float
    path: str = ""
    regime: Regime = "unknown"
    link_type: str = ""
    network_tier: str = ""
    transport_type: str = "tcp"


@dataclass(frozen=True, slots=True)
class Quantiles:
    """A forecast with its spread, in Mbit/s; low <= mid <= high.

    Attributes:
        low: the 5% quantile: what admission and stream counts go by.
        mid: the median, or near it: where a model forecasts, what is most likely within 20% of what comes.
        high: the 95% quantile.
    """

    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True)
class Action:
    """A forecast.

    Attributes:
        next_step: throughput of the next step.
        horizon: mean throughput of the next `HORIZON_STEPS` steps.
        confidence: calibrated probability that the next step is within 20% of ``next_step.mid``.
        rtt_ms: round-trip time of the next step.
        jitter_ms: its mean variation.
        packet_loss: probability that a packet of the next step is lost (0 to 1).
    """

    next_step: Quantiles
    horizon: Quantiles
    confidence: float
    rtt_ms: float
    jitter_ms: float
    packet_loss: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came.

    Attributes:
        steps: what was measured after the forecast, oldest first: `HORIZON_STEPS`, or fewer.
        forecast: what was forecast, where forecasts are held against what came; None where nobody asks.
    """

    steps: tuple[Step, ...]
    forecast: Action | None = None
