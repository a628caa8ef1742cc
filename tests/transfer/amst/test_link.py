import math

import pytest
from amst_cases import sample, samples
from fluid_links import FluidLink
from hypothesis import given
from hypothesis import strategies as st
from stream_table import steady

from dwcp.tasks.compression.contract import Link
from dwcp.transfer.amst import DEFAULT_MBPS, Known, Limit, LinkEstimator, Sample, StreamMeter


def _observe(estimator: LinkEstimator, *seen: Sample) -> float:
    for one in seen:
        estimator.observe(one)
    return estimator.estimate().link.bandwidth_mbps


def _watch(link: FluidLink, seconds: float, estimator: LinkEstimator, meter: StreamMeter) -> float:
    for _ in range(round(seconds * 20)):
        link.run(0.05)
        seen = meter.measure(link.now, link.infos(), Limit.NETWORK)
        assert seen is not None
        estimator.observe(seen)
    return estimator.estimate().link.bandwidth_mbps


def test_nothing_is_known_at_first() -> None:
    found = LinkEstimator().estimate()
    assert found.known is Known.DEFAULT
    assert found.link == Link(DEFAULT_MBPS)


@pytest.mark.parametrize(
    ("mbps", "rtt_ms", "within_s"),
    [(10, 0, 0.2), (100, 0, 0.2), (1000, 0, 0.2), (100, 2, 0.2), (1000, 2, 0.3), (100, 20, 0.4)],
)
def test_a_link_is_known_soon(mbps: float, rtt_ms: float, within_s: float) -> None:
    link, estimator = FluidLink(steady(mbps), rtt_ms), LinkEstimator()
    link.want(4)
    assert _watch(link, within_s, estimator, StreamMeter(0.0)) == pytest.approx(mbps, rel=0.25)
    assert _watch(link, 1.0, estimator, StreamMeter(link.now)) == pytest.approx(mbps, rel=0.05)
    assert estimator.estimate().known is Known.MEASURED


def test_slow_start_is_not_taken_for_the_capacity() -> None:
    link, estimator, meter = FluidLink(steady(400), 80), LinkEstimator(), StreamMeter(0.0)
    link.want(16)
    for _ in range(9):
        assert _watch(link, 0.1, estimator, meter) >= DEFAULT_MBPS
    assert _watch(link, 3.0, estimator, meter) == pytest.approx(400, rel=0.1)


def test_a_drop_and_a_rise_are_followed_within_a_second() -> None:
    link = FluidLink(lambda now: 100.0 if now < 3 or now > 6 else 10.0, 20)
    estimator, meter = LinkEstimator(), StreamMeter(0.0)
    link.want(4)
    assert _watch(link, 3.0, estimator, meter) == pytest.approx(100, rel=0.05)
    assert _watch(link, 0.6, estimator, meter) == pytest.approx(10, rel=0.2)
    _watch(link, 2.4, estimator, meter)
    assert _watch(link, 1.0, estimator, meter) > 50


def test_a_burst_that_a_token_bucket_lets_pass_is_soon_forgotten() -> None:
    estimator = LinkEstimator()
    _observe(estimator, sample(90, resent_bytes=1), sample(10), sample(10))
    assert estimator.estimate().link.bandwidth_mbps == pytest.approx(10)


def test_what_a_slow_encoder_sent_is_not_the_capacity() -> None:
    estimator = LinkEstimator()
    before = _observe(estimator, *[sample(100)] * 10)
    starved = sample(5, limit=Limit.ENCODER, busy_s=0.04)
    assert _observe(estimator, *[starved] * 20) >= before
    assert estimator.estimate().known is Known.MEASURED


def test_an_unknown_link_is_taken_for_faster_while_the_encoder_is_the_limit() -> None:
    estimator = LinkEstimator()
    starved = sample(50, limit=Limit.ENCODER, busy_s=0.05)
    seen = [_observe(estimator, *[starved] * 10) for _ in range(3)]
    assert seen == pytest.approx([2 * DEFAULT_MBPS, 4 * DEFAULT_MBPS, 8 * DEFAULT_MBPS], rel=0.01)
    assert _observe(estimator, *[starved] * 1000) == 100_000
    assert _observe(estimator, *[sample(300)] * 3) == pytest.approx(300)


def test_a_measured_link_rises_more_slowly() -> None:
    estimator = LinkEstimator()
    _observe(estimator, *[sample(100)] * 10)
    assert _observe(estimator, *[sample(1, limit=Limit.CPU)] * 100) == pytest.approx(200, rel=0.01)


@pytest.mark.parametrize("limit", [Limit.CREDIT, Limit.TAIL])
def test_a_slow_receiver_and_the_end_say_nothing_of_the_link(limit: Limit) -> None:
    estimator = LinkEstimator()
    _observe(estimator, *[sample(100)] * 10)
    assert _observe(estimator, *[sample(1, limit=limit)] * 100) == pytest.approx(100)


def test_bursts_of_an_idle_transfer_show_what_the_link_carries_at_least() -> None:
    burst = sample(200, limit=Limit.ENCODER, busy_s=0.025)
    estimator = LinkEstimator()
    assert _observe(estimator, burst) >= 800
    assert estimator.estimate().known is Known.AT_LEAST


def test_busy_time_of_a_tick_or_two_is_not_divided_by() -> None:
    assert _observe(LinkEstimator(), sample(200, limit=Limit.CREDIT, busy_s=0.004)) == pytest.approx(200)


def test_a_remembered_link_holds_until_another_is_measured() -> None:
    estimator = LinkEstimator(Link(500, 30, 2, 0.01))
    assert estimator.estimate().link == Link(500, 30, 2, 0.01)
    assert estimator.estimate().known is Known.REMEMBERED
    growing = [sample(mbps, resent_bytes=0) for mbps in (1, 2, 4, 8)]
    assert _observe(estimator, *growing) == 500
    assert _observe(estimator, *[sample(20)] * 3) == pytest.approx(20)
    assert estimator.estimate().known is Known.MEASURED


def test_nothing_arrives() -> None:
    estimator = LinkEstimator()
    _observe(estimator, *[sample(100)] * 5)
    assert _observe(estimator, *[sample(0)] * 5) == 0.1


def test_round_trips_jitter_and_losses() -> None:
    estimator = LinkEstimator()
    lossy = sample(80, resent_bytes=10_000, rtt_ms=60.0, jitter_ms=3.0)
    _observe(estimator, *[lossy] * 50)
    link = estimator.estimate().link
    assert (link.rtt_ms, link.jitter_ms) == (60.0, 3.0)
    assert link.packet_loss == pytest.approx(0.01)
    _observe(estimator, *[sample(80, rtt_ms=None, jitter_ms=None)] * 200)
    link = estimator.estimate().link
    assert (link.rtt_ms, link.jitter_ms) == (60.0, 3.0)
    assert link.packet_loss < 0.001


def test_a_long_round_trip_makes_long_rounds() -> None:
    estimator = LinkEstimator()
    trains = [sample(mbps, rtt_ms=300.0) for mbps in (90, 0, 0)] * 6
    assert _observe(estimator, *trains) == pytest.approx(30)


@given(st.lists(samples, max_size=40))
def test_the_estimate_is_a_number_whatever_happens(seen: list[Sample]) -> None:
    estimator = LinkEstimator()
    for one in seen:
        estimator.observe(one)
        link = estimator.estimate().link
        assert math.isfinite(link.bandwidth_mbps)
        assert link.bandwidth_mbps >= 0.1
        assert 0 <= link.packet_loss <= 1
