"""How many streams to begin with."""

from dwcp.tasks.bandwidth.contract import Quantiles
from dwcp.transfer.amst.formulas import published_streams
from dwcp.transfer.amst.memory import PathRecord

__all__ = ["starting_streams"]

LONG_RTT_MS = 20.0
"""A round trip from which on slow start is felt: it begins with 10 segments a stream and doubles each round
trip, so that 16 streams are two round trips ahead of 4."""
LONG_STREAMS = 16
"""Streams to begin with on a long path; the most that the published formula gives."""


def starting_streams(
    rtt_ms: float | None, remembered: PathRecord | None, expected: Quantiles | None, max_streams: int
) -> int:
    """Streams for the beginning of a transfer; the controller corrects them.

    What was best the last time, if that is known. Else the published formula of what the forecast says is
    sure, or of nothing; on a long path, at least `LONG_STREAMS`.

    Args:
        rtt_ms: round-trip time, e.g. of the control stream's first packets; None where it is not known.
        remembered: the path's record.
        expected: a forecast.
        max_streams: most streams, as agreed with the receiver.
    """
    if remembered is not None:
        return max(1, min(max_streams, remembered.streams))
    streams = published_streams(None if expected is None else expected.low, rtt_ms)
    if rtt_ms is not None and rtt_ms >= LONG_RTT_MS:
        streams = max(streams, LONG_STREAMS)
    return max(1, min(max_streams, streams))
