"""Faults of disks, lines and memory."""

import errno
import os
import random
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from tiny_sender import NOW, Exchange, TinySender, make_tree, snapshot

from dwcp.errors import StorageError
from dwcp.transfer.protocol import Data
from dwcp.transfer.receiving import Destination, Disk


@pytest.mark.parametrize("framed", [True, False])
def test_flipped_bits_on_the_way_are_found_and_asked_for_again(tmp_path: Path, framed: bool) -> None:
    rng = random.Random(5)
    source = make_tree(tmp_path / "tree", rng)
    destination = Destination(tmp_path / "there", now=NOW)
    flipped = 0

    def damage(data: Data, body: bytes) -> tuple[Data, bytes]:
        nonlocal flipped
        if rng.random() < 0.3:
            flipped += 1
            at = rng.randrange(len(body))
            body = body[:at] + bytes((body[at] ^ 1 << rng.randrange(8),)) + body[at + 1 :]
        return data, body

    exchange = Exchange(TinySender(source), destination, rng, framed=framed, damage=damage)
    exchange.run()
    assert flipped > 3
    assert snapshot(tmp_path / "there" / "tree") == snapshot(source)
    progress = exchange.incoming.progress
    assert progress.chunks_wrong >= flipped
    assert all(sum(want.missing[-1]) <= want.upto for want in exchange.wants if want.missing)
    destination.close()


def test_the_good_chunks_of_a_wrong_bundle_are_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(random.Random(1).randbytes(5000))
    destination = Destination(tmp_path / "there", now=NOW)
    exchange = Exchange(TinySender(tmp_path / "file"), destination, bundle_chunks=100, framed=False)
    damaged = []

    def damage(data: Data, body: bytes) -> tuple[Data, bytes]:
        if not damaged:
            damaged.append(data)
            body = body[:2500] + bytes((body[2500] ^ 1,)) + body[2501:]
        return data, body

    exchange.damage = damage
    exchange.run()
    assert len(exchange.sent) == len(exchange.sender.chunks) + 1
    assert (tmp_path / "there" / "file").read_bytes() == (tmp_path / "file").read_bytes()
    destination.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("after", [0, 3, 10])
def test_a_disk_that_fails(tmp_path: Path, number: int, after: int) -> None:
    class Failing(Disk):
        writes = 0

        def write(self, fd: int, data: memoryview, offset: int) -> None:
            Failing.writes += 1
            if Failing.writes > after:
                raise OSError(number, os.strerror(number))
            super().write(fd, data, offset)

    rng = random.Random(5)
    source = make_tree(tmp_path / "tree", rng)
    destination = Destination(tmp_path / "there", now=NOW, disk=Failing())
    exchange = Exchange(TinySender(source), destination, rng, threads=2)
    with pytest.raises(StorageError, match=r"cannot be (read or )?written: ") as raised:
        exchange.run()
    assert raised.value.retryable == (number not in (errno.EROFS, errno.EACCES))
    assert str(tmp_path / "there") in str(raised.value)
    assert isinstance(raised.value.__cause__, OSError)
    with pytest.raises(StorageError):
        exchange.incoming.wait_complete(1)
    destination.close()
    destination = Destination(tmp_path / "there", now=NOW)
    again = Exchange(TinySender(source), destination, rng)
    again.run()
    assert snapshot(tmp_path / "there" / "tree") == snapshot(source)
    received = exchange.incoming.progress.bytes_received
    assert again.sent_bytes <= sum(len(chunk) for chunk in {*again.sender.chunks}) - received
    destination.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    (tmp_path / "small").mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "none", tmp_path / "small"],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        yield tmp_path / "small"
    finally:
        subprocess.run(["umount", "-l", tmp_path / "small"], check=True)


def test_a_full_disk(tmp_path: Path, small_disk: Path) -> None:
    rng = random.Random(5)
    source = tmp_path / "tree"
    source.mkdir()
    for number in range(20):
        (source / f"{number}").write_bytes(rng.randbytes(130_000))
    destination = Destination(small_disk / "there", now=NOW)
    (small_disk / "ballast").write_bytes(bytes(1_500_000))
    exchange = Exchange(TinySender(source), destination, rng)
    with pytest.raises(StorageError, match=r"make room|free"):
        exchange.run()
    destination.close()
    (small_disk / "ballast").unlink()
    destination = Destination(small_disk / "there", now=NOW)
    again = Exchange(TinySender(source), destination, rng, batch=1000)
    again.run()
    assert again.sent_bytes <= again.sender.plain_bytes - exchange.incoming.progress.bytes_received
    assert snapshot(small_disk / "there" / "tree") == snapshot(source)
    destination.close()


def test_the_same_bundle_in_several_threads_at_once(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "tree", random.Random(5))
    destination = Destination(tmp_path / "there", now=NOW)
    exchange = Exchange(TinySender(source), destination)
    exchange.begin()
    exchange.incoming.take_records(exchange.sender.records())
    exchange.incoming.root(exchange.sender.root())
    numbers = range(len(exchange.sender.chunks))
    bundles = [exchange.bundle([number]) for number in numbers for _ in range(4)]
    random.Random(1).shuffle(bundles)
    taken: list[int] = []

    def take(part: int) -> None:
        for data, body in bundles[part::4]:
            taken.append(exchange.incoming.take_bundle(data, memoryview(body)))

    threads = [threading.Thread(target=take, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert exchange.incoming.wait_complete(10)
    progress = exchange.incoming.progress
    assert sum(taken) == progress.bytes_received
    assert progress.bytes_received + progress.bytes_local == exchange.sender.plain_bytes
    exchange.commit()
    assert snapshot(tmp_path / "there" / "tree") == snapshot(source)
    destination.close()


def test_a_damaged_index_is_set_aside_and_built_again(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "tree", random.Random(5))
    destination = Destination(tmp_path / "there", now=NOW)
    Exchange(TinySender(source), destination).run()
    assert destination.notes == ()
    destination.close()
    index = tmp_path / "there" / ".dwcp" / "index.sqlite"
    index.write_bytes(b"no database at all, " * 1000)
    destination = Destination(tmp_path / "there", now=NOW)
    assert "damaged" in destination.notes[0]
    assert index.with_suffix(".damaged").exists()
    exchange = Exchange(TinySender(source, mode="sync"), destination)
    done = exchange.run()
    assert (exchange.sent, done.files_kept) == ([], 15)
    exchange = Exchange(TinySender(source, mode="sync"), destination)
    exchange.run()
    assert exchange.sender.kept == 15
    destination.close()


def test_an_index_that_is_damaged_inside(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "tree", random.Random(5), files=60)
    destination = Destination(tmp_path / "there", now=NOW)
    Exchange(TinySender(source), destination).run()
    destination.close()
    index = tmp_path / "there" / ".dwcp" / "index.sqlite"
    data = bytearray(index.read_bytes())
    for at in range(8192, len(data), 4096):
        data[at : at + 64] = b"\xee" * 64
    index.write_bytes(data)
    destination = Destination(tmp_path / "there", now=NOW)
    Exchange(TinySender(source, mode="sync", checksum=True), destination).run()
    assert "damaged" in destination.notes[0]
    assert snapshot(tmp_path / "there" / "tree") == snapshot(source)
    destination.close()


def test_a_destination_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="choose another"):
        Destination(tmp_path / "file", now=NOW)
    with pytest.raises(StorageError, match="choose another"):
        Destination(tmp_path / "file" / "below", now=NOW)


def test_a_stream_that_died_sends_again(tmp_path: Path) -> None:
    """A bundle may come twice, under another number, before and after everything is there."""
    source = make_tree(tmp_path / "tree", random.Random(5))
    destination = Destination(tmp_path / "there", now=NOW)
    exchange = Exchange(TinySender(source), destination)
    exchange.begin()
    exchange.incoming.take_records(exchange.sender.records())
    exchange.incoming.root(exchange.sender.root())
    for number in range(len(exchange.sender.chunks)):
        for again in range(2):
            data, body = exchange.bundle([number])
            exchange.incoming.take_bundle(replace(data, number=2 * number + again), memoryview(body))
    exchange.finish()
    exchange.commit()
    assert snapshot(tmp_path / "there" / "tree") == snapshot(source)
    destination.close()
