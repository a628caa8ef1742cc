"""What a host's connections carry, from one reading to the next. Time is an argument."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from struct import calcsize, unpack_from

from msgspec import Struct

from dwcp.cli.watch.netlink import Connection
from dwcp.tasks.bandwidth.contract import Step
from dwcp.telemetry.tcp import TcpInfo, parse_tcp_info

__all__ = ["InterfaceBytes", "LinkMeter", "Measured"]

_BUSY_SHARE = 0.9
"""With data to send for less of the time, what was sent is no measure of the link."""
_RECEIVED_BYTES = 128
"""Offset of ``tcpi_bytes_received``."""


class InterfaceBytes(Struct, frozen=True):
    """Counters of a network interface.

    Attributes:
        name: its name.
        received: bytes since whenever.
        sent: likewise.
    """

    name: str
    received: int
    sent: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured in an interval.

    Attributes:
        step: of the direction that carried more.
        source: ``tcp``, or the name of the interface.
        connections: how many there are; 0 where the interface was measured.
        sent_mbps: what was acknowledged, or left by the interface.
        received_mbps: what came.
    """

    step: Step
    source: str
    connections: int
    sent_mbps: float
    received_mbps: float


@dataclass(frozen=True, slots=True)
class _Read:
    """A connection's counters."""

    info: TcpInfo
    received: int

    def since(self, before: "_Read | None") -> "_Read":
        fresh = before is None or self.received < before.received
        return _Read(
            self.info.since(before.info if before else None),
            self.received if before is None or fresh else self.received - before.received,
        )


class LinkMeter:
    """Turns counters into steps: of the connections, or of the interface while there are none."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._connections: dict[int, _Read] = {}
        self._interface = InterfaceBytes("", 0, 0)

    def measure(
        self, connections: Sequence[Connection], interface: InterfaceBytes, now: float
    ) -> Measured | None:
        """What happened since the reading before.

        Args:
            connections: those that there are now; one that was not there before began since.
            interface: counters of the interface now.
            now: seconds, on a clock that only goes forward.

        Returns:
            None for the first reading, or where no time has passed.
        """
        began_s, before, behind = self._last_s, self._connections, self._interface
        read = {one.cookie: _Read(parse_tcp_info(one.info), _received(one.info)) for one in connections}
        self._last_s, self._connections, self._interface = now, read, interface
        if began_s is None or now <= began_s:
            return None
        if read:
            return _of_connections(read, before, now - began_s)
        return _of_interface(interface, behind, now - began_s)


def _of_connections(after: Mapping[int, _Read], before: Mapping[int, _Read], interval_s: float) -> Measured:
    since = [one.since(before.get(cookie)) for cookie, one in after.items()]
    sent, received = (
        sum(counts) * 8e-6 / interval_s
        for counts in ((one.info.bytes_acked or 0 for one in since), (one.received for one in since))
    )
    weights = [1 + (one.info.bytes_acked or 0) + one.received for one in since]
    payload = sum(one.info.bytes_sent or 0 for one in since)
    resent = sum(one.info.bytes_resent or 0 for one in since)
    busy = max((one.info.busy_us or 0) * 1e-6 / interval_s for one in since)
    step = Step(
        max(sent, received),
        rtt_ms=_mean([one.info.rtt_us / 1e3 for one in since], weights),
        jitter_ms=_mean([one.info.rttvar_us / 1e3 for one in since], weights),
        packet_loss=min(1.0, resent / payload) if payload else None,
        retransmits=sum(one.info.retransmits for one in since),
        congestion_window=sum(one.info.cwnd_segments for one in since),
        app_limited=busy < _BUSY_SHARE if sent >= received else False,
    )
    return Measured(step, "tcp", len(since), sent, received)


def _of_interface(after: InterfaceBytes, before: InterfaceBytes, interval_s: float) -> Measured:
    same = after.name == before.name
    sent, received = (
        max(0, now - then) * 8e-6 / interval_s if same else None
        for now, then in ((after.sent, before.sent), (after.received, before.received))
    )
    most = None if sent is None or received is None else max(sent, received)
    return Measured(Step(most), after.name, 0, sent or 0.0, received or 0.0)


def _received(info: bytes) -> int:
    """Payload that came over a connection; 0 where the kernel does not tell."""
    if len(info) < _RECEIVED_BYTES + calcsize("=Q"):
        return 0
    return int(unpack_from("=Q", info, _RECEIVED_BYTES)[0])


def _mean(values: Sequence[float], weights: Sequence[int]) -> float:
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
