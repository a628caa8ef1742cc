"""Who may say what next on one stream, kept by each side for itself; the rules are in `states`."""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct, field

from dwcp.errors import ProtocolError
from dwcp.transfer.protocol.frames import FrameType
from dwcp.transfer.protocol.messages import Hello
from dwcp.transfer.protocol.states import (
    AFTER_HELLO,
    CONTROL_NEEDS,
    CONTROL_SPEECH,
    DATA_NEEDS,
    DATA_SPEECH,
    QUESTIONS,
    Role,
    State,
)

__all__ = ["Conversation"]


class _Party(Struct):
    """One of the two who speak on a stream.

    Attributes:
        role: which.
        state: where it stands.
        said: how often it has said what.
    """

    role: Role
    state: State = State.HELLO
    said: Counter[FrameType] = field(default_factory=Counter)


class Conversation:
    """The state of one stream, as one side sees it. Not safe to share between threads without a lock.

    Tell it of every frame before it is sent, and of every frame's type when its header has come; and, once
    it has come, of the other side's HELLO.

    Args:
        role: of this side.
        stream: its number; None for a receiver, which learns it from the sender's HELLO.
        authentication: what the receiver's HELLO names; None for a sender, which learns it from there.
    """

    def __init__(self, role: Role, stream: int | None, *, authentication: str | None = None) -> None:
        self._us = _Party(role)
        self._them = _Party("receiver" if role == "sender" else "sender")
        self._stream = stream
        self._authentication = authentication

    @property
    def state(self) -> State:
        """Where this side stands."""
        return self._us.state

    @property
    def peer_state(self) -> State:
        """Where the other side stands, as far as it was heard."""
        return self._them.state

    @property
    def may_send(self) -> frozenset[FrameType]:
        """What this side may say now."""
        return self._choices(self._us, self._them)

    @property
    def may_receive(self) -> frozenset[FrameType]:
        """What the other side may have said next."""
        return self._choices(self._them, self._us)

    def sent(self, kind: FrameType) -> None:
        """This side is about to say something.

        Raises:
            ProtocolError: it is not its turn to; nothing was changed.
        """
        self._say(self._us, self._them, kind)

    def received(self, kind: FrameType) -> None:
        """The other side has said something.

        Raises:
            ProtocolError: it was not its turn to; nothing was changed.
        """
        self._say(self._them, self._us, kind)

    def greeted(self, hello: Hello) -> None:
        """The other side's HELLO was understood: it settles which stream this is, and the authentication.

        A receiver calls this before it answers with its own HELLO.

        Raises:
            ProtocolError: the receiver answers for another stream.
        """
        if self._stream is not None and hello.stream != self._stream:
            raise ProtocolError(f"HELLO of stream {self._stream} was answered for stream {hello.stream}")
        self._stream = hello.stream
        if self._us.role == "sender":
            self._authentication = hello.authentication
        self._settle()

    def _say(self, speaker: _Party, listener: _Party, kind: FrameType) -> None:
        obstacle = self._obstacle(speaker, listener, kind)
        if obstacle is not None:
            raise ProtocolError(
                f"the {speaker.role} may not say {kind.name} {obstacle} (state {speaker.state.name}, "
                f"stream {'unknown' if self._stream is None else self._stream})"
            )
        speaker.state = self._speech(speaker)[kind]
        speaker.said[kind] += 1
        self._settle()

    def _choices(self, speaker: _Party, listener: _Party) -> frozenset[FrameType]:
        choices = self._speech(speaker)
        return frozenset(kind for kind in choices if self._obstacle(speaker, listener, kind) is None)

    def _speech(self, speaker: _Party) -> Mapping[FrameType, State]:
        tables = DATA_SPEECH if self._stream else CONTROL_SPEECH
        return tables[speaker.role][speaker.state]

    def _obstacle(self, speaker: _Party, listener: _Party, kind: FrameType) -> str | None:
        """Why it is not the speaker's turn to say something; None when it is."""
        if kind not in self._speech(speaker):
            return "now"
        if self._stream is None and (speaker.role, kind) == ("receiver", FrameType.HELLO):
            return "before it is known which stream this is"
        need = (DATA_NEEDS if self._stream else CONTROL_NEEDS).get((speaker.role, kind))
        if need is not None and not listener.said[need]:
            return f"before the {listener.role} has said {need.name}"
        if need is not None and need in QUESTIONS and speaker.said[kind] == listener.said[need]:
            return f"more often than the {listener.role} has said {need.name}"
        if kind in QUESTIONS:
            answer, most = QUESTIONS[kind]
            if speaker.said[kind] - listener.said[answer] >= most:
                return f"again before the {listener.role} has said {answer.name}"
        return None

    def _settle(self) -> None:
        """A sender that was GREETED goes on once the stream, and on stream 0 the authentication, is known."""
        sender = self._us if self._us.role == "sender" else self._them
        if sender.state is not State.GREETED or self._stream is None:
            return
        if self._stream:
            sender.state = State.CARRYING
        elif self._authentication is not None:
            sender.state = AFTER_HELLO[self._authentication]
