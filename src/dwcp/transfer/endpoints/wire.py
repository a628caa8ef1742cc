"""Bytes to and from a socket: whole frames, many buffers at once, one reader and one writer at a time."""

import contextlib
import socket
import threading
from collections.abc import Sequence
from struct import Struct

from dwcp.codecs import Buffer
from dwcp.errors import ConnectionLostError, TransferError
from dwcp.tasks.compression.contract import Link
from dwcp.transfer.amst import congestion_control, fit_send_buffer, is_loss_based
from dwcp.transfer.security import TlsSocket, connection_error

__all__ = ["Wire"]

_MOST_BUFFERS = 512
"""Most buffers of one `sendmsg`; the kernel takes 1024."""
_TIMEVAL = Struct("@ll")
_JOINED_BYTES = 64 * 1024
"""Below this, buffers become one before TLS cuts them into records."""


class Wire:
    """A connected socket, with or without TLS, its handshakes done.

    A plain socket blocks in the kernel, with the kernel's own timeouts: a whole bundle then takes one system
    call each way, and not one, with all that Python does round it, for every few packets.

    Args:
        sock: plain, or a `TlsSocket`.
        timeout_s: how long nothing may move before the connection is given up.
    """

    def __init__(self, sock: socket.socket, timeout_s: float) -> None:
        self._sock = sock
        self._is_plain = not isinstance(sock, TlsSocket)
        self._flags = socket.MSG_WAITALL if self._is_plain else 0
        self._writing = threading.Lock()
        self.be_patient(timeout_s)

    def read_into(self, view: memoryview) -> bool:
        """Fill the view.

        Returns:
            False when the other side had closed before the first byte.

        Raises:
            ConnectionLostError: the connection ended in the middle, failed, or stalled.
        """
        filled = 0
        while filled < len(view):
            try:
                count = self._sock.recv_into(view[filled:], 0, self._flags)
            except (OSError, ValueError) as error:
                raise _lost(error) from error
            if count == 0:
                if filled:
                    raise ConnectionLostError("the connection ended in the middle of a frame")
                return False
            filled += count
        return True

    def write(self, buffers: Sequence[Buffer]) -> int:
        """Send all of the buffers, one after the other; returns how many bytes that were.

        Raises:
            ConnectionLostError: the connection failed, or stalled.
        """
        waiting = [memoryview(buffer).cast("B") for buffer in buffers]
        total = sum(map(len, waiting))
        with self._writing:
            try:
                if self._is_plain:
                    self._send_plain(waiting)
                else:
                    for buffer in [b"".join(waiting)] if total <= _JOINED_BYTES else waiting:
                        self._sock.sendall(buffer)
            except (OSError, ValueError) as error:
                raise _lost(error) from error
        return total

    def _send_plain(self, waiting: list[memoryview]) -> None:
        while waiting:
            sent = self._sock.sendmsg(waiting[:_MOST_BUFFERS])
            done = 0
            while done < len(waiting) and sent >= len(waiting[done]):
                sent -= len(waiting[done])
                done += 1
            del waiting[:done]
            if sent:
                waiting[0] = waiting[0][sent:]

    def be_patient(self, timeout_s: float) -> None:
        """From now on, wait as long as this for something to move."""
        if not self._is_plain:
            self._sock.settimeout(timeout_s)
            return
        self._sock.settimeout(None)
        told = _TIMEVAL.pack(int(timeout_s), int(timeout_s % 1 * 1e6))
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, told)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, told)

    def fileno(self) -> int:
        """Of the socket."""
        return self._sock.fileno()

    def fit(self, link: Link, streams: int) -> None:
        """Let the kernel hold as much as the link does; see `fit_send_buffer`."""
        fit_send_buffer(self._sock, link, streams)

    @property
    def loss_based(self) -> bool:
        """Whether the connection's congestion control takes losses for a full link."""
        return is_loss_based(congestion_control(self._sock))

    def end(self) -> None:
        """Wake whoever reads or writes: the connection is over. May be called from any thread, twice too."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back, once nobody reads or writes any more."""
        self._sock.close()


def _lost(error: OSError | ValueError) -> TransferError:
    if isinstance(error, BlockingIOError):
        return ConnectionLostError("nothing moved on the connection for too long; it is given up")
    if isinstance(error, OSError):
        return connection_error(error, "the other side")
    return ConnectionLostError("the connection was closed on this side")
