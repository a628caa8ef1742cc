"""Links as fluids, with the congestion control of each stream: enough to tell good stream counts from bad.

A bottleneck serves its capacity and holds a buffer; what does not fit is lost (a policer has no buffer).
Streams run CUBIC (RFC 9438: window 0.7 after a loss, then ``C (t - K)^3 + W_max``, at least Reno's growth) or
a BBR that keeps the largest delivery rate of ten round trips. Counters are given as ``TCP_INFO`` gives them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from dwcp.telemetry import TcpInfo

SEGMENT_BYTES = 1448
STEP_S = 0.01


@dataclass
class FluidStream:
    opens_s: float
    cwnd: float = 10.0
    ssthresh: float = 1e9
    w_max: float = 0.0
    lost_s: float = -9.0
    rate: float = 0.0
    best_rate: float = 0.0
    best_s: float = 0.0
    acked: float = 0.0
    sent: float = 0.0
    resent: float = 0.0
    busy_s: float = 0.0
    held_s: float = 0.0
    delivery: float = 0.0


@dataclass
class FluidLink:
    """Rates are in segments a second inside, in Mbit/s outside."""

    capacity_mbps: Callable[[float], float]
    rtt_ms: float
    loss: float = 0.0
    buffer_ms: float = 50.0
    bbr: bool = False
    noise: float = 0.0
    window: float = 1e9
    seed: int = 0
    streams: dict[int, FluidStream] = field(default_factory=dict)
    now: float = 0.0
    queue: float = 0.0
    total_acked: float = 0.0
    _opened: int = 0
    _swing: float = 0.0

    def __post_init__(self) -> None:
        self._rng = Random(self.seed)

    def want(self, count: int) -> None:
        """Open or close streams; a new one takes three round trips of handshakes."""
        while len(self.streams) < count:
            self.streams[self._opened] = FluidStream(self.now + 3 * self.rtt_ms / 1e3)
            self._opened += 1
        while len(self.streams) > count:
            del self.streams[max(self.streams)]

    def infos(self) -> dict[int, TcpInfo]:
        """A reading of each open stream."""
        return {n: self._info(s) for n, s in self.streams.items() if s.opens_s <= self.now}

    def run(self, seconds: float, offered_mbps: float = math.inf) -> None:
        """Let time pass; the application offers this much."""
        for _ in range(round(seconds / STEP_S)):
            self._step(offered_mbps * 1e6 / 8 / SEGMENT_BYTES)

    def _step(self, offered: float) -> None:
        self.now += STEP_S
        open_streams = [s for s in self.streams.values() if s.opens_s <= self.now]
        if not open_streams:
            return
        capacity = self._capacity()
        rtt_s = self.rtt_ms / 1e3 + self.queue / capacity + 1e-3
        asked = [self._asked(stream, rtt_s) for stream in open_streams]
        share = min(1.0, offered / max(sum(asked), 1e-9))
        arriving = sum(asked) * share
        room = capacity * self.buffer_ms / 1e3
        served = min(capacity, arriving + self.queue / STEP_S)
        queue = self.queue + (arriving - served) * STEP_S
        dropped = max(0.0, queue - room) / max(arriving * STEP_S, 1e-9)
        self.queue = max(0.0, min(queue, room))
        for stream, wish in zip(open_streams, asked, strict=True):
            sent = wish * share * STEP_S
            got = served * STEP_S * (wish / max(sum(asked), 1e-9)) * (1 - self.loss)
            self._account(stream, sent, got, dropped, share)
            self._react(stream, sent, dropped, rtt_s, share)

    def _capacity(self) -> float:
        self._swing += 0.1 * (self._rng.gauss(0, 1) * self.noise * 4.4 - self._swing)
        return max(1.0, self.capacity_mbps(self.now) * 1e6 / 8 / SEGMENT_BYTES * math.exp(self._swing))

    def _asked(self, stream: FluidStream, rtt_s: float) -> float:
        window = min(stream.cwnd, self.window)
        if not self.bbr:
            return window / rtt_s
        base_s = self.rtt_ms / 1e3 + 1e-3
        if stream.best_rate == 0 or stream.ssthresh > 1e8:
            return window / rtt_s
        gain = (1.25, 0.75, 1, 1, 1, 1, 1, 1)[int(self.now / base_s) % 8]
        return min(stream.best_rate * gain, (2 * stream.best_rate * base_s + 4) / rtt_s, self.window / rtt_s)

    def _account(self, s: FluidStream, sent: float, got: float, dropped: float, share: float) -> None:
        s.sent += sent
        s.acked += got
        s.resent += sent * min(1.0, dropped + self.loss)
        s.rate = got / STEP_S
        s.delivery += 0.3 * (s.rate - s.delivery)
        s.busy_s += STEP_S * share
        s.held_s += STEP_S * share if s.cwnd >= self.window else 0.0
        self.total_acked += got

    def _react(self, s: FluidStream, sent: float, dropped: float, rtt_s: float, share: float) -> None:
        hit = self._rng.random() < 1 - math.exp(-(self.loss + 3 * dropped) * sent)
        if self.bbr:
            self._react_bbr(s, rtt_s)
        elif hit and self.now - s.lost_s > rtt_s:
            s.w_max, s.lost_s = s.cwnd, self.now
            s.cwnd = max(2.0, 0.7 * s.cwnd)
            s.ssthresh = s.cwnd
        elif share < 0.99:
            return
        elif s.cwnd < s.ssthresh:
            s.cwnd = min(s.cwnd + sent, 1e6)
        else:
            k = (max(0.0, s.w_max * 0.3) / 0.4) ** (1 / 3)
            cubic = 0.4 * (self.now - s.lost_s - k) ** 3 + s.w_max
            s.cwnd += max(0.53 * sent / s.cwnd, min(cubic - s.cwnd, s.cwnd * 0.5) * STEP_S / rtt_s)

    def _react_bbr(self, s: FluidStream, rtt_s: float) -> None:
        if s.ssthresh > 1e8:
            s.cwnd *= 2 ** (STEP_S / rtt_s)
            if self.now - s.best_s > 3 * rtt_s and s.best_rate > 0:
                s.ssthresh = 1.0
        if s.rate > s.best_rate * 1.05 or self.now - s.best_s > 10 * rtt_s + 0.1:
            s.best_rate, s.best_s = s.rate, self.now

    def _info(self, s: FluidStream) -> TcpInfo:
        rtt_us = round(self.rtt_ms * 1e3 + self.queue / self._capacity_now() * 1e6) + 100
        return TcpInfo(
            app_limited=s.busy_s < 0.5 * (self.now - s.opens_s),
            segment_bytes=SEGMENT_BYTES,
            unacked_segments=round(s.cwnd),
            rtt_us=rtt_us,
            rttvar_us=rtt_us // 10,
            ssthresh_segments=min(round(s.ssthresh), 2**31 - 1),
            cwnd_segments=round(s.cwnd),
            retransmits=round(s.resent),
            pacing_bytes_s=None,
            bytes_acked=round(s.acked * SEGMENT_BYTES),
            segments_out=round(s.sent),
            notsent_bytes=0,
            min_rtt_us=round(self.rtt_ms * 1e3) + 100,
            data_segments_out=round(s.sent),
            delivery_bytes_s=round(s.delivery * SEGMENT_BYTES) or None,
            busy_us=round(s.busy_s * 1e6),
            receiver_limited_us=0,
            buffer_limited_us=round(s.held_s * 1e6),
            bytes_sent=round(s.sent * SEGMENT_BYTES),
            bytes_resent=round(s.resent * SEGMENT_BYTES),
        )

    def _capacity_now(self) -> float:
        return max(1.0, self.capacity_mbps(self.now) * 1e6 / 8 / SEGMENT_BYTES)
