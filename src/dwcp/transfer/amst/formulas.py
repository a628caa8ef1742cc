"""The published formulas of adaptive multi-stream transport: the fallback that the rest is held against."""

import math
from typing import TypeGuard

__all__ = ["UNSURE_STREAMS", "published_buffer_bytes", "published_chunk_bytes", "published_streams"]

UNSURE_STREAMS = 4
"""Streams where bandwidth or latency is not known."""

_MIN_STREAMS, _MAX_STREAMS = 2, 16
_MBPS_A_STREAM, _MS_A_STREAM = 20, 50
_MUCH_LOSS = 0.02
_MIN_BUFFER_BYTES, _MAX_BUFFER_BYTES = 16 * 1024, 1024 * 1024
_MIN_CHUNK_BYTES, _MAX_CHUNK_BYTES = 64 * 1024, 1024 * 1024


def published_streams(
    bandwidth_mbps: float | None, latency_ms: float | None, packet_loss: float = 0.0
) -> int:
    """``clamp(trunc(bandwidth / 20) - trunc(latency / 50), 2, 16)``; three quarters of it over 2% loss.

    Args:
        bandwidth_mbps: expected; None or NaN where it is not known.
        latency_ms: round-trip time; None or NaN where it is not known.
        packet_loss: share of packets lost (0 to 1).

    Returns:
        1 to 16 streams, truncated; `UNSURE_STREAMS` when unsure.
    """
    if not _known(bandwidth_mbps) or not _known(latency_ms):
        return UNSURE_STREAMS
    wanted = math.trunc(bandwidth_mbps / _MBPS_A_STREAM) - math.trunc(latency_ms / _MS_A_STREAM)
    streams = max(_MIN_STREAMS, min(_MAX_STREAMS, wanted))
    return math.trunc(streams * 3 / 4) if packet_loss > _MUCH_LOSS else streams


def published_buffer_bytes(bandwidth_mbps: float, latency_ms: float, jitter_ms: float = 0.0) -> int:
    """What the link holds in a round trip and its jitter, within 16 KiB and 1 MiB."""
    held = bandwidth_mbps * 1e6 / 8 * (latency_ms + jitter_ms) / 1e3
    return int(max(_MIN_BUFFER_BYTES, min(_MAX_BUFFER_BYTES, held)))


def published_chunk_bytes(chunk_bytes: int, packet_loss: float) -> int:
    """The next chunk's length: half of this one over 2% loss, twice it without loss; 64 KiB to 1 MiB.

    The publication gives the bounds and that chunks grow and shrink with loss; half and twice are the
    steps of the powers of two that the bounds are.

    Args:
        chunk_bytes: the chunk length in use.
        packet_loss: share of packets lost (0 to 1) since it is in use.
    """
    if packet_loss > _MUCH_LOSS:
        chunk_bytes //= 2
    elif packet_loss <= 0:
        chunk_bytes *= 2
    return max(_MIN_CHUNK_BYTES, min(_MAX_CHUNK_BYTES, chunk_bytes))


def _known(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value) and value >= 0
