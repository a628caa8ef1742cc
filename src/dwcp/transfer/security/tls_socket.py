"""A TLS socket that one thread may read while another writes.

``ssl.SSLSocket`` may not be used that way: OpenSSL forbids two threads in one connection at once, and Python
guards against it from 3.13.5 on only, and then by letting a reader that waits keep the writer out. What comes
of it is connections that stall for want of a wake-up, or break. Here the descriptor never blocks, each record
is read or written under a lock, and waiting happens outside it.
"""

import select
import socket
import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import Any

__all__ = ["TlsSocket"]


class TlsSocket(ssl.SSLSocket):
    """An ``ssl.SSLSocket`` for one reader and one writer at a time; made by a context, see `ready`.

    Everything that waits raises `TimeoutError` when nothing moved for as long as ``settimeout`` says: unlike
    that of other sockets, the time of ``sendall`` begins anew with each 16 KiB. It never falls back to plain
    text: what cannot be sent encrypted raises `OSError`. There are no half-closed connections: once the other
    side has ended its direction, nothing can be sent to it, though what it sent can still be read.
    """

    _lock: AbstractContextManager[Any] = nullcontext()
    _is_ready = False
    _patience_s: float | None = None

    def ready(self) -> None:
        """Begin to work as the class says; to be called once, after the handshake."""
        self._lock = Lock()
        self._is_ready = True
        self.settimeout(self._patience_s)

    def settimeout(self, value: float | None) -> None:
        """Longest wait, in seconds, for anything to move; None for as long as it takes."""
        self._patience_s = value
        super().settimeout(0.0 if self._is_ready else value)

    def gettimeout(self) -> float | None:
        """What ``settimeout`` was told."""
        return self._patience_s

    def setblocking(self, flag: bool) -> None:
        """As ``settimeout`` of None or 0."""
        self.settimeout(None if flag else 0.0)

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:  # noqa: ARG002 - TLS has none
        """Wait for something, then take all that is there, as far as the buffer goes.

        Returns:
            Number of bytes; 0 when the other side ended it.

        Raises:
            TimeoutError: nothing came.
            OSError: see `dwcp.transfer.security.connection_error`.
        """
        view = memoryview(buffer).cast("B")[: nbytes or None]
        got = self._patiently(super().recv_into, view)
        while 0 < got < len(view):
            more = self._at_once(super().recv_into, view[got:])
            if not more:
                break
            got += more
        return got

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """As `recv_into`, into a buffer of its own."""
        buffer = bytearray(buflen)
        return bytes(memoryview(buffer)[: self.recv_into(buffer, None, flags)])

    def send(self, data: Any, flags: int = 0) -> int:  # noqa: ARG002 - TLS has none
        """Wait until something can be sent; gives how much was: at most one record, 16 KiB."""
        return self._patiently(super().send, memoryview(data))

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send everything."""
        rest = memoryview(data).cast("B")
        while rest:
            rest = rest[self.send(rest, flags) :]

    def shutdown(self, how: int) -> None:
        """End one direction or both, at once; wakes whoever waits."""
        socket.socket.shutdown(self, how)

    def close(self) -> None:
        """Close it. Wake whoever waits with ``shutdown`` first."""
        with self._lock:
            super().close()

    def _patiently(self, step: Callable[[memoryview], int], view: memoryview) -> int:
        while True:
            try:
                with self._lock:
                    return step(view)
            except ssl.SSLWantReadError:
                self._wait_for(select.POLLIN)
            except ssl.SSLWantWriteError:
                self._wait_for(select.POLLOUT)

    def _at_once(self, step: Callable[[memoryview], int], view: memoryview) -> int:
        try:
            with self._lock:
                return step(view)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def _wait_for(self, event: int) -> None:
        waiting = select.poll()
        waiting.register(self, event)
        if not waiting.poll(None if self._patience_s is None else self._patience_s * 1e3):
            raise TimeoutError(f"nothing moved for {self._patience_s:g} s")
