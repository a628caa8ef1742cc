"""Steps from counters, with a made-up clock and made-up counters."""

from ipaddress import IPv4Address
from struct import pack_into

import pytest

from dwcp.cli.watch.meter import InterfaceBytes, LinkMeter, Measured
from dwcp.cli.watch.netlink import Connection
from dwcp.tasks.bandwidth.contract import Step

IDLE = InterfaceBytes("eth0", 0, 0)
MEGABYTE = 1_000_000


def connection(
    cookie: int = 1,
    acked: int = 0,
    received: int = 0,
    rtt_ms: float = 40.0,
    resent: int = 0,
    busy_s: float = 0.0,
    size: int = 232,
) -> Connection:
    info = bytearray(232)
    for offset, kind, value in (
        (68, "=I", int(rtt_ms * 1e3)),
        (72, "=I", 2_000),
        (80, "=I", 10),
        (100, "=I", resent // 1000),
        (120, "=Q", acked),
        (128, "=Q", received),
        (168, "=Q", int(busy_s * 1e6)),
        (200, "=Q", acked + resent),
        (208, "=Q", resent),
    ):
        pack_into(kind, info, offset, value)
    return Connection(cookie, IPv4Address("10.0.0.1"), 9440, bytes(info[:size]))


def second(before: list[Connection], after: list[Connection], seconds: float = 1.0) -> Measured:
    meter = LinkMeter()
    assert meter.measure(before, IDLE, 5.0) is None
    found = meter.measure(after, IDLE, 5.0 + seconds)
    assert found is not None
    return found


def test_what_was_acknowledged_in_the_interval_is_the_throughput() -> None:
    found = second([connection(acked=7)], [connection(acked=7 + 5 * MEGABYTE, busy_s=2.0)], seconds=2.0)
    assert found.source == "tcp"
    assert found.connections == 1
    assert found.step.throughput_mbps == pytest.approx(20.0)
    assert (found.step.rtt_ms, found.step.jitter_ms, found.step.congestion_window) == (40.0, 2.0, 10)
    assert found.step.packet_loss == 0.0
    assert not found.step.app_limited


def test_of_two_directions_the_greater_counts() -> None:
    found = second([connection()], [connection(acked=MEGABYTE, received=3 * MEGABYTE)])
    assert (found.sent_mbps, found.received_mbps) == (8.0, 24.0)
    assert found.step.throughput_mbps == 24.0
    assert not found.step.app_limited


def test_with_too_little_to_send_it_says_nothing_of_the_link() -> None:
    assert second([connection()], [connection(acked=MEGABYTE, busy_s=0.5)]).step.app_limited
    assert second([connection()], [connection()]).step.app_limited


def test_connections_add_up_and_the_one_that_carries_more_weighs_more() -> None:
    before = [connection(1), connection(2)]
    after = [connection(1, acked=3 * MEGABYTE, rtt_ms=10.0, resent=30_000, busy_s=1.0)]
    after.append(connection(2, acked=MEGABYTE, rtt_ms=50.0))
    step = second(before, after).step
    assert step.throughput_mbps == pytest.approx(32.0)
    assert step.rtt_ms == pytest.approx(20.0, abs=0.01)
    assert (step.retransmits, step.congestion_window) == (30, 20)
    assert step.packet_loss == pytest.approx(0.03 / 4.03)


def test_a_new_connection_counts_from_its_beginning_and_a_number_that_comes_again_too() -> None:
    found = second([connection(1, acked=9 * MEGABYTE)], [connection(2, acked=MEGABYTE)])
    assert found.step.throughput_mbps == 8.0
    again = second(
        [connection(1, acked=9 * MEGABYTE, received=9)], [connection(1, acked=MEGABYTE, received=5)]
    )
    assert again.step.throughput_mbps == 8.0


def test_without_connections_it_is_the_interface() -> None:
    meter = LinkMeter()
    meter.measure([], InterfaceBytes("eth0", 100, 100), 0.0)
    found = meter.measure([], InterfaceBytes("eth0", 100 + MEGABYTE, 200), 1.0)
    assert found == Measured(Step(8.0), "eth0", 0, pytest.approx(0.0008), 8.0)
    other = meter.measure([], InterfaceBytes("wlan0", 5, 5), 2.0)
    assert other == Measured(Step(None), "wlan0", 0, 0.0, 0.0)
    begun_anew = meter.measure([], InterfaceBytes("wlan0", 1, 1), 3.0)
    assert begun_anew == Measured(Step(0.0), "wlan0", 0, 0.0, 0.0)


def test_where_no_time_has_passed_nothing_was_measured() -> None:
    meter = LinkMeter()
    assert meter.measure([], IDLE, 1.0) is None
    assert meter.measure([], IDLE, 1.0) is None
    assert meter.measure([], IDLE, 0.5) is None


def test_an_old_kernel_tells_less() -> None:
    found = second([connection(size=104)], [connection(size=104)])
    assert found.step.throughput_mbps == 0.0
    assert found.step.rtt_ms == 40.0
    assert found.step.packet_loss is None
