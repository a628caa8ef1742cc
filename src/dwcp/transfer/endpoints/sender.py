"""One session of the sender: a few threads round `Outgoing`, which knows files and codecs, and sockets.

A reader walks, reads and hashes; encoders turn missing chunks into bundles; each stream carries whatever is
ready; one thread listens on stream 0; the calling thread keeps time: streams, estimates, progress, telemetry.
"""

import queue
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from dwcp.errors import ConnectionLostError, ProtocolError
from dwcp.transfer.endpoints.call import Call, connected
from dwcp.transfer.endpoints.channel import Channel
from dwcp.transfer.endpoints.flow import Credit, ReadyQueue
from dwcp.transfer.endpoints.handshake import join
from dwcp.transfer.endpoints.limits import PATIENCE
from dwcp.transfer.endpoints.pilot import Pilot
from dwcp.transfer.endpoints.session import Crew, Ending
from dwcp.transfer.endpoints.streams import Streams
from dwcp.transfer.protocol import (
    Accept,
    Ack,
    Done,
    Failure,
    List,
    Listing,
    Message,
    Ping,
    Pong,
    Want,
    error_of,
    failure_of,
)

if TYPE_CHECKING:
    from dwcp.transfer.sending import Outgoing

__all__ = ["SenderSession"]

_TICK_S = 0.1
_PING_S = 5.0
_LISTING_ENTRIES = 2000
_LISTINGS_AHEAD = 2


class SenderSession:
    """One session: from connecting to the receiver's DONE, or the first error.

    Args:
        call: to the receiver.
        outgoing: the source.
        pilot: chooses the number of streams and estimates the link.
        tick: called each tenth of a second, for progress.
    """

    def __init__(
        self,
        call: Call,
        outgoing: "Outgoing",
        pilot: Pilot,
        tick: Callable[["SenderSession"], None],
    ) -> None:
        self._call, self._outgoing, self._pilot, self._tick = call, outgoing, pilot, tick
        self._limits = call.limits
        self._ready = ReadyQueue()
        self._ending = Ending()
        self._listings: queue.SimpleQueue[Listing | None] = queue.SimpleQueue()
        self._listings_asked = 0
        self._binding = b""
        self._codecs: tuple[str, ...] = ()
        self._heard_s = time.monotonic()
        self._done: Done | None = None
        self.streams: Streams | None = None

    def run(self) -> Done:
        """Do it all.

        Raises:
            DwcpError: whatever ended the session; what was verified stays at the receiver.
        """
        greeting = self._call.answer()
        greeting.channel.be_patient(PATIENCE * self._limits.timeout_s)
        control, self._binding, self._codecs = greeting.channel, greeting.binding, greeting.hello.codecs
        try:
            accept = self._offer(control)
            with Crew(self._ending) as crew:
                self._work(crew, control, accept)
        finally:
            control.end()
            control.close()
        self._ending.raise_error()
        if self._done is None:
            raise ConnectionLostError("the receiver closed the connection before all was in place")
        return self._done

    @property
    def bytes_sent(self) -> int:
        """Sent on all streams."""
        return 0 if self.streams is None else self.streams.sent_bytes

    @property
    def streams_open(self) -> int:
        """Streams that carry data now."""
        return 0 if self.streams is None else self.streams.count

    @property
    def streams_opened(self) -> int:
        """Streams opened since the beginning."""
        return 0 if self.streams is None else self.streams.opened

    def stop(self) -> None:
        """End the session from another thread; it can be gone on with later."""
        self._ending.end(ConnectionLostError("the transfer was stopped; the same command goes on with it"))

    def _offer(self, control: Channel) -> Accept:
        control.send(self._outgoing.offer())
        answer = control.receive()
        if isinstance(answer, Failure):
            raise error_of(answer)
        if answer is None:
            raise ConnectionLostError("the receiver closed the connection instead of answering the offer")
        if not isinstance(answer, Accept):
            raise ProtocolError("the receiver did not answer the offer")
        return answer

    def _work(self, crew: Crew, control: Channel, accept: Accept) -> None:
        credit = Credit(accept.credit_bytes)
        streams = Streams(
            lambda number: self._join(accept.ticket, number),
            self._ready,
            credit,
            self._outgoing,
            crew,
            self._ending,
        )
        self.streams = streams
        self._ending.at_end(lambda: self._tell(control))
        for act in (credit.close, self._ready.close, self._outgoing.stop, control.end, streams.end):
            self._ending.at_end(act)
        self._ending.at_end(lambda: self._listings.put(None))
        self._outgoing.accepted(accept, self._codecs)
        most = self._limits.streams or accept.max_streams
        wanted = self._pilot.begin(
            self._ready, control.info(), most, time.monotonic(), loss_based=control.loss_based
        )
        self._heard_s = time.monotonic()
        crew.start("listen", lambda: self._listen(control))
        crew.start("read", lambda: self._read(control))
        for place in range(self._limits.cpu_workers):
            crew.start(f"encode-{place}", self._encode)
        streams.begin(control)
        streams.resize(self._limits.streams or wanted)
        try:
            self._keep_time(control, streams, credit)
        except BaseException:
            self.stop()
            raise

    def _tell(self, control: Channel) -> None:
        """Our own fault is told to the receiver."""
        error = self._ending.error
        if error is not None and not isinstance(error, ConnectionLostError):
            control.send_last(failure_of(error))

    def _join(self, ticket: bytes, number: int) -> Channel:
        call = self._call
        sock = connected(call.address, call.limits)
        return join(sock, call.security, self._binding, ticket, number, PATIENCE * call.limits.timeout_s)

    def _listen(self, control: Channel) -> None:
        while not self._ending.is_over:
            message = self._hear(control)
            if message is None:
                break
            self._heard_s = time.monotonic()
            self._take(control, message)
        self._ending.end()

    def _hear(self, control: Channel) -> Message | None:
        try:
            message = control.receive()
        except ConnectionLostError:
            if self._done is not None:
                return None
            raise
        return message

    def _take(self, control: Channel, message: Message) -> None:
        match message:
            case Ack():
                streams = self.streams
                if streams is not None:
                    self._outgoing.take_ack(streams.acknowledged(message.bundles))
            case Want():
                self._outgoing.take_want(message)
            case Listing():
                self._listings.put(message)
            case Ping():
                control.send(Pong(message.token))
            case Pong():
                pass
            case Done():
                self._done = message
                self._ending.end()
            case Failure():
                raise error_of(message)
            case _:
                raise ProtocolError(f"the receiver sent {type(message).__name__}, which only a sender sends")

    def _read(self, control: Channel) -> None:
        with self._ending.heeding():
            for message in self._outgoing.batches(lambda: self._next_listing(control)):
                if self._ending.is_over:
                    return
                control.send(message)

    def _next_listing(self, control: Channel) -> Listing:
        while self._listings_asked < _LISTINGS_AHEAD:
            control.send(List(_LISTING_ENTRIES))
            self._listings_asked += 1
        listing = self._listings.get()
        if listing is None:
            raise ConnectionLostError("the session ended while the receiver's listing was awaited")
        self._listings_asked -= 1
        return listing

    def _encode(self) -> None:
        while not self._ending.is_over:
            bundle = self._outgoing.next_bundle(0.2)
            if bundle is not None and not self._ready.put(bundle):
                return

    def _keep_time(self, control: Channel, streams: Streams, credit: Credit) -> None:
        pinged_s = time.monotonic()
        while not self._ending.wait(_TICK_S):
            now = time.monotonic()
            if now - self._heard_s > self._limits.timeout_s:
                raise ConnectionLostError(
                    f"nothing was heard of the receiver for {self._limits.timeout_s:g} s; "
                    "the same command goes on later"
                )
            if now - pinged_s > _PING_S:
                control.send_if_free(Ping(int(now)))
                pinged_s = now
            wanted = self._pilot.step(now, streams, credit, is_ending=self._outgoing.is_ending)
            streams.resize(self._limits.streams or wanted)
            self._tick(self)
