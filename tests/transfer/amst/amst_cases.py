"""Samples and readings to build tests from."""

from hypothesis import strategies as st

from dwcp.telemetry import TcpInfo
from dwcp.transfer.amst import Limit, Sample


def sample(mbps: float, interval_s: float = 0.1, **more: object) -> Sample:
    """A network-limited interval over a path of 40 ms without a queue or losses."""
    acked = round(mbps * 1e6 / 8 * interval_s)
    fields: dict[str, object] = {
        "interval_s": interval_s,
        "streams": 4,
        "limit": Limit.NETWORK,
        "acked_bytes": acked,
        "sent_bytes": acked,
        "resent_bytes": 0,
        "busy_s": interval_s,
        "rtt_ms": 40.0,
        "min_rtt_ms": 40.0,
        "jitter_ms": 1.0,
    }
    return Sample(**(fields | more))  # type: ignore[arg-type]


def reading(**more: object) -> TcpInfo:
    """A stream that has just begun; ``more`` says what else is known of it."""
    fields: dict[str, object] = {
        "app_limited": False,
        "segment_bytes": 1448,
        "unacked_segments": 0,
        "rtt_us": 40_000,
        "rttvar_us": 2_000,
        "ssthresh_segments": 2**31 - 1,
        "cwnd_segments": 10,
        "retransmits": 0,
        "pacing_bytes_s": None,
        "bytes_acked": 0,
        "segments_out": 0,
        "notsent_bytes": 0,
        "min_rtt_us": 39_000,
        "data_segments_out": 0,
        "delivery_bytes_s": None,
        "busy_us": 0,
        "receiver_limited_us": 0,
        "buffer_limited_us": 0,
        "bytes_sent": 0,
        "bytes_resent": 0,
    }
    return TcpInfo(**(fields | more))  # type: ignore[arg-type]


samples = st.builds(
    Sample,
    interval_s=st.floats(0.001, 10),
    streams=st.integers(0, 80),
    limit=st.sampled_from(Limit),
    acked_bytes=st.integers(0, 10**9),
    sent_bytes=st.integers(0, 10**9),
    resent_bytes=st.integers(0, 10**9),
    busy_s=st.floats(0, 10),
    window_limited=st.floats(0, 1),
    rtt_ms=st.none() | st.floats(0, 10_000),
    min_rtt_ms=st.none() | st.floats(0, 10_000),
)
"""Whatever a sample can hold."""
