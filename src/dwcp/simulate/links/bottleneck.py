"""The queue at a link's bottleneck, and what it does to round trips and losses.

Backlog follows Lindley's recursion for a fluid (Lindley, 1952): a sender keeps its last rate for a round
trip and a half after the bandwidth has fallen, and the excess is queued until the buffer is full; the rest is
lost. A sender with enough to send also keeps a standing queue that rises and falls as a sawtooth: up to a
ceiling in the time CUBIC needs, ``(window * (1 - beta) / C) ** (1/3)`` seconds with beta 0.7 and C 0.4 (RFC
9438), then down to what 0.7 of the window leaves; a burst of losses empties it. The ceiling is the whole
buffer for a sender that waits for losses and a small part for one that heeds delay or marks. Load adds the
M/M/1 wait, ``load / (1 - load)``.
"""

from dataclasses import dataclass

import numpy as np

from dwcp.simulate.links.processes import Floats

__all__ = ["PACKET_BITS", "Bottleneck", "Observed", "Offered"]

PACKET_BITS = 1500 * 8
"""A packet on the wire; a segment of the window is one packet."""

_STALE_ROUND_TRIPS = 1.5
_WAIT_SHARE_OF_BUFFER = 0.003
_LARGEST_LOAD = 0.95
_EARLY_DROP = 0.02
_JITTER_GAIN = 0.25
_CUBIC_BETA, _CUBIC_C = 0.7, 0.4


@dataclass(frozen=True, slots=True)
class Offered:
    """What meets the queue, step by step, each of shape ``(steps,)``.

    Attributes:
        bandwidth_mbps: what the link has for the flow.
        throughput_mbps: what the flow gets of it: less only when the application asks for less.
        cross_share: share of the link that cross traffic takes.
        propagation_ms: round trip without a queue.
        noise_ms: medium access and the like.
        loss_floor: loss without a queue, 0 to 1.
    """

    bandwidth_mbps: Floats
    throughput_mbps: Floats
    cross_share: Floats
    propagation_ms: Floats
    noise_ms: Floats
    loss_floor: Floats


@dataclass(frozen=True, slots=True)
class Observed:
    """What the flow sees, step by step, each of shape ``(steps,)``: see `LinkTrace`."""

    rtt_ms: Floats
    jitter_ms: Floats
    loss: Floats
    buffer_utilization: Floats


class Bottleneck:
    """A finite buffer. Its state lives on between calls.

    Args:
        buffer_ms: time to drain the full buffer.
        ceiling: share of the buffer a bulk sender fills before it backs off, above 0, at most 1.
        rtt_ms: round trip before the first step.
        step_s: length of a step.
    """

    def __init__(self, buffer_ms: float, ceiling: float, rtt_ms: float, step_s: float) -> None:
        self._buffer_ms, self._ceiling, self._step_s = buffer_ms, ceiling, step_s
        self._backlog_ms = self._standing = self._jitter_ms = self._rate_mbps = 0.0
        self._rtt_ms = rtt_ms

    def advance(self, offered: Offered) -> Observed:
        """Serve the steps in order."""
        steps = zip(
            offered.bandwidth_mbps.tolist(),
            offered.throughput_mbps.tolist(),
            offered.cross_share.tolist(),
            offered.propagation_ms.tolist(),
            offered.noise_ms.tolist(),
            offered.loss_floor.tolist(),
            strict=True,
        )
        seen = np.array([self._step(*step) for step in steps])
        return Observed(*seen.T)

    def _step(
        self,
        bandwidth: float,
        throughput: float,
        cross: float,
        propagation: float,
        noise: float,
        floor: float,
    ) -> tuple[float, float, float, float]:
        load = _load(bandwidth, throughput, cross)
        overflow = self._pile_up(bandwidth, load)
        self._stand(bandwidth, throughput, propagation)
        wait_ms = self._buffer_ms * (self._standing + _WAIT_SHARE_OF_BUFFER * load / (1 - load))
        queue_ms = min(self._buffer_ms, self._backlog_ms + wait_ms)
        fill = queue_ms / self._buffer_ms
        last_ms, self._rtt_ms = self._rtt_ms, propagation + queue_ms + noise
        self._jitter_ms += _JITTER_GAIN * (abs(self._rtt_ms - last_ms) - self._jitter_ms)
        self._rate_mbps = throughput
        early = _EARLY_DROP * max(0.0, (fill - 0.8) / 0.2) ** 2
        loss = 1 - (1 - floor) * (1 - early) * (1 - overflow)
        return self._rtt_ms, self._jitter_ms, loss, fill

    def _pile_up(self, bandwidth: float, load: float) -> float:
        """Move the backlog by one step; returns the share of the flow's packets that did not fit."""
        step_ms = 1000 * self._step_s
        if bandwidth <= 0:
            self._backlog_ms = self._buffer_ms
            return 0.0
        stale_ms = min(step_ms, _STALE_ROUND_TRIPS * self._rtt_ms)
        sent = min(self._rate_mbps / bandwidth, 10.0)
        backlog_ms = self._backlog_ms + stale_ms * (sent - 1)
        overflow_ms = max(0.0, backlog_ms - self._buffer_ms)
        if overflow_ms > 0:
            self._standing = 0.0
        drained_ms = (step_ms - stale_ms) * (1 - load)
        self._backlog_ms = max(0.0, min(backlog_ms, self._buffer_ms) - drained_ms)
        return overflow_ms / (overflow_ms + step_ms * max(sent, 1e-3))

    def _stand(self, bandwidth: float, throughput: float, propagation: float) -> None:
        """Move the bulk sender's standing queue along its sawtooth."""
        if throughput < bandwidth or bandwidth <= 0:
            self._standing = 0.0
            return
        top_ms = propagation + self._ceiling * self._buffer_ms
        window = max(1.0, bandwidth * top_ms * 1000 / PACKET_BITS)
        rise_s = (window * (1 - _CUBIC_BETA) / _CUBIC_C) ** (1 / 3)
        bottom = max(0.0, _CUBIC_BETA * top_ms - propagation) / self._buffer_ms
        height = self._ceiling - bottom
        self._standing += height * self._step_s / rise_s
        if self._standing > self._ceiling:
            self._standing = bottom + (self._standing - bottom) % height


def _load(bandwidth: float, throughput: float, cross: float) -> float:
    """Share of the link in use, below 1: cross traffic, and the flow in what that leaves."""
    own = throughput / bandwidth if bandwidth > 0 else 1.0
    return _LARGEST_LOAD * (cross + (1 - cross) * own)
