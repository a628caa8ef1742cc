import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.transfer.amst import (
    UNSURE_STREAMS,
    published_buffer_bytes,
    published_chunk_bytes,
    published_streams,
)

KIB, MIB = 1024, 1024 * 1024


@pytest.mark.parametrize(
    ("bandwidth_mbps", "latency_ms", "loss", "streams"),
    [
        (100, 10, 0.0, 5),
        (100, 49.9, 0.0, 5),
        (100, 50, 0.0, 4),
        (119.9, 0, 0.0, 5),
        (120, 0, 0.0, 6),
        (10, 0, 0.0, 2),
        (0, 0, 0.0, 2),
        (100, 300, 0.0, 2),
        (320, 0, 0.0, 16),
        (10_000, 20, 0.0, 16),
        (1000, 2000, 0.0, 10),
        (100, 10, 0.02, 5),
        (100, 10, 0.0201, 3),
        (320, 0, 0.5, 12),
        (10, 0, 0.5, 1),
        (None, 10, 0.0, 4),
        (100, None, 0.5, 4),
        (math.nan, 10, 0.0, 4),
        (math.inf, 10, 0.0, 4),
        (-1, 10, 0.0, 4),
    ],
)
def test_streams(bandwidth_mbps: float | None, latency_ms: float | None, loss: float, streams: int) -> None:
    assert published_streams(bandwidth_mbps, latency_ms, loss) == streams


@given(st.floats(), st.floats(), st.floats(0, 1))
def test_streams_are_within_bounds_for_anything(bandwidth: float, latency: float, loss: float) -> None:
    assert 1 <= published_streams(bandwidth, latency, loss) <= 16


def test_unsure() -> None:
    assert UNSURE_STREAMS == 4


@pytest.mark.parametrize(
    ("bandwidth_mbps", "latency_ms", "jitter_ms", "buffer_bytes"),
    [
        (100, 10, 0, 125_000),
        (100, 10, 2, 150_000),
        (10, 1, 0, 16 * KIB),
        (0, 0, 0, 16 * KIB),
        (10_000, 100, 10, MIB),
    ],
)
def test_buffer(bandwidth_mbps: float, latency_ms: float, jitter_ms: float, buffer_bytes: int) -> None:
    assert published_buffer_bytes(bandwidth_mbps, latency_ms, jitter_ms) == buffer_bytes


@pytest.mark.parametrize(
    ("chunk_bytes", "loss", "following"),
    [
        (256 * KIB, 0.0, 512 * KIB),
        (256 * KIB, 0.02, 256 * KIB),
        (256 * KIB, 0.021, 128 * KIB),
        (MIB, 0.0, MIB),
        (64 * KIB, 1.0, 64 * KIB),
        (1, 0.01, 64 * KIB),
        (2 * MIB, 0.01, MIB),
    ],
)
def test_chunk(chunk_bytes: int, loss: float, following: int) -> None:
    assert published_chunk_bytes(chunk_bytes, loss) == following
