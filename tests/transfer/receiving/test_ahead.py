"""A large file that may stay as it lies is verified while its records come, and not again at their end."""

import os
import random
import threading
from pathlib import Path

import pytest
from tiny_sender import NOW, Exchange, TinySender

from dwcp.transfer.protocol import Chunks, Record
from dwcp.transfer.receiving import Destination
from dwcp.transfer.receiving.places import Place, Places

SIZE = 200_000
MTIME_NS = 10**18


class Reads:
    """What was read of the destination, and the moment when so much was."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.total = 0
        self._changed = threading.Condition()
        read = Places.read

        def counted(places: Places, place: Place, length: int) -> bytes:
            data = read(places, place, length)
            with self._changed:
                self.total += len(data)
                self._changed.notify_all()
            return data

        monkeypatch.setattr(Places, "read", counted)

    def wait(self, total: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.total >= total, 30)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "large").write_bytes(random.Random(3).randbytes(SIZE))
    os.utime(folder / "large", ns=(0, MTIME_NS))
    destination = Destination(tmp_path / "there", now=NOW)
    Exchange(TinySender(folder), destination).run()
    destination.close()
    return folder


def in_small_records(records: list[Record]) -> list[Record]:
    small: list[Record] = []
    for record in records:
        if isinstance(record, Chunks):
            for at in range(0, len(record.lengths), 40):
                ids, lengths = record.ids[32 * at : 32 * (at + 40)], record.lengths[at : at + 40]
                small.append(Chunks(ids, lengths))
        else:
            small.append(record)
    return small


def test_it_is_read_once_and_before_its_end(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = Destination(tmp_path / "there", now=NOW)
    exchange = Exchange(TinySender(source, mode="sync", checksum=True), destination)
    incoming, reads = exchange.begin(), Reads(monkeypatch)
    before = (tmp_path / "there" / "tree" / "large").stat().st_ino
    records = in_small_records(exchange.sender.records())
    ends = [place for place, record in enumerate(records) if isinstance(record, Chunks)]
    known = 0
    for place, record in enumerate(records[: ends[-1] + 1]):
        incoming.take_records([record])
        if place in ends:
            known += sum(record.lengths)  # type: ignore[attr-defined]
            reads.wait(known)
    assert known == reads.total == SIZE
    incoming.take_records(records[ends[-1] + 1 :])
    incoming.root(exchange.sender.root())
    exchange.finish()
    done = exchange.commit()
    assert (done.files_written, done.files_kept) == (0, 1)
    assert reads.total == SIZE, "nothing is read again when it is known that it stays"
    assert (tmp_path / "there" / "tree" / "large").stat().st_ino == before
    assert exchange.sent == []


@pytest.mark.parametrize("at", [0, 77_777, SIZE - 1])
def test_rot_that_the_system_does_not_tell_of_is_found_and_mended(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    read = Places.read

    def rotten(places: Places, place: Place, length: int) -> bytes:
        data = bytearray(read(places, place, length))
        if not place.is_staged and place.at <= at < place.at + length:
            data[at - place.at] ^= 1
        return bytes(data)

    monkeypatch.setattr(Places, "read", rotten)
    there = tmp_path / "there" / "tree" / "large"
    before = there.stat().st_ino
    destination = Destination(tmp_path / "there", now=NOW)
    exchange = Exchange(TinySender(source, mode="sync", checksum=True), destination)
    exchange.begin()
    for record in in_small_records(exchange.sender.records()):
        exchange.incoming.take_records([record])
    exchange.incoming.root(exchange.sender.root())
    exchange.finish()
    exchange.commit()
    assert len(exchange.sent) == 1, "the chunk that is wrong comes again, and no other"
    assert there.stat().st_ino != before
    assert there.read_bytes() == (source / "large").read_bytes()


def test_a_file_that_cannot_stay_is_filled_before_its_end(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray((source / "large").read_bytes())
    data[:5000] = random.Random(4).randbytes(5000)
    (source / "large").write_bytes(data)
    destination = Destination(tmp_path / "there", now=NOW)
    exchange = Exchange(TinySender(source, mode="sync", checksum=True), destination)
    incoming, reads = exchange.begin(), Reads(monkeypatch)
    records = in_small_records(exchange.sender.records())
    end = max(place for place, record in enumerate(records) if isinstance(record, Chunks))
    for record in records[:end]:
        incoming.take_records([record])
    reads.wait(SIZE // 2)
    incoming.take_records(records[end:])
    incoming.root(exchange.sender.root())
    exchange.finish()
    exchange.commit()
    assert (tmp_path / "there" / "tree" / "large").read_bytes() == data
    assert len(exchange.sent) < len(exchange.sender.chunks) / 10
