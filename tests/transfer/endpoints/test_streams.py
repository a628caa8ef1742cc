"""Streams: what a dying one had in hand goes over another."""

import threading
from types import SimpleNamespace

import pytest

from dwcp.errors import ConnectionLostError, StorageError
from dwcp.tasks.compression.contract import Link
from dwcp.transfer.endpoints.flow import ReadyQueue
from dwcp.transfer.endpoints.session import Crew, Ending
from dwcp.transfer.endpoints.streams import Streams


class Channel:
    """A connection on which nothing is heard until it breaks; what is sent then vanishes without a word."""

    bytes_sent = 0

    def __init__(self) -> None:
        self.breaks, self.ended = threading.Event(), threading.Event()
        self.sent: list[int] = []

    def receive(self) -> None:
        assert self.breaks.wait(30)

    def send_bundle(self, data: SimpleNamespace, body: object, stored_bytes: int) -> None:
        del body, stored_bytes
        self.sent.append(data.number)

    def info(self) -> None:
        return None

    def send(self, message: object) -> None:
        """Nothing comes of it."""

    def end(self) -> None:
        self.breaks.set()
        self.ended.set()

    def close(self) -> None:
        self.end()


class Credit:
    """Credit that is given just when the stream that asks for it has died."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.given = 0

    def take(self, count_bytes: int) -> bool:
        del count_bytes
        self._channel.breaks.set()
        return self._channel.ended.wait(30)

    def give(self, count_bytes: int) -> None:
        self.given += count_bytes


@pytest.mark.timeout(60)
def test_a_bundle_that_was_taken_by_a_stream_that_had_just_died_goes_again() -> None:
    dying, lost = Channel(), threading.Event()
    numbers: list[int] = []

    def take_lost(bundles: list[int]) -> None:
        numbers.extend(bundles)
        lost.set()

    ready, ending, credit = ReadyQueue(), Ending(), Credit(dying)
    with Crew(ending) as crew:
        streams = Streams(
            lambda _: dying,  # type: ignore[arg-type,return-value]
            ready,
            credit,  # type: ignore[arg-type]
            SimpleNamespace(lost=take_lost),
            crew,
            ending,
        )
        ending.at_end(ready.close)
        ending.at_end(streams.end)
        streams._opened = 1
        streams.resize(1)
        ready.begin(1 << 20)
        ready.resize(1 << 20)
        bundle = SimpleNamespace(data=SimpleNamespace(number=7), body=[], stored_bytes=1000)
        assert ready.put(bundle)  # type: ignore[arg-type]
        assert lost.wait(30)
        ending.end()
    assert numbers == [7]
    assert credit.given == 1000


def test_each_stream_is_fitted_to_its_share_of_the_link() -> None:
    fitted: list[tuple[Link, int]] = []
    control, ready, ending = Channel(), ReadyQueue(), Ending()
    control.fit = lambda *what: fitted.append(what)  # type: ignore[attr-defined]
    with Crew(ending) as crew:
        streams = Streams(None, ready, None, SimpleNamespace(), crew, ending)  # type: ignore[arg-type]
        ending.at_end(ready.close)
        streams.fit(Link(100.0))
        streams.begin(control)  # type: ignore[arg-type]
        streams.fit(Link(200.0))
        ending.end()
    assert fitted == [(Link(200.0), 1)]


def test_why_the_receiver_left_is_told_rather_than_that_it_left() -> None:
    control, ready, ending, sending = Channel(), ReadyQueue(), Ending(), threading.Event()

    def fails(*_: object) -> None:
        sending.set()
        raise ConnectionLostError("the connection failed")

    control.send_bundle = fails  # type: ignore[method-assign]
    with Crew(ending) as crew:
        credit = SimpleNamespace(take=lambda _: True, give=lambda _: None)
        streams = Streams(None, ready, credit, SimpleNamespace(), crew, ending)  # type: ignore[arg-type]
        ending.at_end(ready.close)
        streams.begin(control)  # type: ignore[arg-type]
        ready.begin(1 << 20)
        ready.resize(1 << 20)
        ready.put(SimpleNamespace(data=SimpleNamespace(number=0), body=[], stored_bytes=10))  # type: ignore[arg-type]
        assert sending.wait(30)
        ending.end(StorageError("the disk is full"))
    assert isinstance(ending.error, StorageError)
