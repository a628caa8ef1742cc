"""Two sides that keep the same tables never misunderstand each other, however their frames cross."""

from collections import deque
from collections.abc import Iterator
from random import Random

import pytest

from dwcp.errors import ProtocolError
from dwcp.transfer.protocol import MAGIC, Conversation, FrameType, Hello, Role, State
from dwcp.transfer.protocol.limits import MAX_LISTS_AHEAD, MAX_PINGS_AHEAD
from dwcp.transfer.protocol.states import (
    AFTER_HELLO,
    CONTROL_NEEDS,
    CONTROL_SPEECH,
    DATA_NEEDS,
    DATA_SPEECH,
    QUESTIONS,
)

AUTHENTICATIONS = ("none", "token", "certificate")
ENDINGS = {FrameType.ERROR, FrameType.BYE}


class Line:
    """Both sides of one stream, and what is on the way between them."""

    def __init__(self, stream: int, authentication: str = "none") -> None:
        self.stream, self.authentication = stream, authentication
        self.sides: dict[Role, Conversation] = {
            "sender": Conversation("sender", stream),
            "receiver": Conversation("receiver", None, authentication=authentication),
        }
        self.away: dict[Role, deque[FrameType]] = {"sender": deque(), "receiver": deque()}

    def say(self, role: Role, kind: FrameType) -> None:
        self.sides[role].sent(kind)
        self.away[role].append(kind)

    def hear(self, speaker: Role) -> None:
        """The next frame of a side arrives at the other."""
        listener = self.sides["receiver" if speaker == "sender" else "sender"]
        kind = self.away[speaker].popleft()
        assert kind in listener.may_receive
        listener.received(kind)
        if kind is FrameType.HELLO:
            authentication = self.authentication if speaker == "receiver" else "none"
            proof = bytes(32) if authentication == "token" else b""
            listener.greeted(Hello(MAGIC, (1, 1), bytes(32), self.stream, b"", (), authentication, proof))

    def settle(self) -> None:
        for role in self.away:
            while self.away[role]:
                self.hear(role)

    def script(self, *words: str) -> None:
        """``s OFFER``: the sender says it, and it arrives."""
        for word in words:
            who, kind = word.split()
            role: Role = "sender" if who == "s" else "receiver"
            self.say(role, FrameType[kind])
            self.settle()


def walk(rng: Random, line: Line, steps: int) -> Iterator[tuple[Role, State, FrameType]]:
    """A random legal conversation: either side says something it may, or something arrives."""
    endings = rng.random() * 0.1
    for _ in range(steps):
        role: Role = rng.choice(("sender", "receiver"))
        choices = sorted(line.sides[role].may_send)
        if line.away[role] and rng.random() < 0.5:
            line.hear(role)
        elif choices:
            kind = rng.choice(choices)
            if kind not in ENDINGS or rng.random() < endings:
                yield role, line.sides[role].state, kind
                line.say(role, kind)


def refuses_all_others(line: Line) -> None:
    """Everything that may not be said now is refused on both sides, and changes nothing."""
    sender, receiver = line.sides["sender"], line.sides["receiver"]
    for speaker, listener in ((sender, receiver), (receiver, sender)):
        assert speaker.may_send == listener.may_receive
        assert speaker.state in (listener.peer_state, State.GREETED)
        for kind in set(FrameType) - speaker.may_send:
            before = speaker.state, listener.peer_state
            with pytest.raises(ProtocolError, match=f"may not say {kind.name} .*state {speaker.state.name}"):
                speaker.sent(kind)
            with pytest.raises(ProtocolError, match=f"may not say {kind.name} "):
                listener.received(kind)
            assert (speaker.state, listener.peer_state) == before


@pytest.mark.parametrize("stream", [0, 3])
@pytest.mark.parametrize("authentication", AUTHENTICATIONS)
def test_what_one_side_may_say_the_other_takes(stream: int, authentication: str) -> None:
    rng = Random(f"{stream} {authentication}")
    for _ in range(60):
        line = Line(stream, authentication)
        for _ in walk(rng, line, rng.randint(1, 80)):
            pass
        line.settle()
        refuses_all_others(line)


def test_walks_come_everywhere() -> None:
    rng, seen = Random(5), set()
    for round_ in range(1200):
        stream = (0, 0, 0, 7)[round_ % 4]
        line = Line(stream, rng.choice(AUTHENTICATIONS))
        seen |= {(bool(stream), *step) for step in walk(rng, line, 100)}
    everything = {
        (tables is DATA_SPEECH, role, state, kind)
        for tables in (CONTROL_SPEECH, DATA_SPEECH)
        for role, states in tables.items()
        for state, choices in states.items()
        for kind in choices
    }
    assert seen == everything


SESSION = [
    "s HELLO", "r HELLO", "s OFFER", "r ACCEPT", "s LIST", "s LIST", "r LISTING", "s CATALOGUE", "r WANT",
    "s DATA", "r LISTING", "r ACK", "s CATALOGUE", "s ROOT", "r WANT", "s DATA", "r ACK", "s PING", "r PONG",
    "r DONE", "s BYE", "r BYE",
]  # fmt: skip


def test_a_whole_session() -> None:
    line = Line(0)
    line.script(*SESSION)
    assert [side.state for side in line.sides.values()] == [State.CLOSED, State.CLOSED]
    refuses_all_others(line)


def test_a_whole_data_stream_which_does_not_wait_for_the_answer() -> None:
    line = Line(5)
    for kind in (FrameType.HELLO, FrameType.DATA, FrameType.DATA, FrameType.BYE):
        line.say("sender", kind)
    line.hear("sender")
    line.script("r HELLO")
    assert line.sides["sender"].state is State.CLOSED
    refuses_all_others(line)


def test_with_a_token_proof_and_offer_go_out_together_in_this_order() -> None:
    line = Line(0, "token")
    line.script("s HELLO", "r HELLO")
    with pytest.raises(ProtocolError, match=r"sender may not say OFFER now \(state PROOF, stream 0\)"):
        line.say("sender", FrameType.OFFER)
    line.say("sender", FrameType.PROOF)
    line.say("sender", FrameType.OFFER)
    line.settle()
    line.script("r ACCEPT", "s CATALOGUE")


@pytest.mark.parametrize("authentication", ["none", "certificate"])
def test_without_a_token_there_is_no_proof(authentication: str) -> None:
    line = Line(0, authentication)
    line.script("s HELLO", "r HELLO")
    with pytest.raises(ProtocolError, match="may not say PROOF"):
        line.say("sender", FrameType.PROOF)


@pytest.mark.parametrize(
    ("before", "word", "why"),
    [
        (0, "r HELLO", "before it is known which stream this is"),
        (0, "s OFFER", "now"),
        (1, "s OFFER", r"now \(state GREETED"),
        (2, "s CATALOGUE", "now"),
        (3, "s DATA", "before the receiver has said ACCEPT"),
        (3, "r WANT", "now"),
        (4, "r LISTING", "before the sender has said LIST"),
        (4, "r WANT", "before the sender has said CATALOGUE"),
        (4, "r PONG", "before the sender has said PING"),
        (4, "r DONE", "before the sender has said ROOT"),
        (4, "s HELLO", "now"),
        (11, "r LISTING", "more often than the sender has said LIST"),
        (14, "s CATALOGUE", "now"),
        (14, "s LIST", "now"),
        (14, "s BYE", "before the receiver has said DONE"),
        (20, "r WANT", "now"),
    ],
)
def test_out_of_turn(before: int, word: str, why: str) -> None:
    line = Line(0)
    line.script(*SESSION[:before])
    with pytest.raises(ProtocolError, match=f"may not say {word[2:]} {why}"):
        line.script(word)


@pytest.mark.parametrize(
    ("question", "answer", "most"),
    [("s LIST", "r LISTING", MAX_LISTS_AHEAD), ("r PING", "s PONG", MAX_PINGS_AHEAD)],
)
def test_questions_wait_for_answers(question: str, answer: str, most: int) -> None:
    line = Line(0)
    line.script(*SESSION[:4], *[question] * most)
    with pytest.raises(ProtocolError, match="again before the"):
        line.script(question)
    line.script(answer, question)


def test_an_error_ends_what_its_speaker_says_and_no_more() -> None:
    line = Line(0)
    line.script(*SESSION[:9], "r ERROR")
    assert line.sides["receiver"].may_send == frozenset()
    assert FrameType.DATA in line.sides["sender"].may_send
    line.script("s ERROR")
    refuses_all_others(line)


def test_a_stranger_may_be_told_why_before_hello() -> None:
    line = Line(0)
    line.script("r ERROR")
    assert line.sides["sender"].peer_state is State.CLOSED


def test_an_answer_for_another_stream_is_refused() -> None:
    sender = Conversation("sender", 4)
    sender.sent(FrameType.HELLO)
    sender.received(FrameType.HELLO)
    with pytest.raises(ProtocolError, match="stream 4 was answered for stream 5"):
        sender.greeted(Hello(MAGIC, (1, 1), bytes(32), 5))


def test_tables_are_whole() -> None:
    for tables, needs in ((CONTROL_SPEECH, CONTROL_NEEDS), (DATA_SPEECH, DATA_NEEDS)):
        for role, states in tables.items():
            assert {follows for choices in states.values() for follows in choices.values()} <= set(states)
            said = {kind for choices in states.values() for kind in choices}
            assert {kind for who, kind in needs if who == role} <= said
            assert all(
                FrameType.ERROR in choices for state, choices in states.items() if state is not State.CLOSED
            )
    spoken = {kind for states in CONTROL_SPEECH.values() for choices in states.values() for kind in choices}
    assert spoken == set(FrameType)
    assert set(AFTER_HELLO) == set(AUTHENTICATIONS)
    assert set(AFTER_HELLO.values()) <= set(CONTROL_SPEECH["sender"])
    for question, (answer, most) in QUESTIONS.items():
        assert question in {need for (_, kind), need in CONTROL_NEEDS.items() if kind is answer}
        assert most > 0
