import pytest
from amst_cases import reading, sample

from dwcp.transfer.amst import Limit, StreamMeter


def test_what_streams_did_is_added_up() -> None:
    meter = StreamMeter(10.0)
    first = {0: reading(bytes_acked=1000, bytes_sent=1200, bytes_resent=200, busy_us=50_000)}
    one = meter.measure(10.1, first, Limit.NETWORK)
    assert one is not None
    assert (one.acked_bytes, one.sent_bytes, one.resent_bytes, one.streams) == (1000, 1200, 200, 1)
    assert one.interval_s == pytest.approx(0.1)
    assert one.busy_s == pytest.approx(0.05)
    second = {
        0: reading(bytes_acked=3000, bytes_sent=3200, bytes_resent=200, busy_us=150_000, rtt_us=50_000),
        1: reading(bytes_acked=500, bytes_sent=500, busy_us=90_000, rtt_us=42_000, min_rtt_us=38_000),
    }
    two = meter.measure(10.2, second, Limit.CREDIT)
    assert two is not None
    assert (two.acked_bytes, two.sent_bytes, two.resent_bytes, two.streams) == (2500, 2500, 0, 2)
    assert two.busy_s == pytest.approx(0.1), "two streams at once are not busy for longer than the interval"
    assert (two.rtt_ms, two.min_rtt_ms, two.jitter_ms) == (46.0, 38.0, 2.0)
    assert two.limit is Limit.CREDIT


def test_a_stream_that_comes_in_place_of_another_begins_anew() -> None:
    meter = StreamMeter(0.0)
    meter.measure(0.1, {0: reading(bytes_acked=9000, bytes_sent=9000)}, Limit.NETWORK)
    found = meter.measure(0.2, {0: reading(bytes_acked=100, bytes_sent=100)}, Limit.NETWORK)
    assert found is not None
    assert found.acked_bytes == 100


def test_a_stream_that_went_takes_nothing_back() -> None:
    meter = StreamMeter(0.0)
    streams = {0: reading(bytes_acked=9000), 1: reading(bytes_acked=1)}
    meter.measure(0.1, streams, Limit.NETWORK)
    found = meter.measure(0.2, {1: reading(bytes_acked=5)}, Limit.NETWORK)
    assert found is not None
    assert (found.acked_bytes, found.streams) == (4, 1)


def test_no_time_is_no_sample() -> None:
    meter = StreamMeter(1.0)
    assert meter.measure(1.0, {0: reading()}, Limit.NETWORK) is None


def test_no_streams() -> None:
    found = StreamMeter(0.0).measure(1.0, {}, Limit.NETWORK)
    assert found is not None
    assert (found.streams, found.acked_bytes, found.rtt_ms, found.min_rtt_ms) == (0, 0, None, None)
    assert not found.is_network_limited
    assert not found.queued


def test_delivery_is_told_by_those_who_had_enough_to_send() -> None:
    streams = {
        0: reading(bytes_acked=1, delivery_bytes_s=1_000_000),
        1: reading(bytes_acked=1, delivery_bytes_s=250_000),
        2: reading(bytes_acked=1, delivery_bytes_s=9_000_000, app_limited=True),
        3: reading(bytes_acked=0, delivery_bytes_s=9_000_000),
    }
    found = StreamMeter(0.0).measure(0.1, streams, Limit.NETWORK)
    assert found is not None
    assert found.delivery_mbps == 10.0


def test_windows() -> None:
    streams = {0: reading(busy_us=100_000, receiver_limited_us=20_000, buffer_limited_us=40_000)}
    found = StreamMeter(0.0).measure(0.1, streams, Limit.NETWORK)
    assert found is not None
    assert found.window_limited == pytest.approx(0.6)


def test_an_old_kernel_that_tells_little() -> None:
    little = reading(
        **dict.fromkeys(
            ("bytes_acked", "bytes_sent", "bytes_resent", "busy_us", "receiver_limited_us"), None
        ),
        **dict.fromkeys(("buffer_limited_us", "min_rtt_us", "delivery_bytes_s"), None),
    )
    meter = StreamMeter(0.0)
    for now in (0.1, 0.2):
        found = meter.measure(now, {0: little}, Limit.NETWORK)
        assert found is not None
        assert (found.acked_bytes, found.min_rtt_ms, found.is_network_limited) == (0, None, False)


@pytest.mark.parametrize(
    ("rtt_ms", "min_rtt_ms", "queued"),
    [(40, 40, False), (50, 40, False), (51, 40, True), (0.5, 0.1, False), (0.7, 0.1, True), (None, 1, False)],
)
def test_a_queue_shows_in_round_trips(rtt_ms: float | None, min_rtt_ms: float, queued: bool) -> None:
    assert sample(10, rtt_ms=rtt_ms, min_rtt_ms=min_rtt_ms).queued == queued


@pytest.mark.parametrize(
    ("limit", "busy_s", "limited"),
    [(Limit.NETWORK, 0.1, True), (Limit.NETWORK, 0.08, False), *((x, 0.1, False) for x in list(Limit)[1:])],
)
def test_what_measures_the_network(limit: Limit, busy_s: float, limited: bool) -> None:
    assert sample(10, limit=limit, busy_s=busy_s).is_network_limited == limited
