"""Whose turn it is to say what: the state table of a conversation.

A stream is spoken by two parties at once, so there is no one state that both see at the same moment: what one
says is still on the way while the other speaks. Each party therefore has a state of its own, which only what
*it* says can change. Whether a party may say something depends on

1. its own state: the tables `CONTROL_SPEECH` of stream 0 and `DATA_SPEECH` of all others;
2. what it has heard: `CONTROL_NEEDS` and `DATA_NEEDS` name, for what answers a frame, the frame it answers,
   and `QUESTIONS` those that have one answer each.

Both are known to the speaker before it speaks, and to the listener by the time it hears, since frames of one
stream arrive in order. So the same two tables tell the speaker what it may say and the listener what it may
hear, and neither ever refuses what the other was right to say, however the frames crossed on the way. A rule
of the kind "no longer, once the other has said" would not have this property; there is none.

Which stream it is, and which authentication is used, stands in HELLO. On stream 0 a sender is GREETED from
its HELLO until both are known, and then goes on to where `AFTER_HELLO` says.

The form is that of h11's ``_state.py``.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Literal, TypeAlias

from dwcp.transfer.protocol.frames import FrameType
from dwcp.transfer.protocol.limits import MAX_LISTS_AHEAD, MAX_PINGS_AHEAD

__all__ = [
    "AFTER_HELLO",
    "CONTROL_NEEDS",
    "CONTROL_SPEECH",
    "DATA_NEEDS",
    "DATA_SPEECH",
    "QUESTIONS",
    "Role",
    "State",
]

Role: TypeAlias = Literal["sender", "receiver"]
"""Who speaks: the sender of files, who also connects, or their receiver."""


class State(Enum):
    """Where a party stands: named for what it is to say next."""

    HELLO = auto()
    GREETED = auto()
    PROOF = auto()
    OFFER = auto()
    CATALOGUE = auto()
    SENDING = auto()
    ACCEPT = auto()
    TAKING = auto()
    DONE = auto()
    CARRYING = auto()
    WATCHING = auto()
    CLOSED = auto()


_Table: TypeAlias = Mapping[State, Mapping[FrameType, State]]

_Needs: TypeAlias = Mapping[tuple[Role, FrameType], FrameType]

_WHY: Mapping[FrameType, State] = {FrameType.ERROR: State.CLOSED}
"""What may be said in every state, before HELLO too: why no more will be said."""


def _anytime(state: State) -> dict[FrameType, State]:
    """What may be said in every state after HELLO."""
    return {FrameType.PING: state, FrameType.PONG: state, **_WHY}


CONTROL_SPEECH: Mapping[Role, _Table] = {
    "sender": {
        State.HELLO: {FrameType.HELLO: State.GREETED, **_WHY},
        State.GREETED: {FrameType.PING: State.GREETED, **_WHY},
        State.PROOF: {FrameType.PROOF: State.OFFER, **_anytime(State.PROOF)},
        State.OFFER: {FrameType.OFFER: State.CATALOGUE, **_anytime(State.OFFER)},
        State.CATALOGUE: {
            FrameType.LIST: State.CATALOGUE,
            FrameType.CATALOGUE: State.CATALOGUE,
            FrameType.DATA: State.CATALOGUE,
            FrameType.ROOT: State.SENDING,
            **_anytime(State.CATALOGUE),
        },
        State.SENDING: {
            FrameType.DATA: State.SENDING,
            FrameType.BYE: State.CLOSED,
            **_anytime(State.SENDING),
        },
        State.CLOSED: {},
    },
    "receiver": {
        State.HELLO: {FrameType.HELLO: State.ACCEPT, **_WHY},
        State.ACCEPT: {FrameType.ACCEPT: State.TAKING, **_anytime(State.ACCEPT)},
        State.TAKING: {
            FrameType.LISTING: State.TAKING,
            FrameType.WANT: State.TAKING,
            FrameType.ACK: State.TAKING,
            FrameType.DONE: State.DONE,
            **_anytime(State.TAKING),
        },
        State.DONE: {FrameType.ACK: State.DONE, FrameType.BYE: State.CLOSED, **_anytime(State.DONE)},
        State.CLOSED: {},
    },
}
"""Stream 0: in each state of a party what it may say, and the state that follows."""

DATA_SPEECH: Mapping[Role, _Table] = {
    "sender": {
        State.HELLO: {FrameType.HELLO: State.CARRYING, **_WHY},
        State.CARRYING: {
            FrameType.DATA: State.CARRYING,
            FrameType.BYE: State.CLOSED,
            **_anytime(State.CARRYING),
        },
        State.CLOSED: {},
    },
    "receiver": {
        State.HELLO: {FrameType.HELLO: State.WATCHING, **_WHY},
        State.WATCHING: {FrameType.BYE: State.CLOSED, **_anytime(State.WATCHING)},
        State.CLOSED: {},
    },
}
"""The same for every other stream."""

AFTER_HELLO: Mapping[str, State] = {
    "none": State.OFFER,
    "token": State.PROOF,
    "certificate": State.OFFER,
}
"""Where the sender goes on stream 0, by the authentication that the receiver's HELLO names."""

_PONG_NEEDS: _Needs = {
    ("sender", FrameType.PONG): FrameType.PING,
    ("receiver", FrameType.PONG): FrameType.PING,
}

CONTROL_NEEDS: _Needs = {
    ("sender", FrameType.PROOF): FrameType.HELLO,
    ("sender", FrameType.OFFER): FrameType.HELLO,
    ("sender", FrameType.LIST): FrameType.ACCEPT,
    ("sender", FrameType.CATALOGUE): FrameType.ACCEPT,
    ("sender", FrameType.DATA): FrameType.ACCEPT,
    ("sender", FrameType.ROOT): FrameType.ACCEPT,
    ("sender", FrameType.BYE): FrameType.DONE,
    ("receiver", FrameType.HELLO): FrameType.HELLO,
    ("receiver", FrameType.ACCEPT): FrameType.OFFER,
    ("receiver", FrameType.LISTING): FrameType.LIST,
    ("receiver", FrameType.WANT): FrameType.CATALOGUE,
    ("receiver", FrameType.ACK): FrameType.CATALOGUE,
    ("receiver", FrameType.DONE): FrameType.ROOT,
    **_PONG_NEEDS,
}
"""Stream 0: what a party must have heard before it says something."""

DATA_NEEDS: _Needs = {("receiver", FrameType.HELLO): FrameType.HELLO, **_PONG_NEEDS}
"""The same for every other stream."""

QUESTIONS: Mapping[FrameType, tuple[FrameType, int]] = {
    FrameType.LIST: (FrameType.LISTING, MAX_LISTS_AHEAD),
    FrameType.PING: (FrameType.PONG, MAX_PINGS_AHEAD),
}
"""Frames that have one answer each: which, and how many may be without theirs."""
