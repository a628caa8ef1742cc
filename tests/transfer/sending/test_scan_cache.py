"""The scan cache: what did not change is not read again, and nothing that goes wrong with it matters."""

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sending_peer import MIB, Receiver, noise, outgoing_of, run, send, small_chunking, words

from dwcp.blocks import Chunking
from dwcp.errors import SourceChangedError
from dwcp.transfer.sending import Outgoing, SendingOptions
from dwcp.transfer.sending.scan_cache import ScanCache

LATER_NS = 10**10
"""Long enough after a file was written for it to be trusted."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "big").write_bytes(noise(6 * MIB))
    (root / "small").write_bytes(b"small")
    (root / "empty").write_bytes(b"")
    with (root / "sparse").open("wb") as file:
        file.truncate(5 * MIB)
        file.seek(2 * MIB)
        file.write(words(200_000))
    return root


@pytest.fixture
def scan(tmp_path: Path, tree: Path) -> Callable[..., Outgoing]:
    """One session to a receiver that has everything already, long after the last change."""
    known = send(tree).content

    def run_one(options: SendingOptions | None = None, later_ns: int = LATER_NS) -> Outgoing:
        options = options or SendingOptions(scan_cache=tmp_path / "state" / "scan.sqlite")
        newest = max(path.stat().st_ctime_ns for path in tree.iterdir())
        outgoing = outgoing_of(tree, options, now_ns=lambda: newest + later_ns)
        receiver = Receiver(has_nothing=False, known=known)
        with closing(outgoing):
            run(outgoing, receiver)
        receiver.check_against(tree)
        known.update(receiver.content)
        return outgoing

    return run_one


def test_an_unchanged_tree_is_not_read_again(scan: Callable[..., Outgoing]) -> None:
    assert scan().counters.files_cached == 0
    again = scan()
    assert again.counters.files_cached == again.counters.files == 4
    assert again.counters.read_bytes == 0


def test_what_changed_is_read(scan: Callable[..., Outgoing], tree: Path) -> None:
    scan()
    (tree / "big").write_bytes(noise(6 * MIB, seed=2))
    (tree / "small").write_bytes(b"other")
    os.utime(tree / "empty")
    again = scan()
    assert again.counters.files_cached == 1
    assert again.counters.read_bytes == 6 * MIB + 5


def test_a_change_that_keeps_size_and_time_shows_in_the_inode(
    scan: Callable[..., Outgoing], tree: Path
) -> None:
    scan()
    told = (tree / "big").stat()
    (tree / "big").write_bytes(noise(6 * MIB, seed=3))
    os.utime(tree / "big", ns=(told.st_atime_ns, told.st_mtime_ns))
    assert scan().counters.files_cached == 3


def test_what_changed_just_now_is_not_trusted(scan: Callable[..., Outgoing]) -> None:
    scan(later_ns=0)
    assert scan().counters.files_cached == 0
    assert scan().counters.files_cached == 4


def test_another_chunking_begins_anew(scan: Callable[..., Outgoing], tmp_path: Path) -> None:
    scan()
    other = SendingOptions(scan_cache=tmp_path / "state" / "scan.sqlite", chunking=small_chunking())
    assert scan(other).counters.files_cached == 0
    assert scan().counters.files_cached == 0


def test_files_that_are_gone_are_forgotten(scan: Callable[..., Outgoing], tree: Path, tmp_path: Path) -> None:
    scan()
    (tree / "small").unlink()
    scan()
    with sqlite3.connect(tmp_path / "state" / "scan.sqlite") as database:
        paths = {path for (path,) in database.execute("SELECT path FROM files")}
    database.close()
    assert paths == {b"tree/big", b"tree/empty", b"tree/sparse"}


def test_a_file_of_many_chunks_is_kept_in_rows(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "file").write_bytes(noise(6 * MIB))
    options = SendingOptions(scan_cache=tmp_path / "scan.sqlite", chunking=Chunking(256, 512, 1024))
    later = (tree / "file").stat().st_ctime_ns + LATER_NS
    first = outgoing_of(tree, options, now_ns=lambda: later)
    run(first, Receiver(has_nothing=False))
    assert first.counters.bundled_bytes == 6 * MIB
    second, receiver = outgoing_of(tree, options, now_ns=lambda: later), Receiver(has_nothing=False)
    run(second, receiver)
    assert second.counters.files_cached == 1
    receiver.check_against(tree)


@pytest.mark.parametrize("damage", ["garbage", "folder", "row"])
def test_damage_means_reading(scan: Callable[..., Outgoing], tmp_path: Path, damage: str) -> None:
    path = tmp_path / "state" / "scan.sqlite"
    scan()
    if damage == "garbage":
        path.write_bytes(b"this is no database at all" * 1000)
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        database = sqlite3.connect(path)
        database.execute("UPDATE files SET content = substr(content, 1, length(content) / 2)")
        database.execute("UPDATE files SET content = x'' WHERE path = ?", (b"tree/sparse",))
        database.commit()
        database.close()
    again = scan()
    assert again.counters.files == 4
    assert again.counters.files_cached <= 1, "an empty file's row may look whole"
    assert scan().counters.files_cached == (0 if damage == "folder" else 4)


def test_ids_that_are_wrong_end_the_session_and_are_forgotten(
    scan: Callable[..., Outgoing], tmp_path: Path, tree: Path
) -> None:
    scan()
    path = tmp_path / "state" / "scan.sqlite"
    database = sqlite3.connect(path)
    [(content,)] = database.execute("SELECT content FROM files WHERE path = ?", (b"tree/big",))
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    database.execute("UPDATE files SET content = ? WHERE path = ?", (flipped, b"tree/big"))
    database.commit()
    database.close()
    with pytest.raises(SourceChangedError):
        scan()
    assert scan().counters.files_cached == 3


def test_a_locked_cache_is_done_without(scan: Callable[..., Outgoing], tmp_path: Path) -> None:
    scan()
    database = sqlite3.connect(tmp_path / "state" / "scan.sqlite", isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    assert scan().counters.files == 4
    database.execute("ROLLBACK")
    database.close()


def test_forgetting_from_another_thread(tmp_path: Path) -> None:
    cache = ScanCache(tmp_path / "scan.sqlite", "test", small_chunking())
    (tmp_path / "file").write_bytes(b"x")
    told = (tmp_path / "file").stat()
    cache.keep_small(b"file", told, told.st_ctime_ns + LATER_NS, bytes(32))
    thread = threading.Thread(target=cache.forget, args=(b"file",))
    thread.start()
    thread.join()
    cache.close()
    cache.close()
    again = ScanCache(tmp_path / "scan.sqlite", "test", small_chunking())
    assert again.find(b"file", told) is None
    again.close()
    assert again.find(b"file", told) is None
    again.keep_small(b"file", told, told.st_ctime_ns + LATER_NS, bytes(32))
