"""What a receiver has to say, in order, without anybody waiting for the connection to take it."""

import queue

from dwcp.transfer.endpoints.channel import Channel
from dwcp.transfer.protocol import MAX_ACK_BUNDLES, Ack, Message

__all__ = ["Outbox"]


class Outbox:
    """Messages on their way to a channel; one thread runs `deliver`.

    Acknowledgements that wait together go as one.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._waiting: queue.SimpleQueue[Message | None] = queue.SimpleQueue()

    def put(self, message: Message) -> None:
        """Say this, after what was put before; from any thread."""
        self._waiting.put(message)

    def close(self) -> None:
        """Let `deliver` end once it has said what was put before."""
        self._waiting.put(None)

    def deliver(self) -> None:
        """Say what is put until `close`.

        Raises:
            ConnectionLostError: the connection failed.
        """
        message = self._waiting.get()
        while message is not None:
            following: Message | None = None
            if isinstance(message, Ack):
                message, following = self._together(message)
            self._channel.send(message)
            message = following if following is not None else self._waiting.get()

    def _together(self, first: Ack) -> tuple[Ack, Message | None]:
        numbers = list(first.bundles)
        while len(numbers) < MAX_ACK_BUNDLES:
            try:
                following = self._waiting.get_nowait()
            except queue.Empty:
                break
            if not isinstance(following, Ack):
                if following is None:
                    self._waiting.put(None)
                return Ack(tuple(numbers)), following
            numbers += following.bundles
        return Ack(tuple(numbers)), None
