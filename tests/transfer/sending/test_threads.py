"""A reader and several encoders at once, and how much memory they take."""

import os
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from sending_peer import MIB, FakeLink, Receiver, noise, outgoing_of, words

from dwcp.errors import DwcpError, SourceChangedError
from dwcp.transfer.protocol import Listing
from dwcp.transfer.sending import Outgoing, SendingOptions


def run_in_threads(outgoing: Outgoing, receiver: Receiver, encoders: int) -> None:
    """As the endpoints do it: one thread reads, several encode, and each bundle is taken in at once."""
    outgoing.accepted(receiver.accept())
    failures: list[BaseException] = []
    catalogued = threading.Event()

    def encode() -> None:
        try:
            while not (catalogued.is_set() and outgoing.is_done):
                bundle = outgoing.next_bundle(0.01)
                if bundle is not None:
                    assert not receiver.take_bundle(bundle)
                    outgoing.take_ack([bundle.data.number])
        except (AssertionError, DwcpError) as error:
            failures.append(error)
            outgoing.stop()

    threads = [threading.Thread(target=encode) for _ in range(encoders)]
    for thread in threads:
        thread.start()
    for message in outgoing.batches(lambda: Listing((), True)):
        want = receiver.take(message)
        if want is not None:
            outgoing.take_want(want)
    catalogued.set()
    for thread in threads:
        thread.join()
    assert failures == []


class Sink(Receiver):
    """Verifies, and keeps nothing of the content."""

    def take_bundle(self, bundle: object) -> list[int]:
        wrong = super().take_bundle(bundle)  # type: ignore[arg-type]
        with self._lock:
            self.bundles.clear()
            for chunk_id in self.content:
                self.content[chunk_id] = b""
        return wrong


@pytest.mark.parametrize("has_nothing", [True, False])
@pytest.mark.parametrize("encoders", [1, 4])
def test_all_arrives_from_several_threads(tmp_path: Path, encoders: int, has_nothing: bool) -> None:
    for n in range(400):
        (tmp_path / f"small {n}").write_bytes(words(n * 7, n))
    (tmp_path / "big").write_bytes(noise(12 * MIB))
    outgoing = outgoing_of(tmp_path, link=FakeLink(1000, encoders), budget_bytes=3 * MIB)
    receiver = Receiver(has_nothing=has_nothing)
    run_in_threads(outgoing, receiver, encoders)
    assert receiver.missing() == []
    receiver.check_against(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("has_nothing", [True, False])
def test_memory_does_not_grow_with_the_source(tmp_path: Path, has_nothing: bool) -> None:
    with (tmp_path / "big").open("wb") as file:
        for n in range(60):
            file.write(noise(4 * MIB, n))
    for n in range(3000):
        (tmp_path / f"small {n}").write_bytes(os.urandom(100))
    outgoing = outgoing_of(tmp_path, SendingOptions(codec="none"), FakeLink(10_000), budget_bytes=16 * MIB)
    receiver = Sink(has_nothing=has_nothing)
    tracemalloc.start()
    try:
        run_in_threads(outgoing, receiver, 2)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(receiver.chunks) > 6000
    assert most < 16 * MIB + 60 * MIB, "the budget, bundles on the way, and what this test's receiver holds"


def test_a_change_stops_every_thread(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(noise(12 * MIB))
    outgoing = outgoing_of(tmp_path, budget_bytes=0)
    receiver = Receiver(has_nothing=False)
    outgoing.accepted(receiver.accept())
    wants = [receiver.take(message) for message in outgoing.batches(lambda: Listing((), True))]
    (tmp_path / "big").write_bytes(noise(12 * MIB, 2))
    raised: list[SourceChangedError] = []

    def encode() -> None:
        try:
            while outgoing.next_bundle(5.0) is not None:
                pass
        except SourceChangedError as error:
            raised.append(error)
            outgoing.stop()

    threads = [threading.Thread(target=encode) for _ in range(3)]
    for thread in threads:
        thread.start()
    for want in wants:
        if want is not None:
            outgoing.take_want(want)
    for thread in threads:
        thread.join(10)
    assert raised
    assert not any(thread.is_alive() for thread in threads)


def test_a_reader_that_waits_for_room_is_let_go(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(noise(12 * MIB))
    outgoing = outgoing_of(tmp_path, budget_bytes=MIB)
    outgoing.accepted(Receiver().accept())
    ended = threading.Event()

    def read() -> None:
        messages: Iterator[object] = outgoing.batches(lambda: Listing((), True))
        for _ in messages:
            pass
        ended.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert not ended.wait(0.2)
    outgoing.stop()
    thread.join(10)
    assert ended.is_set()
