"""Sessions of browsers: told apart by secrets, for a while, and not too many."""

from itertools import count

import pytest

from dwcp.serving.access import ALL_RIGHTS, Caller
from dwcp.serving.http.sessions import SESSION_S, Sessions

OPS = Caller("ops", ALL_RIGHTS)


class Clock:
    now = 50.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def sessions_of(clock, **more):
    numbers = count()
    return Sessions(clock, lambda: f"secret {next(numbers)}", **more)


def test_a_session_is_of_its_caller_and_has_none_of_their_rights(clock):
    sessions = sessions_of(clock)
    found = sessions.caller(sessions.begin(OPS))
    assert (found.name, found.rights, found.signed_in) == ("ops", frozenset(), True)
    assert sessions.caller("secret 1") is sessions.caller("") is sessions.caller(None) is None


def test_a_session_ends_by_time_and_by_hand(clock):
    sessions = sessions_of(clock)
    first, second = sessions.begin(OPS), sessions.begin(OPS)
    sessions.end(first)
    sessions.end("never begun")
    assert sessions.caller(first) is None
    clock.now += SESSION_S - 1.0
    assert sessions.caller(second).name == "ops"
    clock.now += 1.0
    assert sessions.caller(second) is None


def test_the_oldest_go_when_there_are_too_many(clock):
    sessions = sessions_of(clock, most=2)
    first, second, third = (sessions.begin(OPS) for _ in range(3))
    assert sessions.caller(first) is None
    assert sessions.caller(second) == sessions.caller(third) is not None


def test_secrets_cannot_be_guessed(clock):
    sessions = Sessions(clock)
    secrets = {sessions.begin(OPS) for _ in range(50)}
    assert len(secrets) == 50
    assert min(map(len, secrets)) >= 43
