"""Readings of TCP streams as telemetry: one ``stream`` record for each stream, once an interval."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dwcp.telemetry.tcp import TcpInfo

if TYPE_CHECKING:
    from dwcp.telemetry.schema import Value

__all__ = ["StreamSampler"]

_BUSY_SHARE = 0.9
"""With data to send for less of the time than this, what was sent is no measure of the capacity: the kernel
counts busy time in ticks of up to 10 ms, which in an interval of a second blur a few hundredths."""


class StreamSampler:
    """Turns cumulative counters of streams into records of what happened in each interval.

    A stream's ``stream_index`` is its place among the streams that are open at the time, in the order of
    their numbers, so it is always below ``amst_streams``.

    Args:
        node_id: this node, in clear: the recorder hashes it.
        peer_id: the other end, in clear.
        known: columns that are the same in every record, e.g. ``link_type``.
        every_s: length of an interval.
    """

    def __init__(
        self, node_id: str, peer_id: str, known: "Mapping[str, Value] | None" = None, every_s: float = 1.0
    ) -> None:
        series: dict[str, Value] = {"node_id": node_id, "peer_id": peer_id, "transport_type": "tcp"}
        self._fixed = series | dict(known or {})
        self._every_s = every_s
        self._last_s: float | None = None
        self._before: dict[int, TcpInfo] = {}

    def sample(self, now: float, infos: Mapping[int, TcpInfo]) -> "list[dict[str, Value]]":
        """The fields of the records that are due; none before the interval is over.

        Args:
            now: the time in seconds, on a clock that only goes forward.
            infos: a reading of each open stream, by its number; a number that comes again with smaller
                counters is a new stream.
        """
        if self._last_s is not None and now - self._last_s < self._every_s:
            return []
        began_s, self._last_s = self._last_s, now
        before, self._before = self._before, dict(infos)
        if began_s is None:
            return []
        interval_s = now - began_s
        return [
            self._fixed
            | {"stream_index": index, "amst_streams": len(infos)}
            | _fields(infos[number].since(before.get(number)), infos[number], interval_s)
            for index, number in enumerate(sorted(infos))
        ]


def _fields(since: TcpInfo, info: TcpInfo, interval_s: float) -> "dict[str, Value]":
    busy = _share(since.busy_us, interval_s * 1e6)
    return {
        "rtt_ms": info.rtt_us / 1e3,
        "jitter_ms": info.rttvar_us / 1e3,
        "min_rtt_ms": None if info.min_rtt_us is None else info.min_rtt_us / 1e3,
        "packet_loss": _share(since.bytes_resent, since.bytes_sent),
        "retransmits": since.retransmits,
        "congestion_window": info.cwnd_segments,
        "segment_bytes": info.segment_bytes or None,
        "queue_depth": _unsent_segments(info),
        "bytes_tx": since.bytes_sent,
        "transfer_rate_mbps": None if since.bytes_sent is None else since.bytes_sent * 8e-6 / interval_s,
        "throughput_mbps": None if since.bytes_acked is None else since.bytes_acked * 8e-6 / interval_s,
        "delivery_rate_mbps": _mbps(info.delivery_bytes_s),
        "pacing_rate_mbps": _mbps(info.pacing_bytes_s),
        "app_limited": info.app_limited if busy is None else busy < _BUSY_SHARE,
        "stream_utilization": busy,
        "receiver_limited": _share(since.receiver_limited_us, interval_s * 1e6),
        "buffer_limited": _share(since.buffer_limited_us, interval_s * 1e6),
    }


def _unsent_segments(info: TcpInfo) -> int | None:
    """Segments that the unsent bytes will fill."""
    if info.notsent_bytes is None or not info.segment_bytes:
        return None
    return -(-info.notsent_bytes // info.segment_bytes)


def _share(part: int | None, whole: float | None) -> float | None:
    return None if part is None or not whole else min(1.0, part / whole)


def _mbps(bytes_s: int | None) -> float | None:
    return None if bytes_s is None else bytes_s * 8e-6
