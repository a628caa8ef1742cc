import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from dwcp.blocks import DEFAULT_CHUNKING, Chunking
from dwcp.codecs import plaintext_id
from dwcp.errors import StorageError
from dwcp.transfer.receiving.block_table import block_row
from dwcp.transfer.receiving.disk import Disk
from dwcp.transfer.receiving.facts import FileFacts
from dwcp.transfer.receiving.index import Index, IndexedFile
from dwcp.transfer.receiving.listing import Lister
from dwcp.transfer.receiving.tree import Tree

FACTS = FileFacts(1, 2, 3, 4)
OTHER = Chunking(64, 256, 1024)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    opened = Index(tmp_path / "index.sqlite")
    yield opened
    opened.close()


def _file(number: int, path: bytes, chunks: int = 1) -> IndexedFile:
    return IndexedFile(number, path, bytes(33), chunks, FACTS)


def test_blocks_are_found_by_their_whole_id(index: Index) -> None:
    assert index.is_empty()
    ids = [plaintext_id(b"%d" % number) for number in range(2000)]
    index.put_blocks([block_row(each, 7, number * 10, 10) for number, each in enumerate(ids)])
    assert not index.is_empty()
    found = index.find(ids[5:1500])
    assert len(found) == 1495
    assert found[ids[700]] == (7, 7000, 10)
    same_key = ids[3][:8] + bytes(24)
    assert index.find([same_key]) == {}
    index.put_blocks([block_row(same_key, 8, 0, 5)])
    assert index.find([ids[3], same_key]) == {same_key: (8, 0, 5)}


def test_files_by_number_and_in_walk_order(index: Index) -> None:
    paths = [
        b"root",
        b"root/a",
        b"root/a/b",
        b"root/a/b/c",
        b"root/a-",
        b"root/a-/z",
        b"root/b",
        b"root2",
        b"roo",
        b"z",
    ]
    shuffled = random.Random(1).sample(paths, len(paths))
    index.put_files([_file(number, path) for number, path in enumerate(shuffled, 1)], DEFAULT_CHUNKING)
    found = index.page(b"root", b"", 100, DEFAULT_CHUNKING)
    assert [file.path for file in found] == paths[:7]
    assert [file.path for file in index.page(b"root", b"root/a/b", 2, DEFAULT_CHUNKING)] == paths[2:4]
    assert [file.path for file in index.page(b"root", b"root/a/b/", 2, DEFAULT_CHUNKING)] == paths[3:5]
    assert index.page(b"root", b"", 100, OTHER) == []
    first = found[1]
    assert index.file(first.number) == first
    assert index.file(999) is None


def test_a_new_version_replaces_the_old_one(index: Index) -> None:
    index.put_files([_file(1, b"root/a")], DEFAULT_CHUNKING)
    index.put_files([_file(2, b"root/a")], DEFAULT_CHUNKING)
    assert index.file(1) is None
    index.refresh([(b"root/a", FileFacts(9, 9, 9, 9)), (b"root/b", FACTS)])
    found = index.file(2)
    assert found is not None
    assert found.facts == FileFacts(9, 9, 9, 9)
    index.drop([found])
    assert index.file(2) is None


def test_numbers_are_never_given_twice(index: Index, tmp_path: Path) -> None:
    taken = [index.take_numbers(3), index.take_numbers(1), index.take_numbers(10)]
    assert taken == [1, 4, 5]
    index.close()
    again = Index(tmp_path / "index.sqlite")
    assert again.take_numbers(1) == 15
    again.close()


def test_blocks_of_forgotten_files_are_removed_once_they_are_many(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dwcp.transfer.receiving.index._MANY_DEAD", 50)
    ids = [plaintext_id(b"%d" % number) for number in range(100)]
    index.put_files([_file(1, b"root/a", 60), _file(2, b"root/b", 40)], DEFAULT_CHUNKING)
    index.put_blocks([block_row(each, 1 + number // 60, 0, 1) for number, each in enumerate(ids)])
    index.tidy()
    assert len(index.find(ids)) == 100
    index.put_files([_file(3, b"root/a", 0)], DEFAULT_CHUNKING)
    index.tidy()
    assert len(index.find(ids)) == 40


def test_an_index_of_another_version_is_set_aside(index: Index, tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "other.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    other = Index(tmp_path / "other.sqlite")
    assert other.is_empty()
    assert "other.damaged" in (other.damaged or "")
    other.close()


def test_an_index_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").mkdir()
    with pytest.raises(StorageError, match=r"index\.sqlite"):
        Index(tmp_path / "index.sqlite")


def test_listing_page_by_page(index: Index, tmp_path: Path) -> None:
    there = tmp_path / "there"
    for name in ("a", "b/c", "b-/d", "e"):
        (there / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (there / "root" / name).write_bytes(b"content")
    tree = Tree(os.open(there, os.O_RDONLY), str(there), Disk())
    paths = [b"root/a", b"root/b/c", b"root/b-/d", b"root/e", b"root/gone"]
    for number, path in enumerate(paths):
        told = tree.look(path)
        facts = FACTS if told is None else FileFacts.of(told)
        index.put_files([IndexedFile(number, path, bytes(33), 1, facts)], DEFAULT_CHUNKING)
    (there / "root" / "e").write_bytes(b"changed")
    lister = Lister(b"root", index, tree, DEFAULT_CHUNKING)
    first = lister.listing(2)
    second = lister.listing(2)
    third = lister.listing(2)
    listed = [entry.path for page in (first, second, third) for entry in page.entries]
    assert listed == [(b"a",), (b"b", b"c"), (b"b-", b"d")]
    assert not first.last
    assert third.last or second.last
    assert [file.path for file in index.page(b"root", b"", 10, DEFAULT_CHUNKING)] == paths[:3]
    tree.close()


def test_a_listing_of_long_paths_is_short(index: Index, tmp_path: Path) -> None:
    """However long the paths are, a page fits its message."""
    from dwcp.transfer.protocol import encode

    there = tmp_path / "there"
    tree_fd = os.open(tmp_path, os.O_RDONLY)
    tree = Tree(tree_fd, str(there), Disk())
    (tmp_path / "file").write_bytes(b"")
    told = FileFacts.of((tmp_path / "file").stat())
    paths = [b"root/" + b"/".join([b"%04d" % number + b"x" * 240] * 16) for number in range(600)]
    index.put_files(
        [IndexedFile(number, path, bytes(33), 1, told) for number, path in enumerate(paths)], DEFAULT_CHUNKING
    )
    tree.look = lambda _: (tmp_path / "file").stat()  # type: ignore[method-assign]
    lister = Lister(b"root", index, tree, DEFAULT_CHUNKING)
    listed = 0
    while True:
        page = lister.listing(16_384)
        encode(page)
        listed += len(page.entries)
        if page.last:
            break
    assert listed == len(paths)
    tree.close()
