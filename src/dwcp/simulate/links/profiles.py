"""What kinds of links look like: the constants behind a simulated link, with their sources.

- Starlink reassigns satellites every 15 s, and rate and RTT jump at that grid (Mohan et al., "A Multifaceted
  Look at Starlink Performance", WWW 2024; Michel et al., "A First Look at Starlink Performance", IMC 2022:
  idle RTT 25-60 ms, downlink 50-250 Mbit/s, outages of a second or two).
- Cellular shadowing is a first-order autoregression of some dB (Gudmundson, Electronics Letters 27, 1991);
  buffers hold half a second and more (Jiang et al., "Understanding Bufferbloat in Cellular Networks", 2012).
- Cross traffic is a sum of on/off sources with heavy-tailed on-times (Willinger et al., "Self-Similarity
  Through High-Variability", IEEE/ACM ToN 5, 1997).
- WAN capacity follows the day; route changes move the RTT (Paxson, "End-to-End Routing Behavior in the
  Internet", IEEE/ACM ToN 5, 1997).
"""

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["LINK_KINDS", "LinkKind", "LinkProfile", "Regime", "profile_of"]

from dwcp.errors import InputError

LinkKind = Literal["datacenter", "metro", "wan", "cellular", "satellite"]
"""The kinds of links that can be simulated."""

LINK_KINDS: tuple[LinkKind, ...] = get_args(LinkKind)
"""Every kind."""


@dataclass(frozen=True, slots=True)
class Regime:
    """A state the link stays in for a while.

    Attributes:
        name: ``normal``, ``congested``, ``rerouted``, ``weak_signal`` or ``outage``.
        enter_every_s: mean time in the normal regime until this one is entered.
        dwell_s: mean time until the link is normal again.
        capacity_factor: capacity over normal; 0 in an outage.
        rtt_factor: propagation time over normal.
        loss: loss beyond the link's own floor.
    """

    name: str
    enter_every_s: float
    dwell_s: float
    capacity_factor: float
    rtt_factor: float = 1.0
    loss: float = 0.0


@dataclass(frozen=True, slots=True)
class LinkProfile:
    """A kind of link: ranges a link's own constants are drawn from, and how it moves.

    Attributes:
        link_type: the telemetry schema's name: ``dc``, ``metro``, ``wan`` or ``edge``.
        capacity_mbps: range of median capacity, drawn log-uniformly.
        propagation_ms: range of round trip without queues, drawn log-uniformly.
        buffer_ms: range of the bottleneck buffer, drawn log-uniformly.
        diurnal_depth: share of capacity taken away at the busiest hour.
        drift_spread: stationary spread of log capacity's slow drift.
        drift_s: time constant of the drift.
        shadow_spread: stationary spread of log capacity from shadowing or weather.
        shadow_s: time constant of the shadowing.
        scatter: spread of log capacity from step to step (schedulers, fast fading).
        cross_sources: number of on/off cross-traffic sources.
        cross_share: largest share of what is left that one source takes.
        on_s: shortest burst; lengths are Pareto with exponent 1.5.
        off_s: mean pause of a source.
        noise_ms: mean of the exponential per-step noise on the RTT (medium access).
        loss_floor: loss with an empty queue.
        handover_s: period of handovers; 0 for none.
        handover_spread: spread of log capacity and, in tens of ms, of propagation from one to the next.
        regimes: what may interrupt the normal regime.
    """

    link_type: str
    capacity_mbps: tuple[float, float]
    propagation_ms: tuple[float, float]
    buffer_ms: tuple[float, float]
    diurnal_depth: float
    drift_spread: float
    drift_s: float
    shadow_spread: float
    shadow_s: float
    scatter: float
    cross_sources: int
    cross_share: float
    on_s: float
    off_s: float
    noise_ms: float
    loss_floor: float
    handover_s: float
    handover_spread: float
    regimes: tuple[Regime, ...]


_DATACENTER = LinkProfile(
    link_type="dc",
    capacity_mbps=(10_000, 100_000),
    propagation_ms=(0.08, 1.0),
    buffer_ms=(0.5, 3.0),
    diurnal_depth=0.05,
    drift_spread=0.02,
    drift_s=300,
    shadow_spread=0.0,
    shadow_s=60,
    scatter=0.01,
    cross_sources=3,
    cross_share=0.15,
    on_s=2,
    off_s=40,
    noise_ms=0.01,
    loss_floor=1e-7,
    handover_s=0,
    handover_spread=0,
    regimes=(Regime("congested", 900, 10, 0.6, loss=1e-4), Regime("outage", 100_000, 5, 0.0, loss=1.0)),
)
_METRO = LinkProfile(
    link_type="metro",
    capacity_mbps=(1_000, 10_000),
    propagation_ms=(1.0, 8.0),
    buffer_ms=(5, 30),
    diurnal_depth=0.2,
    drift_spread=0.08,
    drift_s=400,
    shadow_spread=0.0,
    shadow_s=60,
    scatter=0.03,
    cross_sources=4,
    cross_share=0.2,
    on_s=3,
    off_s=60,
    noise_ms=0.1,
    loss_floor=1e-6,
    handover_s=0,
    handover_spread=0,
    regimes=(Regime("congested", 1_200, 30, 0.5, loss=5e-4), Regime("outage", 80_000, 10, 0.0, loss=1.0)),
)
_WAN = LinkProfile(
    link_type="wan",
    capacity_mbps=(100, 5_000),
    propagation_ms=(20, 220),
    buffer_ms=(30, 200),
    diurnal_depth=0.35,
    drift_spread=0.2,
    drift_s=600,
    shadow_spread=0.0,
    shadow_s=60,
    scatter=0.05,
    cross_sources=5,
    cross_share=0.3,
    on_s=4,
    off_s=60,
    noise_ms=0.6,
    loss_floor=2e-5,
    handover_s=0,
    handover_spread=0,
    regimes=(
        Regime("congested", 900, 60, 0.45, loss=2e-3),
        Regime("rerouted", 14_000, 1_200, 0.9, rtt_factor=1.3),
        Regime("outage", 40_000, 15, 0.0, loss=1.0),
    ),
)
_CELLULAR = LinkProfile(
    link_type="edge",
    capacity_mbps=(10, 200),
    propagation_ms=(25, 60),
    buffer_ms=(200, 800),
    diurnal_depth=0.3,
    drift_spread=0.25,
    drift_s=300,
    shadow_spread=0.35,
    shadow_s=12,
    scatter=0.15,
    cross_sources=4,
    cross_share=0.35,
    on_s=2,
    off_s=40,
    noise_ms=6,
    loss_floor=1e-4,
    handover_s=0,
    handover_spread=0,
    regimes=(
        Regime("weak_signal", 180, 25, 0.3, rtt_factor=1.2, loss=2e-3),
        Regime("outage", 900, 4, 0.0, loss=1.0),
    ),
)
_SATELLITE = LinkProfile(
    link_type="edge",
    capacity_mbps=(50, 250),
    propagation_ms=(25, 45),
    buffer_ms=(80, 250),
    diurnal_depth=0.35,
    drift_spread=0.15,
    drift_s=500,
    shadow_spread=0.1,
    shadow_s=40,
    scatter=0.12,
    cross_sources=4,
    cross_share=0.25,
    on_s=2,
    off_s=40,
    noise_ms=4,
    loss_floor=5e-4,
    handover_s=15,
    handover_spread=0.3,
    regimes=(
        Regime("congested", 1_200, 60, 0.5, loss=2e-3),
        Regime("outage", 300, 1.5, 0.0, loss=1.0),
    ),
)


def profile_of(kind: LinkKind) -> LinkProfile:
    """The profile of a kind of link.

    Raises:
        InputError: no such kind.
    """
    match kind:
        case "datacenter":
            return _DATACENTER
        case "metro":
            return _METRO
        case "wan":
            return _WAN
        case "cellular":
            return _CELLULAR
        case "satellite":
            return _SATELLITE
    raise InputError(f"there is no kind of link {kind!r}; choose among {', '.join(LINK_KINDS)}")
