import polars as pl
import pytest

from dwcp.telemetry import StreamSampler, TcpInfo, check_record
from dwcp.telemetry.schema import KINDS, polars_schema
from dwcp.telemetry.validation import validate

EPOCH_NS = 1_800_000_000 * 10**9


def _info(seconds: float, mbps: float = 80.0, **more: object) -> TcpInfo:
    """A stream that has sent at a rate for so long."""
    sent = round(mbps * 125_000 * seconds)
    fields: dict[str, object] = {
        "app_limited": False,
        "segment_bytes": 1448,
        "unacked_segments": 30,
        "rtt_us": 42_500,
        "rttvar_us": 1_500,
        "ssthresh_segments": 60,
        "cwnd_segments": 64,
        "retransmits": round(10 * seconds),
        "pacing_bytes_s": 12_500_000,
        "bytes_acked": round(0.99 * sent),
        "segments_out": sent // 1448,
        "notsent_bytes": 1449,
        "min_rtt_us": 40_000,
        "data_segments_out": sent // 1448,
        "delivery_bytes_s": 11_000_000,
        "busy_us": round(0.95e6 * seconds),
        "receiver_limited_us": round(0.25e6 * seconds),
        "buffer_limited_us": 0,
        "bytes_sent": sent,
        "bytes_resent": sent // 100,
    }
    return TcpInfo(**(fields | more))  # type: ignore[arg-type]


def _unknowing(seconds: float) -> TcpInfo:
    """As a kernel of long ago tells it."""
    return TcpInfo(*_info(seconds)[:8], *[None] * 12)  # type: ignore[arg-type]


def test_one_record_a_stream_and_second() -> None:
    sampler = StreamSampler("node", "peer", {"link_type": "wan"})
    assert sampler.sample(100.0, {3: _info(1), 7: _info(1)}) == []
    assert sampler.sample(100.9, {3: _info(1.9), 7: _info(1.9)}) == []
    first, second = sampler.sample(101.0, {7: _info(2, 40), 3: _info(2)})
    assert (first["stream_index"], second["stream_index"]) == (0, 1)
    assert sampler.sample(101.5, {3: _info(2.5)}) == []
    assert len(sampler.sample(102.2, {3: _info(3.2)})) == 1
    assert first == {
        "node_id": "node",
        "peer_id": "peer",
        "transport_type": "tcp",
        "link_type": "wan",
        "stream_index": 0,
        "amst_streams": 2,
        "rtt_ms": 42.5,
        "jitter_ms": 1.5,
        "min_rtt_ms": 40.0,
        "packet_loss": pytest.approx(0.01),
        "retransmits": 10,
        "congestion_window": 64,
        "segment_bytes": 1448,
        "queue_depth": 2,
        "bytes_tx": 10_000_000,
        "transfer_rate_mbps": pytest.approx(80.0),
        "throughput_mbps": pytest.approx(79.2),
        "delivery_rate_mbps": 88.0,
        "pacing_rate_mbps": 100.0,
        "app_limited": False,
        "stream_utilization": pytest.approx(0.95),
        "receiver_limited": pytest.approx(0.25),
        "buffer_limited": 0.0,
    }
    for fields in (first, second):
        check_record("stream", EPOCH_NS, fields)


def test_a_new_stream_counts_from_its_start() -> None:
    sampler = StreamSampler("node", "peer")
    sampler.sample(0.0, {0: _info(50)})
    found = sampler.sample(1.0, {0: _info(0.5), 1: _info(0.25)})
    assert [fields["bytes_tx"] for fields in found] == [5_000_000, 2_500_000]


def test_an_idle_stream_is_no_measure_of_capacity() -> None:
    sampler = StreamSampler("node", "peer")
    sampler.sample(0.0, {0: _info(1)})
    [found] = sampler.sample(1.0, {0: _info(1)})
    assert (found["app_limited"], found["packet_loss"], found["transfer_rate_mbps"]) == (True, None, 0.0)


def test_what_an_old_kernel_does_not_tell_is_missing() -> None:
    sampler = StreamSampler("node", "peer")
    sampler.sample(0.0, {0: _unknowing(1)})
    [found] = sampler.sample(1.0, {0: _unknowing(2)._replace(app_limited=True)})
    check_record("stream", EPOCH_NS, found)
    assert found["retransmits"] == 10
    assert found["app_limited"] is True
    missing = {name for name, value in found.items() if value is None}
    assert missing >= {"bytes_tx", "throughput_mbps", "min_rtt_ms", "queue_depth", "stream_utilization"}


def test_streams_that_come_and_go_break_no_rule() -> None:
    sampler, rows = StreamSampler("node", "peer"), []
    open_at = {0: range(30), 1: range(5, 20), 2: range(10, 30)}
    for second in range(30):
        infos = {n: _info(second - at.start + 1) for n, at in open_at.items() if second in at}
        epoch = EPOCH_NS + second * 10**9
        for fields in sampler.sample(float(second), infos):
            stamp = pl.Series([epoch // 1000]).cast(pl.Datetime("us", "UTC"))[0]
            rows.append({"epoch_time": epoch, "timestamp": stamp} | fields)
    table = pl.DataFrame(rows, schema=polars_schema(KINDS["stream"]))
    assert table.height > 50
    assert validate(table, "stream").quarantined == 0
