"""What all streams of a transfer did since the last look, from the kernel's readings of each."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from dwcp.telemetry import TcpInfo

__all__ = ["Limit", "Sample", "StreamMeter"]


class Limit(StrEnum):
    """What held the transfer up."""

    NETWORK = "network"
    """Nothing but the streams: data was waiting for them."""
    CPU = "cpu"
    """The processor budget is used up."""
    ENCODER = "encoder"
    """No encoded data was waiting while streams were idle."""
    CREDIT = "credit"
    """The receiver has not yet acknowledged what it was sent, and takes no more."""
    TAIL = "tail"
    """So little is left that more streams would have nothing to do."""


class Sample(Struct, frozen=True):
    """One interval of a transfer, over all of its streams.

    Attributes:
        interval_s: its length, above 0.
        streams: how many are open at its end.
        limit: what held the transfer up.
        acked_bytes: stored bytes that arrived.
        sent_bytes: stored bytes sent, with those sent again.
        resent_bytes: stored bytes sent again.
        busy_s: time in which some stream had data on the way; counted low where streams took turns.
        window_limited: share of that time in which a window or a socket buffer was full, not the network.
        delivery_mbps: last rates of delivery, summed over the streams that had enough to send; 0 if none had.
        rtt_ms: smoothed round-trip time, mean over the streams; None before the first.
        min_rtt_ms: smallest round trip seen; None before the first.
        jitter_ms: mean deviation of round trips, mean over the streams; None before the first.
    """

    interval_s: float
    streams: int
    limit: Limit
    acked_bytes: int
    sent_bytes: int
    resent_bytes: int
    busy_s: float
    window_limited: float = 0.0
    delivery_mbps: float = 0.0
    rtt_ms: float | None = None
    min_rtt_ms: float | None = None
    jitter_ms: float | None = None

    @property
    def goodput_mbps(self) -> float:
        """Stored bytes that arrived, a second."""
        return self.acked_bytes * 8e-6 / self.interval_s

    @property
    def queued(self) -> bool:
        """Whether packets wait at the bottleneck: round trips are well above the smallest one.

        A quarter above it, which radio links and schedulers reach without a queue, and half a millisecond,
        which two hosts add on a path that has no length.
        """
        if self.rtt_ms is None or self.min_rtt_ms is None:
            return False
        return self.rtt_ms > 1.25 * self.min_rtt_ms + 0.5

    @property
    def is_network_limited(self) -> bool:
        """Whether the bytes that arrived are a measure of what the network carries with these streams.

        They are where nothing else held the transfer up and data was on the way nearly all the time; nine
        tenths, as the kernel counts busy time in ticks of up to 10 ms.
        """
        return self.limit is Limit.NETWORK and self.busy_s >= 0.9 * self.interval_s


class StreamMeter:
    """Turns the kernel's cumulative counters into samples; streams may come and go."""

    def __init__(self, now: float) -> None:
        """Start an interval.

        Args:
            now: the time in seconds, on a clock that only goes forward.
        """
        self._last_s = now
        self._before: dict[int, TcpInfo] = {}

    def measure(self, now: float, infos: Mapping[int, TcpInfo], limit: Limit) -> Sample | None:
        """What happened since the last call; None if no time has passed.

        What a stream did between the last look at it and its end is not counted.

        Args:
            now: the time in seconds.
            infos: a reading of each open stream, by its number; numbers of streams that have gone may come
                again.
            limit: what held the transfer up, as far as others than the network are concerned.
        """
        interval_s = now - self._last_s
        if interval_s <= 0:
            return None
        since = [info.since(self._before.get(number)) for number, info in infos.items()]
        self._last_s, self._before = now, dict(infos)
        active = [info for info in since if info.bytes_acked]
        busy_us = _sum(info.busy_us for info in since)
        held_us = _sum((info.receiver_limited_us or 0) + (info.buffer_limited_us or 0) for info in since)
        min_rtts_us = [info.min_rtt_us for info in since if info.min_rtt_us]
        return Sample(
            interval_s=interval_s,
            streams=len(since),
            limit=limit,
            acked_bytes=_sum(info.bytes_acked for info in since),
            sent_bytes=_sum(info.bytes_sent for info in since),
            resent_bytes=_sum(info.bytes_resent for info in since),
            busy_s=min(interval_s, busy_us / 1e6),
            window_limited=min(1.0, held_us / busy_us) if busy_us else 0.0,
            delivery_mbps=_sum(info.delivery_bytes_s for info in active if not info.app_limited) * 8e-6,
            rtt_ms=_mean_ms([info.rtt_us for info in active or since]),
            min_rtt_ms=min(min_rtts_us) / 1e3 if min_rtts_us else None,
            jitter_ms=_mean_ms([info.rttvar_us for info in active or since]),
        )


def _sum(values: Iterable[int | None]) -> int:
    return sum(value for value in values if value)


def _mean_ms(values_us: Sequence[int]) -> float | None:
    return sum(values_us) / len(values_us) / 1e3 if values_us else None
