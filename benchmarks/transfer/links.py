"""The links that are measured on, and whether each is what it should be."""

import json
import subprocess
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.transfer.processes import Side, await_listening
from benchmarks.transfer.relay import relayed_link

from dwcp.errors import InputError
from dwcp.simulate.shaped_link import LinkShape, ShapedLink, shaped_link

RATES_MBPS: tuple[float | None, ...] = (10, 50, 100, 500, 1000, 5000, None)
RTTS_MS = (0.0, 20.0, 80.0)
LOSSES = (0.0, 0.01)
CONTROLS = ("bbr", "cubic")
"""Congestion controls; where packets are lost, the links are measured with each."""

_PORT = 5201
_CHECK_S = 3
_STREAM_BYTES = 1_000_000
"""A single connection cannot be expected to fill a link that holds more than this many bytes."""
_LEAST_SHARE, _MOST_RTT_SHARE, _MOST_RTT_MS = 0.85, 1.15, 3.0
_PROBE_MBPS = 50.0
_HEADERS = {"veth": (1448, 1514), "relay": (1448, 1500)}
"""Payload and length of a full segment, as the limit on the rate counts it."""


@dataclass(frozen=True)
class Point:
    """A link with the congestion control used over it."""

    shape: LinkShape
    control: str = CONTROLS[0]

    @property
    def key(self) -> str:
        """Short: rate, RTT, loss in percent, congestion control."""
        rate = "max" if self.shape.rate_mbps is None else f"{self.shape.rate_mbps:g}"
        return f"{rate}/{self.shape.rtt_ms:g}/{100 * self.shape.loss:g}/{self.control}"

    def __str__(self) -> str:
        return f"{self.shape}, {self.control}"

    @property
    def kind(self) -> str:
        """What shapes it: the kernel alone, or the relay."""
        return "relay" if self.shape.is_delayed else "veth"

    @property
    def ideal_mbps(self) -> float | None:
        """Most megabits of payload a second that the shape lets through; None where it is unshaped."""
        if self.shape.rate_mbps is None:
            return None
        payload, segment = _HEADERS[self.kind]
        return self.shape.rate_mbps * payload / segment * (1 - self.shape.loss)

    def open(self) -> AbstractContextManager[ShapedLink]:
        """The link, made for real."""
        make = relayed_link if self.shape.is_delayed else shaped_link
        return make(self.shape, congestion_control=self.control)


@dataclass(frozen=True)
class LinkCheck:
    """What a link really does, by iperf3.

    Attributes:
        goodput_mbps: payload that arrived, over one connection or eight.
        connections: how many.
        rtt_ms: the least that TCP_INFO told.
        loss: share of UDP packets lost, at a fraction of the rate.
        control: congestion control that TCP used.
        trusted: the rate (where nothing is lost) and the RTT are what they should be.
    """

    goodput_mbps: float
    connections: int
    rtt_ms: float
    loss: float
    control: str
    trusted: bool


def check(point: Point, link: ShapedLink, log: Path) -> LinkCheck:
    """Measure the link.

    Raises:
        InputError: iperf3 is not installed or fails.
    """
    rate = point.shape.rate_mbps
    held_bytes = (rate or 0.0) * 1e6 / 8 * point.shape.rtt_ms / 1e3
    connections = 8 if held_bytes > _STREAM_BYTES else 1
    tcp = _iperf(link, log, "-t", str(_CHECK_S), "-O", "1", "-P", str(connections))
    udp_mbps = min(_PROBE_MBPS, (rate or _PROBE_MBPS) / 2)
    udp = _iperf(link, log, "-u", "-l", "1400", "-t", "2", "-b", f"{udp_mbps:g}M")
    end = tcp["end"]
    found = LinkCheck(
        goodput_mbps=round(end["sum_received"]["bits_per_second"] / 1e6, 2),
        connections=connections,
        rtt_ms=round(min(stream["sender"]["min_rtt"] for stream in end["streams"]) / 1e3, 2),
        loss=round(udp["end"]["sum"]["lost_percent"] / 100, 4),
        control=end.get("sender_tcp_congestion", ""),
        trusted=False,
    )
    return replace(found, trusted=as_it_should_be(point, found))


def measured_ceiling_mbps(loss: float, log: Path) -> float:
    """Payload that the relay carries without a limit, over four connections; with loss in single packets."""
    # So small a loss never shows, but large packets are no longer carried whole.
    point = Point(LinkShape(None, 20.0, loss=1e-6 if loss else 0.0))
    with point.open() as link:
        end = _iperf(link, log, "-t", "3", "-O", "1", "-P", "4")["end"]
    return round(float(end["sum_received"]["bits_per_second"]) / 1e6, 1)


def as_it_should_be(point: Point, found: LinkCheck) -> bool:
    shape, ideal = point.shape, point.ideal_mbps
    rate_fits = ideal is None or shape.loss > 0 or found.goodput_mbps >= _LEAST_SHARE * ideal
    most_rtt_ms = shape.rtt_ms * _MOST_RTT_SHARE + _MOST_RTT_MS + _queueing_ms(shape)
    rtt_fits = shape.rtt_ms * 0.95 <= found.rtt_ms <= most_rtt_ms
    loss_fits = abs(found.loss - shape.loss) <= max(0.004, shape.loss / 2)
    return rate_fits and rtt_fits and loss_fits and found.control == point.control


def _queueing_ms(shape: LinkShape) -> float:
    """How long a full queue takes: iperf3 never tells of less than what its own packets waited."""
    return 0.0 if shape.rate_mbps is None else shape.queue_bytes * 8 / (shape.rate_mbps * 1e3)


def _iperf(link: ShapedLink, log: Path, *options: str) -> dict[str, Any]:
    server = Side(link.far, f"exec iperf3 -s -1 -p {_PORT}", log, {})
    try:
        await_listening(server, _PORT)
        words = link.near.command("iperf3", "-J", "-c", link.far.address, "-p", str(_PORT), *options)
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    finally:
        server.stop()
    found: dict[str, Any] = json.loads(done.stdout or "{}")
    if "error" in found or "end" not in found:
        raise InputError(
            f"the link cannot be checked, iperf3 says: {found.get('error', done.stderr.strip())}"
        )
    return found
