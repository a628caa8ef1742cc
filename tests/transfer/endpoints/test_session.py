"""How a session ends: once, with the first error, and with nobody left behind."""

import threading

import pytest

from dwcp.errors import ConnectionLostError, ProtocolError
from dwcp.transfer.endpoints.session import Crew, Ending


def test_the_first_error_counts():
    ending = Ending()
    ending.end(ProtocolError("first"))
    ending.end(ConnectionLostError("second"))
    with pytest.raises(ProtocolError, match="first"):
        ending.raise_error()


def test_what_is_to_be_done_at_the_end_is_done_once():
    ending, done = Ending(), []
    ending.at_end(lambda: done.append(1))
    ending.end()
    ending.end()
    ending.at_end(lambda: done.append(2))
    assert done == [1, 2]
    ending.raise_error()


def test_an_error_in_one_thread_ends_the_others():
    ending = Ending()

    def fail() -> None:
        raise ProtocolError("no")

    with Crew(ending) as crew:
        others = [crew.start("wait", lambda: ending.wait(60)) for _ in range(3)]
        crew.start("fail", fail)
        assert ending.wait(60)
    assert not any(thread.is_alive() for thread in others)
    assert isinstance(ending.error, ProtocolError)


def test_who_is_interrupted_waits_for_no_thread(monkeypatch):
    monkeypatch.setattr("dwcp.transfer.endpoints.session._INTERRUPTED_S", 0.0)
    ending, busy = Ending(), threading.Event()
    faults = []
    monkeypatch.setattr(threading, "excepthook", faults.append)

    def compress() -> None:
        busy.wait(60)
        raise ValueError("what it works with was closed")

    crew = Crew(ending)
    thread = crew.start("encode", compress)
    with pytest.raises(KeyboardInterrupt), crew:
        raise KeyboardInterrupt
    assert thread.is_alive()
    assert ending.is_over
    busy.set()
    thread.join()
    assert faults == []


def test_leaving_the_crew_ends_the_session():
    ending, left = Ending(), threading.Event()
    with Crew(ending) as crew:
        crew.start("wait", lambda: (ending.wait(60), left.set()))
    assert left.is_set()
    assert ending.error is None
