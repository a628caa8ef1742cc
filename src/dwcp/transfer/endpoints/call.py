"""Calling the receiver: what takes round trips goes on beside what takes work, such as loading the rest."""

import socket
import threading

from dwcp.errors import DwcpError
from dwcp.transfer.amst import tune
from dwcp.transfer.endpoints.connect import Address, connect
from dwcp.transfer.endpoints.handshake import Greeting, greet
from dwcp.transfer.endpoints.limits import PATIENCE, SenderLimits
from dwcp.transfer.security import SenderSecurity

__all__ = ["Call", "connected"]


class Call:
    """Connects and greets, in a thread of its own that begins at once.

    Args:
        address: of the receiver.
        security: how the receiver is known, and we to it.
        limits: what bounds the session.
    """

    def __init__(self, address: Address, security: SenderSecurity, limits: SenderLimits) -> None:
        self.address, self.security, self.limits = address, security, limits
        self.was_connected = False
        self._greeting: Greeting | None = None
        self._error: BaseException | None = None
        self._given_up = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="dwcp-call", daemon=True)
        self._thread.start()

    def answer(self) -> Greeting:
        """The greeting, when it has come.

        Raises:
            ConnectionLostError: nobody answers there, or who did went away.
            InputError: there is no such host, or no such congestion control.
            AuthenticationError: the receiver is not the one that was meant, or does not want us.
            ProtocolError: it does not speak DWCP, or not this version.
        """
        self._thread.join()
        if self._greeting is None:
            raise self._error or AssertionError("a call ends with a greeting or an error")
        return self._greeting

    def give_up(self) -> None:
        """Nobody will ask for the answer: the connection is closed now, or as soon as it stands."""
        with self._lock:
            self._given_up = True
            if self._greeting is not None:
                self._greeting.channel.close()

    def _run(self) -> None:
        try:
            sock = connected(self.address, self.limits)
            self.was_connected = True
            greeting = greet(sock, self.security, self.limits.timeout_s)
        except BaseException as error:  # noqa: BLE001 - whatever it is belongs to the caller's thread
            self._error = error
            return
        with self._lock:
            self._greeting = greeting
            if self._given_up:
                greeting.channel.close()


def connected(address: Address, limits: SenderLimits) -> socket.socket:
    """A connection, tuned.

    Raises:
        ConnectionLostError: nobody answers there.
        InputError: there is no such host, or no such congestion control.
    """
    sock = connect(address, limits.timeout_s)
    try:
        tune(sock, congestion=limits.congestion or "", dead_after_s=PATIENCE * limits.timeout_s)
    except DwcpError:
        sock.close()
        raise
    return sock
