"""A client that asks over a few connections, one question at a time each, and keeps every answer."""

import selectors
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["Address", "Answer", "drive", "percentile_ms", "post"]

Address = tuple[str, int] | Path
"""Host and port, or a Unix socket."""

LOST = 0
"""The status of a request that was never answered."""
TIMEOUT_S = 10.0
_END = b"\r\n\r\n"


class Answer(NamedTuple):
    """What became of one request.

    Attributes:
        sent_s: when it was sent, on the monotonic clock.
        took_s: until all of the answer was there.
        status: of HTTP; `LOST` where none came.
        body: of the answer.
    """

    sent_s: float
    took_s: float
    status: int
    body: bytes


def post(path: str, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    """A request of HTTP/1.1, whole."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + _END + body


def drive(
    address: Address,
    requests: Sequence[bytes],
    connections: int,
    goes_on: Callable[[], bool],
    pause_s: float = 0.0,
) -> list[Answer]:
    """Ask in turn, until told to end; those at work are waited for.

    Args:
        address: of the server.
        requests: asked one after the other, over and over.
        connections: open at once; one that breaks is opened again.
        goes_on: whether to ask more.
        pause_s: between an answer and that connection's next question.
    """
    answers: list[Answer] = []
    questions = cycle(requests)
    with selectors.DefaultSelector() as selector:
        lines = [_Line(address, selector) for _ in range(connections)]
        resting = [(0.0, line) for line in lines]
        while True:
            more, now = goes_on(), time.monotonic()
            if not more and len(resting) == connections:
                break
            if more:
                due = [line for until_s, line in resting if until_s <= now]
                resting = [one for one in resting if one[0] > now]
                resting += [(now, line) for line in due if not _asked(line, questions, answers)]
            for key, _ in selector.select(0.002 if resting else 0.05):
                answer = key.data.read()
                if answer is not None:
                    answers.append(answer)
                    resting.append((time.monotonic() + pause_s, key.data))
            for line in lines:
                if line.is_late(time.monotonic()):
                    answers.append(line.lose())
                    resting.append((time.monotonic(), line))
        for line in lines:
            line.close()
    return answers


def percentile_ms(answers: Sequence[Answer], percentile: float) -> float:
    """Of how long answers took; 0 where there are none."""
    took = [answer.took_s for answer in answers]
    return float(np.percentile(took, percentile)) * 1e3 if took else 0.0


def _asked(line: "_Line", questions: Iterator[bytes], answers: list[Answer]) -> bool:
    if line.ask(next(questions)):
        return True
    answers.append(Answer(time.monotonic(), 0.0, LOST, b""))
    return False


class _Line:
    """One connection."""

    def __init__(self, address: Address, selector: selectors.BaseSelector) -> None:
        self._address = address
        self._selector = selector
        self._socket: socket.socket | None = None
        self._buffer = bytearray()
        self._sent_s = 0.0
        self._waits = False

    def ask(self, request: bytes) -> bool:
        """Send a request, over a new connection if need be; False where there is no server."""
        self._sent_s = time.monotonic()
        self._buffer.clear()
        try:
            if self._socket is None:
                self._connect()
            assert self._socket is not None
            self._socket.sendall(request)
        except OSError:
            self.close()
            return False
        self._waits = True
        return True

    def read(self) -> Answer | None:
        """What came; None while there is more to come."""
        assert self._socket is not None
        try:
            part = self._socket.recv(1 << 18)
        except OSError:
            part = b""
        if not part:
            if self._waits:
                return self.lose()
            self.close()
            return None
        self._buffer += part
        head = self._buffer.find(_END)
        if head < 0:
            return None
        status, size = _head(bytes(self._buffer[:head]))
        begin = head + len(_END)
        if len(self._buffer) < begin + size:
            return None
        self._waits = False
        return Answer(
            self._sent_s, time.monotonic() - self._sent_s, status, bytes(self._buffer[begin : begin + size])
        )

    def is_late(self, now: float) -> bool:
        """Whether its answer is not to be waited for any more."""
        return self._waits and now - self._sent_s > TIMEOUT_S

    def lose(self) -> Answer:
        """Give the request up."""
        self.close()
        return Answer(self._sent_s, time.monotonic() - self._sent_s, LOST, b"")

    def close(self) -> None:
        """End the connection."""
        self._waits = False
        if self._socket is not None:
            if self._socket.fileno() >= 0:
                self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _connect(self) -> None:
        if isinstance(self._address, Path):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                sock.connect(str(self._address))
            except OSError:
                sock.close()
                raise
        else:
            sock = socket.create_connection(self._address, TIMEOUT_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = sock
        self._selector.register(sock, selectors.EVENT_READ, self)


def _head(head: bytes) -> tuple[int, int]:
    """Status and size of the body; servers here always tell it."""
    first, *lines = head.split(b"\r\n")
    sizes = [line.partition(b":")[2] for line in lines if line.lower().startswith(b"content-length:")]
    return int(first.split()[1]), int(sizes[0]) if sizes else 0
