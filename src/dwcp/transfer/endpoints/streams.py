"""The sender's streams: really opened, really closed, each carrying whatever bundle is ready next."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from dwcp.errors import ConnectionLostError, DwcpError
from dwcp.tasks.compression.contract import Link
from dwcp.telemetry import TcpInfo
from dwcp.transfer.endpoints.channel import Channel
from dwcp.transfer.endpoints.flow import Credit, ReadyQueue
from dwcp.transfer.endpoints.session import Crew, Ending
from dwcp.transfer.protocol import Bye

if TYPE_CHECKING:
    from dwcp.transfer.sending import Bundle

__all__ = ["Streams"]

_REFUSED_S = 5.0
"""After a stream could not be opened, the next one is tried so much later."""
_LOOK_UP_S = 0.2
"""How often an idle stream looks whether it is to leave."""


class _Loss(Protocol):
    def lost(self, bundle_numbers: list[int]) -> None:
        """The bundles did not arrive; queue them again."""


class _Stream(Struct):
    number: int
    channel: Channel
    leaving: bool = False
    dead: bool = False


class Streams:
    """Every stream of one session.

    Args:
        open_stream: connects one more, given its number.
        ready: where bundles come from.
        credit: what the receiver allows to be on the way.
        outgoing: is told of bundles that were lost with a stream.
        crew: runs the threads.
        ending: of the session.
    """

    def __init__(
        self,
        open_stream: Callable[[int], Channel],
        ready: ReadyQueue,
        credit: Credit,
        outgoing: _Loss,
        crew: Crew,
        ending: Ending,
    ) -> None:
        self._open_stream = open_stream
        self._ready, self._credit, self._outgoing = ready, credit, outgoing
        self._crew, self._ending = crew, ending
        self._lock = threading.Lock()
        self._streams: dict[int, _Stream] = {}
        self._away: dict[int, tuple[int, int]] = {}
        self._opened = 0
        self._opening = 0
        self._refused = 0
        self._not_before_s = 0.0
        self.acknowledged_bytes = 0
        self._gone_bytes = 0

    def begin(self, control: Channel) -> None:
        """Let stream 0 carry data."""
        self._add(_Stream(0, control))

    def resize(self, wanted: int) -> None:
        """Open or close streams until there are as many as wanted; opening goes on beside the rest."""
        with self._lock:
            running = [stream for stream in self._streams.values() if not stream.leaving]
            missing = wanted - len(running) - self._opening
            if time.monotonic() < self._not_before_s:
                missing = min(missing, 0)
            self._opening += max(missing, 0)
        for _ in range(missing):
            self._crew.start("open", self._open_one)
        for stream in sorted(running, key=lambda one: -one.number)[: max(-missing, 0)]:
            stream.leaving = stream.number > 0

    def acknowledged(self, bundles: tuple[int, ...]) -> list[int]:
        """The receiver has taken these in; returns those that were still on the way."""
        with self._lock:
            known = [(number, self._away.pop(number)) for number in bundles if number in self._away]
        freed = sum(stored_bytes for _, (_, stored_bytes) in known)
        self.acknowledged_bytes += freed
        self._credit.give(freed)
        self._ready.settle(freed, arrived=True)
        return [number for number, _ in known]

    def infos(self) -> dict[int, TcpInfo]:
        """What the kernel knows of each open stream, by its number."""
        with self._lock:
            running = list(self._streams.values())
        infos = ((stream.number, stream.channel.info()) for stream in running)
        return {number: info for number, info in infos if info is not None}

    def fit(self, link: Link) -> None:
        """Let the kernel hold, for each stream, its share of what the link does."""
        with self._lock:
            running = list(self._streams.values())
        for stream in running:
            stream.channel.fit(link, len(running))

    @property
    def count(self) -> int:
        """Streams that carry data now."""
        return len(self._streams)

    @property
    def sent_bytes(self) -> int:
        """Sent on all streams since the beginning: bundles, catalogue and frames."""
        with self._lock:
            return self._gone_bytes + sum(stream.channel.bytes_sent for stream in self._streams.values())

    @property
    def on_the_way(self) -> int:
        """Bundles sent and not acknowledged."""
        return len(self._away)

    @property
    def opened(self) -> int:
        """Streams opened since the beginning."""
        return self._opened

    @property
    def refused(self) -> int:
        """Streams that could not be opened."""
        return self._refused

    def end(self) -> None:
        """Wake every thread that waits on a stream."""
        with self._lock:
            running = list(self._streams.values())
        for stream in running:
            stream.channel.end()

    def _open_one(self) -> None:
        with self._lock:
            number = self._opened
            self._opened += 1
        try:
            channel = self._open_stream(number)
        except DwcpError:
            self._refused += 1
            self._not_before_s = time.monotonic() + _REFUSED_S
            return
        finally:
            with self._lock:
                self._opening -= 1
        if self._ending.is_over:
            channel.close()
            return
        stream = _Stream(number, channel)
        self._add(stream)
        self._crew.start(f"watch-{number}", lambda: self._watch(stream))

    def _add(self, stream: _Stream) -> None:
        with self._lock:
            self._opened = max(self._opened, stream.number + 1)
            self._streams[stream.number] = stream
        self._crew.start(f"stream-{stream.number}", lambda: self._carry(stream))

    def _carry(self, stream: _Stream) -> None:
        try:
            while not (self._ending.is_over or stream.leaving or stream.dead):
                bundle = self._ready.get(_LOOK_UP_S)
                if bundle is not None:
                    self._send(stream, bundle)
            if stream.dead:
                # What it took while it was being buried.
                self._bury(stream)
            elif stream.leaving:
                stream.channel.send(Bye())
        except ConnectionLostError:
            if stream.number == 0:
                with self._ending.heeding():
                    raise
            self._bury(stream)
        finally:
            if stream.number:
                with self._lock:
                    self._streams.pop(stream.number, None)
                    self._gone_bytes += stream.channel.bytes_sent

    def _send(self, stream: _Stream, bundle: "Bundle") -> None:
        if not self._credit.take(bundle.stored_bytes):
            return
        with self._lock:
            self._away[bundle.data.number] = (stream.number, bundle.stored_bytes)
        stream.channel.send_bundle(bundle.data, bundle.body, bundle.stored_bytes)

    def _watch(self, stream: _Stream) -> None:
        """The receiver says hello on a data stream, and nothing more: the next word is its end.

        After a BYE that end is the good one: what was on the way is being acknowledged on stream 0.
        """
        with contextlib.suppress(DwcpError):
            while stream.channel.receive() is not None:
                pass
        if not stream.leaving:
            self._bury(stream)
        stream.channel.close()

    def _bury(self, stream: _Stream) -> None:
        """What was on the way in a stream that ended is sent again by another."""
        stream.dead = True
        with self._lock:
            lost = [number for number, (carrier, _) in self._away.items() if carrier == stream.number]
            freed = sum(self._away.pop(number)[1] for number in lost)
        if lost and not self._ending.is_over:
            self._credit.give(freed)
            self._ready.settle(freed, arrived=False)
            self._outgoing.lost(lost)
        stream.channel.end()
