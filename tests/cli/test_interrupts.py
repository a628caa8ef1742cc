"""Ctrl-C: in good order the first time, at once the second time."""

import os
import signal

import pytest

from dwcp.cli.interrupts import interruptible
from dwcp.cli.session import Session


class LeftError(Exception):
    """The process would have ended."""


@pytest.fixture
def left(monkeypatch):
    def leave(status):
        raise LeftError(status)

    monkeypatch.setattr(os, "_exit", leave)


def test_the_first_is_said_and_the_second_ends_the_process(left, capfd):
    session = Session()

    def interrupted():
        with interruptible(session, "interrupted; more"):
            try:
                signal.raise_signal(signal.SIGINT)
            finally:
                with pytest.raises(LeftError, match="130"):
                    signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (session.interrupted, session.leaves_at_once) == ("interrupted; more", True)
    assert capfd.readouterr() == ("", "dwcp: interrupted\n")
    with pytest.raises(LeftError):
        signal.raise_signal(signal.SIGINT)


def test_what_is_not_interrupted_leaves_all_as_it_was():
    session = Session()
    with interruptible(session, "words"):
        pass
    with pytest.raises(ValueError, match="x"), interruptible(session, "words"):
        raise ValueError("x")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert (session.interrupted, session.leaves_at_once) == ("interrupted", False)


def test_where_it_is_ignored_it_stays_so():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interruptible(Session()):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
