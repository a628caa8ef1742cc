"""The pilot: what the kernel tells of the streams becomes an estimate of the link and a number of streams.

It also keeps the path's memory and writes the telemetry of streams and host, once a second.
"""

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from dwcp.errors import DwcpError, InputError
from dwcp.tasks.bandwidth.contract import Quantiles
from dwcp.tasks.compression.contract import Link
from dwcp.telemetry import HostReading, StreamSampler, host_fields, read_host
from dwcp.transfer.amst import (
    STEP_S,
    Known,
    Limit,
    LinkEstimator,
    Outlook,
    PathMemory,
    PathRecord,
    Sample,
    StreamController,
    StreamMeter,
    expected_mbps,
    starting_streams,
    step_of,
    streams_worth,
)

if TYPE_CHECKING:
    from dwcp.telemetry import TcpInfo
    from dwcp.telemetry.schema import Value
    from dwcp.transfer.endpoints.flow import Credit, ReadyQueue
    from dwcp.transfer.endpoints.streams import Streams
    from dwcp.transfer.options import Environment

__all__ = ["Pilot"]

_NEAR_MS, _NEAR_MBPS = 2.0, 400.0
"""Hosts so near each other are mostly in one building, on Gigabit Ethernet or better, which two cores fill
with some compression. Should the guess be wrong, little is encoded before the link shows its limit."""
_FIRST_BYTES = 128 * 1024
"""What each stream may have under way before anything has arrived."""
_READY_S = 0.5
_LEAST_READY_BYTES, _MOST_READY_BYTES = 512 * 1024, 12 * 1024 * 1024
"""Bundles that wait for a stream are encoded for the link as it was believed to be: not much, while that is
a guess, and later what half a second takes."""


class Pilot:
    """One session's; also the `LinkView` of its files and codecs.

    Args:
        cpu_workers: threads that encode.
        path: the destination, ``host:port``.
        environment: state, advisor, recorder.
    """

    def __init__(self, cpu_workers: int, path: str, environment: "Environment") -> None:
        self.cpu_workers = cpu_workers
        self._path, self._environment = path, environment
        self._memory = None if environment.state is None else PathMemory(environment.state)
        self._remembered = self._recall()
        self._estimator = LinkEstimator()
        self._ready: ReadyQueue | None = None
        self._controller: StreamController | None = None
        self._meter: StreamMeter | None = None
        self._outlook = Outlook(environment.advisor, path)
        self._second: list[Sample] = []
        self._second_began_s = 0.0
        self._sampler = StreamSampler(environment.node_id, path)
        self._host: HostReading | None = None
        self._open: set[int] = set()

    def begin(
        self,
        ready: "ReadyQueue",
        control: "TcpInfo | None",
        max_streams: int,
        now: float,
        *,
        loss_based: bool,
    ) -> int:
        """The session begins.

        Args:
            ready: where bundles wait for streams.
            control: what the kernel knows of the first stream, its handshake done.
            max_streams: as agreed with the receiver.
            now: seconds that only go forward.
            loss_based: whether the streams' congestion control takes losses for a full link.

        Returns:
            How many streams to begin with.
        """
        rtt_ms = None if control is None or not control.rtt_us else control.rtt_us / 1e3
        expected = self._outlook.ask(time.time())
        self._estimator = LinkEstimator(self._prior(rtt_ms, expected))
        start = starting_streams(rtt_ms, self._remembered, max_streams, loss_based=loss_based)
        self._controller = StreamController(start, max_streams, loss_based=loss_based)
        self._meter = StreamMeter(now)
        self._second_began_s = now
        self._ready = ready
        ready.begin(start * _FIRST_BYTES)
        ready.resize(_LEAST_READY_BYTES)
        return start

    def _prior(self, rtt_ms: float | None, expected: Quantiles | None) -> Link | None:
        if self._remembered is not None:
            return self._remembered.link
        if expected is not None:
            return Link(expected.low, rtt_ms or 0.0)
        return Link(_NEAR_MBPS, rtt_ms) if rtt_ms is not None and rtt_ms < _NEAR_MS else None

    def link(self) -> Link:
        """The link as it is expected to be."""
        estimate = self._estimator.estimate()
        mbps = expected_mbps(estimate, self._outlook.told)
        return replace(estimate.link, bandwidth_mbps=mbps)

    def streams(self) -> int:
        """How many streams there are to be."""
        return 1 if self._controller is None else self._controller.wanted

    def ready_bytes(self) -> int:
        """Stored bytes of the bundles that wait for a stream."""
        return 0 if self._ready is None else self._ready.held_bytes

    def starved(self) -> bool:
        """Whether a stream is idle now because no encoded bundle is ready."""
        return self._ready is not None and self._ready.starved

    def step(self, now: float, streams: "Streams", credit: "Credit", *, is_ending: bool) -> int:
        """Look at the streams, and say how many there should be.

        Args:
            now: seconds that only go forward.
            streams: all of them.
            credit: the receiver's.
            is_ending: whether so little is left that more streams would have nothing to do.
        """
        assert self._controller is not None
        assert self._meter is not None
        infos = streams.infos()
        sample = self._meter.measure(now, infos, self._limit(credit, is_ending))
        if sample is not None:
            self._estimator.observe(sample)
            self._make_room()
            self._controller.step(now, sample)
            self._second.append(sample)
        if now - self._second_began_s >= STEP_S:
            self._end_second(now, infos)
            if self._estimator.estimate().known is Known.MEASURED:
                streams.fit(self.link())
        return self._controller.wanted

    def close(self) -> None:
        """Remember the path, as far as it was measured."""
        estimate = self._estimator.estimate()
        if self._memory is None or self._controller is None or estimate.known is not Known.MEASURED:
            return
        link, now = estimate.link, time.time()
        record = PathRecord(link.bandwidth_mbps, link.rtt_ms, link.packet_loss, self._controller.wanted, now)
        with contextlib.suppress(DwcpError):
            self._memory.remember(self._path, record, now)

    def _recall(self) -> PathRecord | None:
        if self._memory is None:
            return None
        with contextlib.suppress(DwcpError):
            return self._memory.recall(self._path, time.time())
        return None

    def _limit(self, credit: "Credit", is_ending: bool) -> Limit:
        if credit.exhausted:
            return Limit.CREDIT
        if self.starved():
            return Limit.TAIL if is_ending else Limit.ENCODER
        return Limit.NETWORK

    def _make_room(self) -> None:
        estimate = self._estimator.estimate()
        if self._ready is not None and estimate.known in (Known.AT_LEAST, Known.MEASURED):
            wanted = self.link().bandwidth_mbps * 1.25e5 * _READY_S
            self._ready.resize(int(min(max(wanted, _LEAST_READY_BYTES), _MOST_READY_BYTES)))

    def _end_second(self, now: float, infos: "dict[int, TcpInfo]") -> None:
        samples, self._second = self._second, []
        length_s, self._second_began_s = now - self._second_began_s, now
        self._look_ahead(samples, length_s)
        recorder = self._environment.recorder
        if recorder is None or not self._environment.node_id:
            return
        epoch_ns = time.time_ns()
        for fields in self._sampler.sample(now, infos):
            recorder.record("stream", epoch_ns, fields)
        self._tell_changes(epoch_ns, set(infos))
        with contextlib.suppress(InputError):
            before, self._host = self._host, read_host()
            if before is not None:
                fields = host_fields(before, self._host, length_s)
                recorder.record("host", epoch_ns, {"node_id": self._environment.node_id, **fields})

    def _look_ahead(self, samples: list[Sample], length_s: float) -> None:
        """Make the forecast anew, and keep to the streams that are worth it."""
        assert self._controller is not None
        expected = self._outlook.take(step_of(samples, length_s), time.time())
        estimate = self._estimator.estimate()
        is_measured = estimate.known is Known.MEASURED
        self._controller.limit(streams_worth(expected, estimate.link) if is_measured else None)

    def _tell_changes(self, epoch_ns: int, now_open: set[int]) -> None:
        recorder, controller = self._environment.recorder, self._controller
        assert recorder is not None
        assert controller is not None
        for event, numbers in (("opened", now_open - self._open), ("closed", self._open - now_open)):
            for _ in numbers:
                fields: dict[str, Value] = {
                    "node_id": self._environment.node_id,
                    "peer_id": self._path,
                    "amst_streams": len(now_open),
                    "stream_event": event,
                    "stream_reason": controller.reason.value,
                }
                recorder.record("stream_change", epoch_ns, fields)
        self._open = now_open
