"""What the link carries, from what it carried: the forecast that codecs are chosen by.

Only what was sent while nothing but the network held the transfer up measures the network. The rest says that
it carries at least as much: an encoder that is too slow would otherwise make the link look slow, a slow link
would call for stronger compression, and that for an even slower encoder. So there the estimate never falls,
and rises by itself until the network is the limit again and shows what it carries.
"""

from collections import deque
from enum import StrEnum
from statistics import median

from msgspec import Struct

from dwcp.tasks.compression.contract import Link
from dwcp.transfer.amst.samples import Limit, Sample

__all__ = ["DEFAULT_MBPS", "Known", "LinkEstimate", "LinkEstimator"]

DEFAULT_MBPS = 150.0
"""What a link is taken for before anything is known: between slow and fast ones."""
LEAST_MBPS = 0.1
"""No estimate is below this, even while nothing arrives: decisions divide by it."""
MOST_MBPS = 100_000.0
"""Nor is one above this by rising alone."""
ROUND_S = 0.1
"""Length of a round, or a round-trip time up to `LONGEST_ROUND_S`: acknowledgements come in such trains."""
LONGEST_ROUND_S = 0.5
"""Longest round: satellites' round trips are in it."""
ROUNDS = 5
"""The estimate is the median of as many rounds: three rounds follow a drop, and a burst that a token bucket
let pass at once, or a stall and its making up, counts for no more than one round."""
STILL_GROWING = 1.25
"""A first measurement this much above the one before is of slow start, which doubles every round trip."""
LONGEST_GROWTH_S = 3.0
"""Seconds after which what was measured counts even while it grows."""
LOSS_MEMORY_S = 5.0
"""Time constant of the share of losses: some thousand segments at 3 Mbit/s."""
TICKS_S = 0.02
"""Busy time below this is too coarse to divide by: two of the kernel's longest ticks."""
RISE_S, SLOW_RISE_S = 1.0, 10.0
"""Seconds in which the estimate doubles while the transfer is starved: one second where the link has shown no
limit in this transfer; ten where it has, as it rarely becomes another link."""


class Known(StrEnum):
    """How the bandwidth is known."""

    DEFAULT = "default"
    """Not at all."""
    REMEMBERED = "remembered"
    """From an earlier transfer over the same path, or from a forecast."""
    AT_LEAST = "at_least"
    """As much was carried; the network was not the limit."""
    MEASURED = "measured"
    """It was the limit."""


class LinkEstimate(Struct, frozen=True):
    """The link, and how its bandwidth is known."""

    link: Link
    known: Known


class _Round(Struct):
    """Samples added up."""

    length_s: float = 0.0
    busy_s: float = 0.0
    acked_bytes: int = 0
    resent_bytes: int = 0
    network_s: float = 0.0
    starved_s: float = 0.0
    delivery_mbps: float = 0.0

    def take(self, sample: Sample) -> None:
        self.length_s += sample.interval_s
        self.busy_s += sample.busy_s
        self.acked_bytes += sample.acked_bytes
        self.resent_bytes += sample.resent_bytes
        self.network_s += sample.interval_s if sample.is_network_limited else 0.0
        self.starved_s += sample.interval_s if sample.limit in (Limit.CPU, Limit.ENCODER) else 0.0
        self.delivery_mbps = sample.delivery_mbps

    @property
    def mbps(self) -> float:
        return self.acked_bytes * 8e-6 / self.length_s

    @property
    def busy_mbps(self) -> float:
        """While there was data on the way: the link carried no less."""
        return self.acked_bytes * 8e-6 / self.busy_s if self.busy_s >= TICKS_S else self.mbps

    @property
    def is_network_limited(self) -> bool:
        return self.network_s >= 0.9 * self.length_s


class LinkEstimator:
    """Estimates bandwidth, round trip, jitter and loss from samples.

    Args:
        remembered: the link as an earlier transfer or a forecast knew it.
    """

    def __init__(self, remembered: Link | None = None) -> None:
        self._mbps = remembered.bandwidth_mbps if remembered else DEFAULT_MBPS
        self._known = Known.REMEMBERED if remembered else Known.DEFAULT
        self._rtt_ms = remembered.rtt_ms if remembered else 0.0
        self._jitter_ms = remembered.jitter_ms if remembered else 0.0
        self._loss = remembered.packet_loss if remembered else 0.0
        self._sent_bytes = self._resent_bytes = 0.0
        self._round = _Round()
        self._rounds: deque[float] = deque(maxlen=ROUNDS)
        self._grew_to_mbps: float | None = None
        self._growth_s = 0.0

    def observe(self, sample: Sample) -> None:
        """Take in what happened; the estimate follows at the end of a round."""
        self._rtt_ms = self._rtt_ms if sample.rtt_ms is None else sample.rtt_ms
        self._jitter_ms = self._jitter_ms if sample.jitter_ms is None else sample.jitter_ms
        self._count_losses(sample)
        self._round.take(sample)
        if self._round.length_s >= max(ROUND_S, min(self._rtt_ms / 1e3, LONGEST_ROUND_S)):
            done, self._round = self._round, _Round()
            if done.is_network_limited:
                self._measure(done)
            else:
                self._raise(done)

    def estimate(self) -> LinkEstimate:
        """The link as it is known now; its bandwidth is the goodput that can be expected, in stored bytes."""
        mbps = max(self._mbps, LEAST_MBPS)
        return LinkEstimate(Link(mbps, self._rtt_ms, self._jitter_ms, self._loss), self._known)

    def _count_losses(self, sample: Sample) -> None:
        kept = max(0.0, 1 - sample.interval_s / LOSS_MEMORY_S)
        self._sent_bytes = self._sent_bytes * kept + sample.sent_bytes
        self._resent_bytes = self._resent_bytes * kept + sample.resent_bytes
        if self._sent_bytes > 0:
            self._loss = min(1.0, self._resent_bytes / self._sent_bytes)

    def _measure(self, done: _Round) -> None:
        if self._is_slow_start(done):
            self._at_least(max(done.mbps, done.delivery_mbps))
            return
        self._rounds.append(done.mbps)
        self._mbps, self._known = median(self._rounds), Known.MEASURED

    def _is_slow_start(self, done: _Round) -> bool:
        """Whether goodput still grows by itself: until it once has not, or a loss has ended it."""
        if self._rounds or self._growth_s >= LONGEST_GROWTH_S:
            return False
        before, self._grew_to_mbps = self._grew_to_mbps, done.mbps
        self._growth_s += done.length_s
        if done.resent_bytes:
            return False
        if before is None:
            return done.delivery_mbps > STILL_GROWING * done.mbps or not done.delivery_mbps
        return done.mbps > STILL_GROWING * before

    def _raise(self, done: _Round) -> None:
        self._at_least(done.busy_mbps)
        if done.starved_s > 0.5 * done.length_s and self._mbps < MOST_MBPS:
            double_s = SLOW_RISE_S if self._rounds else RISE_S
            self._mbps = min(MOST_MBPS, self._mbps * 2 ** (done.length_s / double_s))

    def _at_least(self, mbps: float) -> None:
        if mbps > self._mbps:
            self._mbps = mbps
            self._known = Known.AT_LEAST
