"""Messages over one connection."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from dwcp.codecs import Buffer
from dwcp.errors import ConnectionLostError, DwcpError
from dwcp.tasks.compression.contract import Link
from dwcp.telemetry import TcpInfo, read_tcp_info
from dwcp.transfer.endpoints.wire import Wire
from dwcp.transfer.protocol import (
    HEADER_BYTES,
    Conversation,
    Data,
    FrameHeader,
    FrameType,
    Hello,
    Message,
    data_head,
    decode,
    encode,
    frame_type_of,
    read_frame_header,
    split_data,
)

__all__ = ["BufferPool", "Bundled", "Channel"]

_LAST_WORD_S = 1.0


class Bundled(Struct, frozen=True):
    """A bundle as it came: what its header says, and its body, valid until the buffer is given back."""

    data: Data
    body: memoryview


class BufferPool:
    """A few large buffers that streams share: what bounds the memory of receiving, whatever the streams.

    Large buffers are kept, since fresh ones cost a page fault for every 4 KiB.
    """

    def __init__(self, count: int) -> None:
        self._free = [bytearray() for _ in range(count)]
        self._given_back = threading.Condition()

    @contextmanager
    def buffer(self, size_bytes: int) -> Iterator[memoryview]:
        """A buffer of this size; waits until one is free."""
        with self._given_back:
            self._given_back.wait_for(lambda: bool(self._free))
            memory = self._free.pop()
        if len(memory) < size_bytes:
            memory = bytearray(size_bytes)
        try:
            yield memoryview(memory)[:size_bytes]
        finally:
            with self._given_back:
                self._free.append(memory)
                self._given_back.notify()


class Channel:
    """One stream: its wire, and the state table that says whose turn it is.

    One thread reads; any thread may send.
    """

    def __init__(self, wire: Wire, conversation: Conversation) -> None:
        self._wire = wire
        self._conversation = conversation
        self._turn = threading.Lock()
        self._state = threading.Lock()
        self._header = memoryview(bytearray(HEADER_BYTES))
        self.bytes_sent = 0
        self.bytes_received = 0

    def send(self, message: Message) -> None:
        """Send one message that is not a bundle.

        Raises:
            ConnectionLostError: the connection failed.
            ProtocolError: it is not this side's turn to say that.
        """
        frame = encode(message)
        with self._turn:
            self._say(frame_type_of(message))
            self.bytes_sent += self._wire.write([frame])

    def send_if_free(self, message: Message) -> None:
        """Send a message unless something else is being sent, which says as much: that this side lives."""
        if self._turn.acquire(blocking=False):
            try:
                self._say(frame_type_of(message))
                self.bytes_sent += self._wire.write([encode(message)])
            finally:
                self._turn.release()

    def send_last(self, message: Message) -> None:
        """Try to say why this side ends, and don't mind when that cannot be said any more."""
        if self._turn.acquire(timeout=_LAST_WORD_S):
            try:
                with contextlib.suppress(DwcpError):
                    self._wire.be_patient(_LAST_WORD_S)
                    self._say(frame_type_of(message))
                    self.bytes_sent += self._wire.write([encode(message)])
            finally:
                self._turn.release()

    def send_bundle(self, data: Data, body: Sequence[Buffer], body_bytes: int) -> None:
        """Send a bundle from where its body lies; see `send`."""
        with self._turn:
            self._say(FrameType.DATA)
            self.bytes_sent += self._wire.write([data_head(data, body_bytes), *body])

    def receive(self) -> Message | None:
        """The next message that is not a bundle; None when the other side has closed in good order.

        Raises:
            ConnectionLostError: the connection ended in the middle of a frame, failed, or stalled.
            ProtocolError: what came is not understood, or was not the other side's turn.
        """
        with self.next_frame(BufferPool(1)) as message:
            if isinstance(message, Bundled):
                raise ConnectionLostError("a bundle came where none was expected")
            return message

    @contextmanager
    def next_frame(self, pool: BufferPool) -> Iterator[Message | Bundled | None]:
        """The next message or bundle; the bundle's memory is given back in the end. See `receive`."""
        head = self._next_header()
        if head is None:
            yield None
        elif head.type is FrameType.DATA:
            with pool.buffer(head.payload_bytes) as payload:
                self._fill(payload)
                yield Bundled(*split_data(payload))
        else:
            yield self._message(head)

    def _next_header(self) -> FrameHeader | None:
        """Of the next frame that is known; whose turn it is shows before any memory is taken for it."""
        while True:
            if not self._wire.read_into(self._header):
                return None
            head = read_frame_header(self._header)
            self.bytes_received += HEADER_BYTES + head.payload_bytes
            if head.type is not None:
                with self._state:
                    self._conversation.received(head.type)
                return head
            self._fill(memoryview(bytearray(head.payload_bytes)))

    def _message(self, head: FrameHeader) -> Message:
        payload = memoryview(bytearray(head.payload_bytes))
        self._fill(payload)
        assert head.type is not None
        message = decode(head.type, payload)
        if isinstance(message, Hello):
            with self._state:
                self._conversation.greeted(message)
        return message

    def _say(self, kind: FrameType) -> None:
        with self._state:
            self._conversation.sent(kind)

    def _fill(self, payload: memoryview) -> None:
        if len(payload) and not self._wire.read_into(payload):
            raise ConnectionLostError("the connection ended in the middle of a frame")

    def be_patient(self, timeout_s: float) -> None:
        """From now on, wait as long as this for something to move."""
        self._wire.be_patient(timeout_s)

    def info(self) -> TcpInfo | None:
        """What the kernel knows of this connection; None where it is closed or tells nothing."""
        with contextlib.suppress(DwcpError, ValueError):
            return read_tcp_info(self._wire.fileno())
        return None

    def fit(self, link: Link, streams: int) -> None:
        """Let the kernel hold as much as the link does; one that is closed needs nothing."""
        with contextlib.suppress(ConnectionLostError):
            self._wire.fit(link, streams)

    @property
    def loss_based(self) -> bool:
        """Whether the connection's congestion control takes losses for a full link."""
        return self._wire.loss_based

    def end(self) -> None:
        """Wake whoever waits on this connection: it is over. From any thread, twice too."""
        self._wire.end()

    def close(self) -> None:
        """Give the socket back, once nobody waits on it."""
        self._wire.close()
