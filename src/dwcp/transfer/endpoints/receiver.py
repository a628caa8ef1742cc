"""The receiver: takes connections, and keeps one session for each transfer.

Each stream has a thread: it reads a frame, and for a bundle decodes, verifies and writes on the spot. Reading
stops while it works, so TCP holds the sender back; large buffers are shared by all streams, so memory stays
bounded with any number of them.
"""

import contextlib
import hmac
import socket
import threading
from collections.abc import Callable

from dwcp.errors import (
    AuthenticationError,
    ConnectionLostError,
    DwcpError,
    ProtocolError,
)
from dwcp.transfer.amst import tune
from dwcp.transfer.endpoints.channel import Channel
from dwcp.transfer.endpoints.connect import Address
from dwcp.transfer.endpoints.handshake import Greeting, answer
from dwcp.transfer.endpoints.limits import PATIENCE, ReceiverLimits
from dwcp.transfer.endpoints.progress import ReceiveResult
from dwcp.transfer.endpoints.receiving_session import ReceivingSession
from dwcp.transfer.protocol import Done, Offer, failure_of
from dwcp.transfer.receiving import Destination
from dwcp.transfer.security import ReceiverSecurity

__all__ = ["Receiver"]

_SUPERSEDE_S = 30.0
"""How long a session that its own sender replaces may take to end."""


class Receiver:
    """Takes transfers into one folder until it is stopped.

    Args:
        listener: a listening socket; closed at the end.
        destination: where transfers go.
        security: who may send.
        limits: what bounds it all.
        once: end after the first transfer that is in place.
        on_result: told of each transfer that is in place.
        on_failure: told of each session or connection that ended otherwise, with the other side's address.
    """

    def __init__(
        self,
        listener: socket.socket,
        destination: Destination,
        security: ReceiverSecurity,
        limits: ReceiverLimits,
        *,
        once: bool = False,
        on_result: Callable[[ReceiveResult], None] | None = None,
        on_failure: Callable[[str, DwcpError], None] | None = None,
    ) -> None:
        self._listener, self._destination, self._security = listener, destination, security
        self._limits, self._once = limits, once
        self._on_result, self._on_failure = on_result, on_failure
        self.address = str(Address(*listener.getsockname()[:2]))
        self._lock, self._opening = threading.Lock(), threading.Lock()
        self._sessions: dict[bytes, ReceivingSession] = {}
        self._threads: set[threading.Thread] = set()
        self._stopping = threading.Event()

    def serve(self) -> None:
        """Take connections until `stop`; every session has ended when this returns."""
        try:
            while not self._stopping.is_set():
                with contextlib.suppress(OSError):
                    sock, address = self._listener.accept()
                    self._begin(sock, str(address[0]))
        finally:
            self.stop()
            for thread in list(self._threads):
                thread.join()
            self._destination.close()

    def stop(self) -> None:
        """End every session, resumably, and let `serve` return. From any thread or signal, twice too."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            sessions = list(self._sessions.values())
        for session in sessions:
            session.ending.end(ConnectionLostError("the receiver was stopped; send again and it goes on"))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should be told of the folder, one sentence each."""
        return self._destination.notes

    @property
    def sessions(self) -> list[ReceivingSession]:
        """Those under way, for progress."""
        with self._lock:
            return list(self._sessions.values())

    def _begin(self, sock: socket.socket, peer: str) -> None:
        if self._stopping.is_set() or len(self._threads) >= self._limits.max_connections:
            sock.close()
            return
        thread = threading.Thread(target=self._connection, args=(sock, peer), name="dwcp-stream", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _connection(self, sock: socket.socket, peer: str) -> None:
        try:
            tune(sock, dead_after_s=PATIENCE * self._limits.timeout_s)
            self._greet(sock, peer)
        except DwcpError as error:
            if self._on_failure is not None:
                self._on_failure(peer, error)
        finally:
            sock.close()
            self._threads.discard(threading.current_thread())

    def _greet(self, sock: socket.socket, peer: str) -> None:
        greeting = answer(sock, self._security, self._limits.handshake_s, PATIENCE * self._limits.timeout_s)
        try:
            if greeting.hello.stream:
                self._session_of(greeting).carry(greeting.channel)
            else:
                self._serve(greeting.channel, peer)
        finally:
            greeting.channel.end()
            greeting.channel.close()

    def _session_of(self, greeting: Greeting) -> ReceivingSession:
        with self._lock:
            for ticket, session in self._sessions.items():
                if hmac.compare_digest(ticket, greeting.hello.ticket):
                    return session
        raise AuthenticationError("a stream showed the ticket of no session under way")

    def _serve(self, control: Channel, peer: str) -> None:
        try:
            session = self._open(control)
        except DwcpError as error:
            control.send_last(failure_of(error))
            raise
        try:
            done = session.run()
        finally:
            with self._lock:
                del self._sessions[session.ticket]
        if self._on_result is not None:
            self._on_result(_result(session, done, peer))
        if self._once:
            self.stop()

    def _open(self, control: Channel) -> ReceivingSession:
        offer = control.receive()
        if offer is None:
            raise ConnectionLostError("the sender closed the connection before it offered anything")
        if not isinstance(offer, Offer):
            raise ProtocolError("the sender did not begin with an offer")
        with self._opening:
            self._make_room(offer)
            session = ReceivingSession(control, offer, self._destination, self._limits)
            with self._lock:
                self._sessions[session.ticket] = session
        return session

    def _make_room(self, offer: Offer) -> None:
        """A sender that comes again replaces its own session; everybody else waits for their turn."""
        for other in self.sessions:
            if (other.offer.name, other.offer.resume_key) == (offer.name, offer.resume_key):
                other.ending.end(ConnectionLostError("the sender connected again; this session gives way"))
                other.finished.wait(_SUPERSEDE_S)
            elif other.done is not None:
                other.finished.wait(_SUPERSEDE_S)
            elif not other.finished.is_set():
                raise ConnectionLostError(
                    "another transfer to this receiver is under way; try again when it is done"
                )


def _result(session: ReceivingSession, done: Done, peer: str) -> ReceiveResult:
    return ReceiveResult(
        name=session.offer.name.decode(errors="replace"),
        content=done.content.hex(),
        files_written=done.files_written,
        files_kept=done.files_kept,
        files_deleted=done.files_deleted,
        bytes_written=done.bytes_written,
        wire_bytes=session.wire_bytes,
        seconds=session.seconds,
        peer=peer,
        special_dropped=session.incoming.special_dropped,
    )
