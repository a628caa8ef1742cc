"""How many streams to begin with."""

from dwcp.transfer.amst.memory import PathRecord

__all__ = ["starting_streams"]

FIRST_STREAMS = 2
"""On a clean link one stream carries all it takes, near or far, and sixteen that begin at once lose a tenth
to a third of what they send; a second one gives the receiver's other core something to do."""
NEAR_RTT_MS = 2.0
FAR_STREAMS = 1
"""Of BBR, over more than a building: two of them keep twice what the path holds on the way, and where buffers
are short lose a sixth of it."""
LONG_RTT_MS = 20.0
LONG_STREAMS = 8
"""Streams that take losses for a full link need long to win a window back over such a round trip. Should the
link be a lossy one, few of them would carry little until the controller has seen it."""


def starting_streams(
    rtt_ms: float | None, remembered: PathRecord | None, max_streams: int, *, loss_based: bool
) -> int:
    """Streams for the beginning of a transfer: what was best the last time, else few; corrected later.

    Args:
        rtt_ms: round-trip time, e.g. of the control stream's first packets; None where it is not known.
        remembered: the path's record.
        max_streams: most streams, as agreed with the receiver.
        loss_based: whether the streams' congestion control takes losses for a full link.
    """
    return max(1, min(max_streams, remembered.streams if remembered else _few(rtt_ms or 0.0, loss_based)))


def _few(rtt_ms: float, loss_based: bool) -> int:
    if rtt_ms < NEAR_RTT_MS:
        return FIRST_STREAMS
    if not loss_based:
        return FAR_STREAMS
    return LONG_STREAMS if rtt_ms >= LONG_RTT_MS else FIRST_STREAMS
