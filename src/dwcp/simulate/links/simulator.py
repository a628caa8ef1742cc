"""A link that can be advanced: capacity, cross traffic, the bottleneck and the sender's window.

Bandwidth for the flow is a product of independent processes: median capacity, time of day, slow drift,
shadowing, step-to-step scatter, handovers, the regime, and what cross traffic leaves. So the expectation of
its next value is the product of theirs, and is known exactly.
"""

import math

import numpy as np
from numpy.typing import NDArray

from dwcp.errors import InputError
from dwcp.simulate.links.bottleneck import PACKET_BITS, Bottleneck, Observed, Offered
from dwcp.simulate.links.processes import Bursts, Drift, Factors, Floats, Handovers, Regimes, diurnal_factor
from dwcp.simulate.links.profiles import LinkKind, profile_of
from dwcp.simulate.links.trace import LinkTrace

__all__ = ["LinkSimulator", "simulate_link"]

_PROBES_PER_S = 2.0
_DEMAND_ON_S, _DEMAND_OFF_S = 30.0, 300.0


class LinkSimulator:
    """One link. Its state lives on between calls, so that runs of any length fit in memory.

    Args:
        kind: the kind of link; the link's own constants are drawn from the kind's ranges.
        step_s: length of a step, above 0.
        rng: source of randomness, used only here: the same seed gives the same link.
        start_s: time of day at the start, seconds after midnight.

    Raises:
        InputError: no such kind, or a step that is not positive and finite.
    """

    def __init__(self, kind: LinkKind, step_s: float, rng: np.random.Generator, start_s: float = 0.0) -> None:
        profile = profile_of(kind)
        if not 0 < step_s < math.inf:
            raise InputError(f"a link's step must be a positive number of seconds, not {step_s}")
        self._profile, self._step_s, self._time_s = profile, step_s, start_s
        streams = [np.random.default_rng(seed) for seed in rng.integers(2**63, size=9)]
        own, self._noise, self._losses = streams[:3]
        self._capacity_mbps = _log_uniform(profile.capacity_mbps, own)
        self._propagation_ms = _log_uniform(profile.propagation_ms, own)
        self._busiest_s = float(own.normal(20 * 3600, 3600))
        self._demand_mbps = self._capacity_mbps * float(own.uniform(0.1, 0.6))
        shares = own.uniform(0.2, 1.0, profile.cross_sources) * profile.cross_share
        self._drift = Drift(profile.drift_spread, profile.drift_s, step_s, streams[3])
        self._shadow = Drift(profile.shadow_spread, profile.shadow_s, step_s, streams[4])
        self._scatter = Drift(profile.scatter, 0.0, step_s, streams[5])
        self._cross = Bursts(shares.tolist(), profile.on_s, profile.off_s, step_s, streams[6])
        self._regimes = Regimes(profile.regimes, step_s, streams[7])
        self._handovers = Handovers(profile.handover_s, profile.handover_spread, step_s, streams[8])
        self._demand = Bursts(
            [1.0], _DEMAND_ON_S, _DEMAND_OFF_S, step_s, np.random.default_rng(own.integers(2**63))
        )
        self._bottleneck = Bottleneck(
            buffer_ms=_log_uniform(profile.buffer_ms, own),
            ceiling=0.05 + 0.95 * float(own.random()) ** 2,
            rtt_ms=self._propagation_ms,
            step_s=step_s,
        )

    def advance(self, steps: int) -> LinkTrace:
        """Let ``steps`` steps go by, at least 1, and show them.

        Raises:
            InputError: fewer than one step.
        """
        if steps < 1:
            raise InputError(f"a link must be advanced by at least one step, not {steps}")
        time_s: Floats = self._time_s + self._step_s * np.arange(1, steps + 1, dtype=np.float64)
        states, regime = self._regimes.advance(steps)
        handover, offset_ms = self._handovers.advance(steps)
        cross = self._cross.advance(steps)
        bandwidth, expected = self._bandwidth(time_s, (regime, handover, cross))
        demand = np.where(self._demand.advance(steps).value > 0, math.inf, self._demand_mbps)
        throughput = np.minimum(bandwidth, demand)
        regimes = self._regimes.regimes
        stretch = np.array([one.rtt_factor for one in regimes])[states]
        offered = Offered(
            bandwidth,
            throughput,
            1 - cross.value,
            self._propagation_ms * stretch + offset_ms,
            self._noise.exponential(self._profile.noise_ms, steps),
            np.minimum(1.0, self._profile.loss_floor + np.array([one.loss for one in regimes])[states]),
        )
        self._time_s = float(time_s[-1])
        names = np.array([one.name for one in regimes])[states]
        return self._show(time_s, offered, self._bottleneck.advance(offered), names, expected)

    def futures(self, count: int, steps: int, rng: np.random.Generator) -> Floats:
        """Bandwidths that the next steps may have, drawn from all that the link's state allows.

        What a forecast from them is off by is the least that any forecast can be: nobody knows more than the
        state. The link itself does not move.

        Args:
            count: how many futures.
            steps: of each.
            rng: source of randomness; the link's own is not touched.

        Returns:
            Mbit/s, shape ``(count, steps)``.
        """
        time_s: Floats = self._time_s + self._step_s * np.arange(1, steps + 1, dtype=np.float64)
        usual = self._capacity_mbps * diurnal_factor(time_s, self._profile.diurnal_depth, self._busiest_s)
        drawn = np.tile(usual, (count, 1))
        for future in drawn:
            for process in (self._drift, self._shadow, self._scatter, self._cross):
                future *= process.fork(rng).advance(steps).value
            future *= self._regimes.fork(rng).advance(steps)[1].value
            future *= self._handovers.fork(rng).advance(steps)[0].value
        return drawn

    def _bandwidth(self, time_s: Floats, others: tuple[Factors, ...]) -> tuple[Floats, Floats]:
        """Mbit/s for the flow in each step, and its expectation one step on."""
        steps = len(time_s)
        processes = [one.advance(steps) for one in (self._drift, self._shadow, self._scatter)]
        depth = self._profile.diurnal_depth
        bandwidth = self._capacity_mbps * diurnal_factor(time_s, depth, self._busiest_s)
        expected = self._capacity_mbps * diurnal_factor(time_s + self._step_s, depth, self._busiest_s)
        for factors in (*processes, *others):
            bandwidth = bandwidth * factors.value
            expected = expected * factors.expected_next
        return bandwidth, expected

    def _show(
        self,
        time_s: Floats,
        offered: Offered,
        observed: Observed,
        regime: NDArray[np.str_],
        expected: Floats,
    ) -> LinkTrace:
        throughput = offered.throughput_mbps
        delivered = np.rint(throughput * 1e6 * self._step_s / PACKET_BITS).astype(np.int64)
        probes = max(1, round(_PROBES_PER_S * self._step_s))
        sent = np.maximum(delivered, probes)
        lost = self._losses.binomial(sent, np.clip(observed.loss, 0, 1))
        window = np.rint(throughput * observed.rtt_ms * 1000 / PACKET_BITS)
        return LinkTrace(
            link_type=self._profile.link_type,
            step_s=self._step_s,
            time_s=time_s,
            throughput_mbps=throughput,
            bandwidth_mbps=offered.bandwidth_mbps,
            rtt_ms=observed.rtt_ms,
            jitter_ms=observed.jitter_ms,
            packet_loss=lost / sent,
            retransmits=lost,
            congestion_window=np.maximum(window, 1).astype(np.int64),
            buffer_utilization=observed.buffer_utilization,
            bytes_tx=sent * (PACKET_BITS // 8),
            bytes_rx=np.rint(throughput * 1e6 / 8 * self._step_s).astype(np.int64),
            app_limited=throughput < offered.bandwidth_mbps,
            regime=regime,
            expected_next_mbps=expected,
        )


def simulate_link(kind: LinkKind, seconds: float, step_s: float, rng: np.random.Generator) -> LinkTrace:
    """A fresh link of a kind for some time, from a time of day of its own.

    Args:
        kind: ``datacenter``, ``metro``, ``wan``, ``cellular`` or ``satellite``.
        seconds: how long, at least one step.
        step_s: length of a step.
        rng: source of randomness; the same seed gives the same trace.

    Raises:
        InputError: no such kind, a step that is not positive, or a time shorter than a step.
    """
    start_s = float(rng.uniform(0, 86_400))
    simulator = LinkSimulator(kind, step_s, rng, start_s)
    if not step_s <= seconds < math.inf:
        raise InputError(f"a link must be simulated for at least one step of {step_s} s, not {seconds} s")
    return simulator.advance(round(seconds / step_s))


def _log_uniform(bounds: tuple[float, float], rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(*np.log(bounds))))
