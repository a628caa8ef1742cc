"""What speaks for more streams, and what for fewer, before any is tried."""

from msgspec import Struct

from dwcp.transfer.amst.samples import Sample

__all__ = ["StreamSigns"]

MEMORY_S = 5.0
"""Time constant in which signs are forgotten: of losses so rare that a stream still reaches 18 Mbit/s over 80
ms (0.01%), there is one in 6 s."""
QUEUE_RTTS = 10
"""Round trips for which a queue counts as there after it was seen: what it lost is sent again when it has
drained, and the smoothed round trip has forgotten it."""
OPEN_LOSS = 2e-5
"""Share of bytes lost without a queue from which on losses are what holds a stream: below it, one reaches 40
Mbit/s over 80 ms, and climbing without signs comes to the rest."""
LOSS_RTT_MS = 1.0
"""Round trip below which losses are no sign: 1% of them hold a stream to 140 Mbit/s over it, so that the four
of a start carry half a gigabit; and hosts that are too busy lose packets even to themselves."""
HELD_SHARE = 0.3
"""Share of the time with a full window or socket buffer from which on that is what holds a stream: below it,
the sawtooth of the congestion window is smaller most of the time."""
WINDOW_RTT_MS = 10.0
"""Round trip below which full windows are no sign: 3 MiB, what a default send buffer holds, carry 2.5 Gbit/s
over it, and what is slow is rather the receiver."""
MUCH_LOSS = 0.05
"""Share of bytes lost, with a queue, from which on streams crowd each other out: 16 streams that share
10 Mbit/s over 80 ms lose 3%, 64 lose 25%."""


class StreamSigns(Struct):
    """Sums of bytes sent and lost, and the share of time with full windows, that forget.

    Losses without a queue, and full windows, hold each stream by itself: more streams carry more. Losses with
    a queue are the link's answer to too much: it is full.

    Attributes:
        loss_based: losses hold these streams: their congestion control takes them for a full link.
        sent_bytes: sent lately.
        lost_open_bytes: sent again lately, lost without a queue.
        lost_queued_bytes: sent again lately, lost with a queue.
        held_share: share of the time lately in which a window was full.
        queued_until_s: until when a queue counts as there.
    """

    loss_based: bool = True
    sent_bytes: float = 0.0
    lost_open_bytes: float = 0.0
    lost_queued_bytes: float = 0.0
    held_share: float = 0.0
    queued_until_s: float = float("-inf")

    def take(self, now: float, sample: Sample) -> None:
        """Take in a sample that ends now; one that the network did not limit says nothing."""
        if not sample.is_network_limited:
            return
        if sample.queued:
            self.queued_until_s = now + QUEUE_RTTS * (sample.rtt_ms or 0.0) / 1e3
        queued = now <= self.queued_until_s
        min_rtt_ms = sample.min_rtt_ms or 0.0
        is_lossy = not queued and self.loss_based and min_rtt_ms >= LOSS_RTT_MS
        is_held = not queued and min_rtt_ms >= WINDOW_RTT_MS
        kept = max(0.0, 1 - sample.interval_s / MEMORY_S)
        self.sent_bytes = self.sent_bytes * kept + sample.sent_bytes
        self.lost_open_bytes = self.lost_open_bytes * kept + is_lossy * sample.resent_bytes
        self.lost_queued_bytes = self.lost_queued_bytes * kept + queued * sample.resent_bytes
        self.held_share = self.held_share * kept + (1 - kept) * is_held * sample.window_limited

    def forget(self) -> None:
        """Begin anew: what was seen belongs to another number of streams."""
        self.sent_bytes = self.lost_open_bytes = self.lost_queued_bytes = self.held_share = 0.0

    @property
    def more(self) -> bool:
        """Whether streams are held one by one."""
        return self.lost_open_bytes > OPEN_LOSS * self.sent_bytes or self.held_share >= HELD_SHARE

    @property
    def fewer(self) -> bool:
        """Whether the link is full and streams crowd each other out."""
        return not self.more and self.lost_queued_bytes > MUCH_LOSS * self.sent_bytes
