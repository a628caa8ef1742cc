"""A relay between sender and receiver that knows frames, and does to them what a test wants."""

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from dwcp.transfer.protocol import HEADER_BYTES, FrameType, read_frame_header


@dataclass(frozen=True)
class Frame:
    """One frame on its way.

    Attributes:
        connection: counted from 0, in the order they were made.
        to_receiver: or to the sender.
        number: of the frame in its connection and direction, from 0.
        kind: its type; None for one that is to be skipped.
        content: header and payload.
    """

    connection: int
    to_receiver: bool
    number: int
    kind: FrameType | None
    content: bytes


Act = Callable[[Frame], bytes | None]
"""What to pass on of a frame; None cuts its connection."""


class Relay:
    """Listens on loopback, and passes frames on to a receiver."""

    def __init__(self, upstream: str, act: Act) -> None:
        host, _, port = upstream.rpartition(":")
        self._upstream = host, int(port)
        self._act = act
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._connections = 0
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self.frames: list[tuple[bool, FrameType | None]] = []

    def __enter__(self) -> "Relay":
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end(self._listener)
        for sock in self._sockets:
            self._end(sock)
        for thread in self._threads:
            thread.join()
        for sock in (self._listener, *self._sockets):
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._upstream)
            except OSError:
                return
            number, self._connections = self._connections, self._connections + 1
            self._sockets += [near, far]
            for source, target, to_receiver in ((near, far, True), (far, near, False)):
                thread = threading.Thread(target=self._pump, args=(source, target, number, to_receiver))
                self._threads.append(thread)
                thread.start()

    def _pump(self, source: socket.socket, target: socket.socket, connection: int, to_receiver: bool) -> None:
        count = 0
        with contextlib.suppress(OSError):
            while header := _read(source, HEADER_BYTES):
                head = read_frame_header(header)
                content = header + _read(source, head.payload_bytes)
                self.frames.append((to_receiver, head.type))
                passed = self._act(Frame(connection, to_receiver, count, head.type, content))
                count += 1
                if passed is None:
                    break
                target.sendall(passed)
        self._end(source)
        self._end(target)

    @staticmethod
    def _end(sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _read(sock: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        more = sock.recv(count - len(content))
        if not more:
            return b""
        content += more
    return content


@pytest.fixture
def relay() -> type[Relay]:
    """`Relay`, for a test to make its own."""
    return Relay
