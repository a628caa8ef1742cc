"""One transfer at the receiver: its streams feed `Incoming`, which knows files."""

import os
import threading
import time

from dwcp.errors import ConnectionLostError, DwcpError, ProtocolError, TransferError
from dwcp.transfer.endpoints.channel import BufferPool, Bundled, Channel
from dwcp.transfer.endpoints.limits import ReceiverLimits
from dwcp.transfer.endpoints.outbox import Outbox
from dwcp.transfer.endpoints.session import Crew, Ending
from dwcp.transfer.protocol import (
    Accept,
    Ack,
    Bye,
    Catalogue,
    Done,
    Failure,
    List,
    Message,
    Offer,
    Ping,
    Pong,
    Root,
    error_of,
    failure_of,
)
from dwcp.transfer.receiving import Destination, Incoming

__all__ = ["ReceivingSession"]

_PING_S = 5.0
_LOOK_UP_S = 0.25
_CATALOGUE_WAIT_S = 60.0
"""How long a bundle may wait for the catalogue that names its chunks."""


class ReceivingSession:
    """One transfer.

    Args:
        control: stream 0, its handshake done.
        offer: what came first on it.
        destination: where it goes.
        limits: what bounds it.
    """

    def __init__(
        self, control: Channel, offer: Offer, destination: Destination, limits: ReceiverLimits
    ) -> None:
        self.offer, self.ticket = offer, os.urandom(32)
        self.ending = Ending()
        self.finished = threading.Event()
        self.done: Done | None = None
        self._is_committing = False
        self._control, self._limits = control, limits
        self._pool, self._own_buffer = BufferPool(limits.buffers), BufferPool(1)
        self._channels = [control]
        self._closed_bytes = 0
        self._lock = threading.Lock()
        self._heard_s = self._started_s = time.monotonic()
        self._waits_since_s: float | None = None
        self._outbox = Outbox(control)
        self._destination = destination
        self._incoming = destination.begin(offer, self._outbox.put)

    def run(self) -> Done:
        """Serve stream 0 until everything is in place.

        Raises:
            DwcpError: what ended the session; what was verified stays for the next.
        """
        self.ending.at_end(self._end_channels)
        self.ending.at_end(self._outbox.close)
        try:
            with Crew(self.ending) as crew:
                self._control.send(self._accept())
                crew.start("speak", self._outbox.deliver)
                crew.start("pulse", self._pulse)
                self._serve(crew)
        finally:
            self._incoming.stop(self.ending.error)
            self.finished.set()
        if self.done is None:
            self.ending.raise_error()
            raise ConnectionLostError("the sender closed the connection before all was sent")
        return self.done

    def carry(self, channel: Channel) -> None:
        """Serve a further stream, in the calling thread, until it or the session ends."""
        with self._lock:
            self._channels.append(channel)
            too_many = len(self._channels) > self._limits.max_streams
        try:
            if too_many:
                raise ProtocolError(f"the sender opens more than {self._limits.max_streams} streams")
            if not self.ending.is_over:
                self._carry(channel)
        except DwcpError as error:
            if not isinstance(error, ConnectionLostError):
                self.ending.end(error)
        finally:
            with self._lock:
                self._channels.remove(channel)
                self._closed_bytes += channel.bytes_received

    @property
    def wire_bytes(self) -> int:
        """Received on all streams since the beginning."""
        with self._lock:
            return self._closed_bytes + sum(channel.bytes_received for channel in self._channels)

    @property
    def seconds(self) -> float:
        """Since the offer."""
        return time.monotonic() - self._started_s

    @property
    def incoming(self) -> Incoming:
        """The files, for progress."""
        return self._incoming

    def _accept(self) -> Accept:
        incoming, limits = self._incoming, self._limits
        return Accept(
            self.ticket, incoming.has_nothing, incoming.has_listing, limits.credit_bytes, limits.max_streams
        )

    def _serve(self, crew: Crew) -> None:
        try:
            while not self.ending.is_over:
                self._waits_since_s = time.monotonic()
                with self._control.next_frame(self._own_buffer) as message:
                    self._waits_since_s = None
                    if message is None:
                        break
                    self._heard_s = time.monotonic()
                    if isinstance(message, Bundled):
                        self._take_bundle(message)
                    else:
                        self._take(crew, message)
        except DwcpError as error:
            if self.done is None:
                self.ending.end(error)

    def _carry(self, channel: Channel) -> None:
        while not self.ending.is_over:
            with channel.next_frame(self._pool) as message:
                if message is None or isinstance(message, Bye):
                    return
                self._heard_s = time.monotonic()
                if isinstance(message, Bundled):
                    self._take_bundle(message)

    def _take(self, crew: Crew, message: Message) -> None:
        match message:
            case Catalogue():
                self._incoming.take_records(message.records)
            case List():
                self._outbox.put(self._incoming.listing(message.count))
            case Root():
                self._incoming.root(message)
                crew.start("finish", self._finish)
            case Ping():
                self._outbox.put(Pong(message.token))
            case Failure():
                raise error_of(message)
            case _:
                pass

    def _take_bundle(self, bundle: Bundled) -> None:
        data = bundle.data
        upto = data.spans[-1][0] + data.spans[-1][1]
        try:
            self._incoming.wait_known(upto, _CATALOGUE_WAIT_S)
            self._incoming.take_bundle(data, bundle.body)
        except TransferError:
            # Chunks of a file that was taken back may still come when all else is in place.
            if not self._is_committing:
                raise
        self._outbox.put(Ack((data.number,)))

    def _finish(self) -> None:
        while not self._incoming.wait_complete(_LOOK_UP_S):
            if self.ending.is_over:
                return
        self._is_committing = True
        self.done = self._incoming.commit()
        self._outbox.put(self.done)
        self._destination.settle()

    def _pulse(self) -> None:
        pinged_s = time.monotonic()
        while not self.ending.wait(_LOOK_UP_S):
            now = time.monotonic()
            if self._is_silent(now):
                self.ending.end(
                    ConnectionLostError(f"the sender was silent for {self._limits.timeout_s:g} s")
                )
            elif now - pinged_s > _PING_S:
                self._outbox.put(Ping(int(now)))
                pinged_s = now

    def _is_silent(self, now: float) -> bool:
        """Whether nothing comes: not while this side is busy with what came, and reads nothing."""
        since_s = self._waits_since_s
        return since_s is not None and now - max(since_s, self._heard_s) > self._limits.timeout_s

    def _end_channels(self) -> None:
        if self.ending.error is not None:
            self._control.send_last(failure_of(self.ending.error))
        with self._lock:
            channels = list(self._channels)
        for channel in channels:
            channel.end()
