"""The sender's end of a session in memory: no sockets, and what it says is made as the receiver reads."""

from collections.abc import Callable, Iterator, Sequence
from threading import Condition

from receiver_worlds import FAULTS

from dwcp.codecs import Buffer
from dwcp.errors import ConnectionLostError, DwcpError, ProtocolError
from dwcp.transfer.endpoints.channel import Channel
from dwcp.transfer.endpoints.limits import ReceiverLimits
from dwcp.transfer.endpoints.receiving_session import ReceivingSession
from dwcp.transfer.protocol import (
    HEADER_BYTES,
    MAGIC,
    VERSION,
    Conversation,
    Data,
    Done,
    FrameType,
    Hello,
    Message,
    Offer,
    data_head,
    decode,
    encode,
    read_frame_header,
    split_data,
)
from dwcp.transfer.receiving import Destination

Said = Message | tuple[Data, bytes]
"""A message, or a bundle with its body."""
LIMITS = ReceiverLimits(timeout_s=60.0, buffers=2)


class Tape:
    """What a `Wire` is to a `Channel`: reads come from a script, writes are understood and kept."""

    def __init__(self) -> None:
        self.script: Iterator[bytes] = iter(())
        self.session: ReceivingSession | None = None
        self.said = bytearray()
        self.heard: list[Message] = []
        self.is_over = False
        self.changed = Condition()
        self._left = memoryview(b"")

    def read_into(self, view: memoryview) -> bool:
        """As `Wire.read_into`: fills the view, or tells that nothing more comes."""
        filled = 0
        while filled < len(view):
            if not self._left:
                frame = b"" if self.is_over else next(self.script, b"")
                if not frame:
                    if filled:
                        raise ConnectionLostError("cut in the middle of a frame")
                    return False
                self.said += frame
                self._left = memoryview(frame)
            count = min(len(self._left), len(view) - filled)
            view[filled : filled + count] = self._left[:count]
            self._left = self._left[count:]
            filled += count
        return True

    def write(self, buffers: Sequence[Buffer]) -> int:
        """As `Wire.write`: whole frames come, each in one call."""
        frame = b"".join(buffers)
        head = read_frame_header(frame[:HEADER_BYTES])
        assert head.type is not None
        with self.changed:
            self.heard.append(decode(head.type, frame[HEADER_BYTES:]))
            self.changed.notify_all()
        return len(frame)

    def wait(self, found: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until something was heard, in vain where the session ends; whether it was."""
        with self.changed:
            self.changed.wait_for(lambda: self.is_over or found(), timeout_s)
            return found()

    def of(self, kind: type[Message]) -> list[Message]:
        """What was heard of one kind."""
        return [message for message in list(self.heard) if isinstance(message, kind)]

    def be_patient(self, timeout_s: float) -> None:
        """Nothing here takes time."""

    def fileno(self) -> int:
        """There is none."""
        return -1

    def end(self) -> None:
        """The connection is over."""
        with self.changed:
            self.is_over = True
            self.changed.notify_all()

    close = end


def channel_on(tape: Tape, stream: int) -> Channel:
    """A channel of the receiver whose HELLOs were exchanged."""
    conversation = Conversation("receiver", None, authentication="none")
    conversation.received(FrameType.HELLO)
    conversation.greeted(Hello(MAGIC, (VERSION, VERSION), bytes(32), stream, bytes(32) if stream else b""))
    conversation.sent(FrameType.HELLO)
    return Channel(tape, conversation)  # type: ignore[arg-type]


def run(destination: Destination, tape: Tape) -> Done | DwcpError:
    """One session as `Receiver` runs it, over what a tape says.

    Raises:
        AssertionError: something else than a `DwcpError` ended one of its threads.
    """
    control = channel_on(tape, 0)
    came_of: Done | DwcpError
    try:
        offer = control.receive()
        if not isinstance(offer, Offer):
            raise ProtocolError("the sender did not begin with an offer")
        tape.session = ReceivingSession(control, offer, destination, LIMITS)
        came_of = tape.session.run()
    except DwcpError as error:
        came_of = error
    assert not FAULTS, FAULTS
    assert "a fault of this program" not in str(came_of), came_of
    assert "in a way that it should not" not in str(came_of), came_of
    return came_of


def frame_of(said: Said) -> bytes:
    """The frame that carries it; none where it is such nonsense that no frame can."""
    try:
        if isinstance(said, tuple):
            return data_head(said[0], len(said[1])) + said[1]
        return encode(said)
    except ProtocolError:
        return b""


def messages_of(said: bytes) -> list[Message]:
    """What a receiver makes of a stream, up to what it refuses; a bundle without its body."""
    messages: list[Message] = []
    try:
        while len(said) >= HEADER_BYTES:
            head = read_frame_header(said[:HEADER_BYTES])
            end = HEADER_BYTES + head.payload_bytes
            payload, said = said[HEADER_BYTES:end], said[end:]
            if head.type is FrameType.DATA:
                messages.append(split_data(memoryview(payload))[0])
            elif head.type is not None:
                messages.append(decode(head.type, payload))
    except ProtocolError:
        pass
    return messages
