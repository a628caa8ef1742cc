"""Trees, trash, leases, tables: what the rest stands on."""

import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.errors import StorageError
from dwcp.transfer.receiving.chunk_log import CHUNK_ROW, ChunkLog, keyed_rows
from dwcp.transfer.receiving.disk import Disk
from dwcp.transfer.receiving.entries import Entries, Entry, EntryKind, Flag
from dwcp.transfer.receiving.facts import FactsTable, FileFacts
from dwcp.transfer.receiving.leases import Leases
from dwcp.transfer.receiving.table import Table
from dwcp.transfer.receiving.trash import Trash
from dwcp.transfer.receiving.tree import Tree


def _open(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY)


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    (tmp_path / "top").mkdir()
    opened = Tree(_open(tmp_path / "top"), str(tmp_path / "top"), Disk())
    yield opened
    opened.close()


def test_links_are_never_followed(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"secret")
    (tmp_path / "top" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "top" / "to file").symlink_to(tmp_path / "outside" / "file")
    assert tree.look(b"link/file") is None
    assert tree.open_file(b"link/file") is None
    assert tree.open_file(b"to file") is None
    assert tree.look(b"to file") is not None
    with pytest.raises(NotADirectoryError):
        tree.hold(b"link")
    assert tree.hold(b"link/made", make=True) >= 0
    tree.release(b"link/made")
    assert not (tmp_path / "outside" / "made").exists()
    assert (tmp_path / "top" / "link" / "made").is_dir()


def test_only_regular_files_are_opened(tree: Tree, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "top" / "pipe")
    (tmp_path / "top" / "directory").mkdir()
    assert tree.open_file(b"pipe") is None
    assert tree.open_file(b"directory") is None
    assert tree.open_file(b"nothing") is None
    assert tree.look(b"nothing/below") is None
    assert tree.look(b"pipe/below") is None


def test_deep_paths(tree: Tree, tmp_path: Path) -> None:
    deep = b"/".join(b"%d" % (each % 10) for each in range(1500))
    tree.hold(deep, make=True)
    tree.release(deep)
    assert tree.look(deep) is not None
    tree.forget()
    tree.hold(deep)
    tree.release(deep)
    trash = Trash(tree.root_fd, Disk())
    trash.take(b"0", tree.root_fd)
    trash.empty()
    trash.close()
    assert not (tmp_path / "top" / "0").exists()


def test_paths_are_shown_whatever_they_are(tree: Tree) -> None:
    assert tree.shown(b"a\xff\nb").endswith("top/a\\udcff\nb")
    error = tree.error(OSError(28, "No space left on device"), b"path")
    assert isinstance(error, StorageError)
    assert "top/path" in str(error)


def test_trash_takes_everything(tmp_path: Path) -> None:
    folder = _open(tmp_path)
    trash = Trash(folder, Disk())
    deep = tmp_path / "deep"
    for each in range(300):
        deep = deep / "ab"[each % 2]
    deep.mkdir(parents=True)
    for number in range(50):
        (deep / f"{number}").write_bytes(b"")
    (tmp_path / "locked").mkdir(mode=0)
    (tmp_path / "file").write_bytes(b"")
    assert trash.take(b"file", folder) == 1
    assert [trash.take(name, folder) for name in (b"deep", b"locked")] == [0, 0]
    assert trash.empty() == 50
    assert [path.name for path in tmp_path.iterdir()] == ["trash"]
    trash.close()
    again = Trash(folder, Disk())
    again.close()
    os.close(folder)


def test_leases_close_the_least_recently_used_but_none_in_use(tmp_path: Path) -> None:
    opened: dict[bytes, int] = {}

    def open_it(key: bytes) -> int:
        opened[key] = os.open(tmp_path, os.O_RDONLY)
        return opened[key]

    leases = Leases(2)
    keys = [b"a", b"b", b"c", b"d"]
    for key in keys:
        leases.hold(key, open_it)
    leases.release(b"b")
    assert leases.hold(b"a", open_it) == opened[b"a"]
    leases.hold(b"e", open_it)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(opened[b"b"])
    for key in [*keys, b"e", b"a"]:
        if key != b"b":
            leases.release(key)
    leases.forget(b"a")
    leases.forget(b"nothing")
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(opened[b"a"])
    leases.close()
    for fd in opened.values():
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(fd)


def test_leases_of_many_threads(tmp_path: Path) -> None:
    leases = Leases(3)
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        rng = random.Random(seed)
        try:
            for _ in range(1500):
                key = b"%d" % rng.randrange(8)
                fd = leases.hold(key, lambda _: os.open(tmp_path, os.O_RDONLY))
                os.fstat(fd)
                leases.release(key)
        except (OSError, KeyError) as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    leases.close()
    assert errors == []


def test_a_table_drops_what_was_not_written_whole(tmp_path: Path) -> None:
    folder = _open(tmp_path)
    table = Table(b"table", folder, 4)
    table.append(b"aaaabbbb")
    table.write(5, b"ffff")
    assert table.read(0, 10) == b"aaaabbbb" + bytes(12) + b"ffff"
    table.close()
    (tmp_path / "table").write_bytes(b"aaaabbbbcc")
    table = Table(b"table", folder, 4)
    assert table.count == 2
    table.append(b"cccc")
    assert table.read(1, 5) == b"bbbbcccc"
    table.close()
    os.close(folder)


_entries = st.builds(
    Entry,
    st.just(0),
    st.sampled_from([int(kind) for kind in EntryKind]),
    st.integers(0, 127),
    st.integers(0, 0o7777),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=33, max_size=33),
    st.integers(0, 2**40),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=300),
)


@settings(max_examples=30)
@given(st.lists(_entries, min_size=1, max_size=30))
def test_entries_come_back_as_they_went_in(
    tmp_path_factory: pytest.TempPathFactory, given_entries: list[Entry]
) -> None:
    folder = _open(tmp_path_factory.mktemp("entries"))
    added = [entry._replace(number=number) for number, entry in enumerate(given_entries)]
    entries = Entries(folder)
    for entry in added:
        entries.add(entry)
    entries.flush()
    assert list(entries.walk()) == added
    assert list(entries.walk_back()) == added[::-1]
    assert entries.range(len(added), 5) == []
    changed = added[-1]._replace(flags=Flag.ENDED | Flag.KEPT, size_bytes=7)
    entries.replace(changed)
    entries.set_flags(0, Flag.RETRACTED)
    entries.close()
    entries = Entries(folder)
    assert entries.count == len(added)
    numbers = sorted([0, 0, len(added) - 1])
    assert [entry.number for entry in entries.of(numbers)] == numbers
    assert entries.one(0).flags == Flag.RETRACTED
    if len(added) > 1:
        assert entries.one(changed.number) == changed
    entries.close()
    os.close(folder)


def test_entries_far_apart(tmp_path: Path) -> None:
    folder = _open(tmp_path)
    entries = Entries(folder)
    for number in range(10_000):
        entries.add(Entry(number, EntryKind.FILE, 0, 0, 0, 0, bytes(33), 0, 0, b"%d" % number))
    entries.flush()
    wanted = [0, 1, 1, 50, 5000, 5063, 9999]
    assert [entry.path for entry in entries.of(wanted)] == [b"%d" % number for number in wanted]
    assert [entry.number for entry in entries.of(range(10_000))] == list(range(10_000))
    assert [entry.number for entry in entries.walk_back()] == list(range(9999, -1, -1))
    entries.close()
    os.close(folder)


def test_chunks_and_their_marks(tmp_path: Path) -> None:
    folder = _open(tmp_path)
    log = ChunkLog(folder)
    rows = [(bytes((number,)) * 32, number, 7, number * 10, 3, 4, 5) for number in range(100)]
    log.append(b"".join(CHUNK_ROW.pack(*row) for row in rows))
    assert [tuple(row) for row in log.read(0, 200)] == rows
    log.mark(5, 10)
    log.mark(7, 1, verified=False)
    ((first, packed, marks),) = log.pages()
    assert (first, len(marks)) == (0, 100)
    assert [number for number, mark in enumerate(marks) if mark] == [5, 6, *range(8, 15)]
    key, rest, length, entry, offset = list(keyed_rows(packed))[9]
    assert (rest, length, entry, offset) == (bytes((9,)) * 24, 9, 7, 90)
    assert key == int.from_bytes(bytes((9,)) * 8, "big", signed=True)
    log.close()
    os.close(folder)


def test_facts_by_number(tmp_path: Path) -> None:
    folder = _open(tmp_path)
    table = FactsTable(folder)
    facts = {number: FileFacts(number, -number, number, number + 1) for number in (3, 4, 5, 9, 20)}
    table.put_many(facts)
    table.put_many({4: FileFacts(0, 0, 0, 8)})
    found = table.range(0, 30)
    assert len(found) == 30
    assert {number for number, fact in enumerate(found) if fact} == set(facts)
    assert found[4] == FileFacts(0, 0, 0, 8)
    told = tmp_path.stat()
    assert not FileFacts.of(told).are_of(told)
    assert not FileFacts.of(told).are_of(None)
    table.close()
    os.close(folder)
