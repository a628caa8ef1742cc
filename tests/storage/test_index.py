"""The index: what was said of a block is found; a file that is no index is named."""

import sqlite3
from pathlib import Path

import pytest

from dwcp.errors import CorruptIndexError
from dwcp.storage.index import Index, Located
from dwcp.storage.packs import PackEntry, StoredKind

A, B, X, Y, Z = (bytes((number,)) * 32 for number in range(5))


def entry(block_id: bytes, offset: int = 4, base: bytes = b"") -> PackEntry:
    return PackEntry(block_id, StoredKind.CHUNK, offset, 10, 20, "zstd-3", base)


@pytest.fixture(params=["memory", "file"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Index:
    return Index(None if request.param == "memory" else tmp_path / "index.sqlite")


def test_found_where_it_was_said_to_be(index: Index) -> None:
    index.add_pack(A, [entry(X), entry(Y, 14, X)], is_new=True)
    assert index.find(X) == Located(A, entry(X))
    assert index.find(Y) == Located(A, entry(Y, 14, X))
    assert index.find(Z) is None
    assert (index.pack_ids(), index.entries_in(A), index.entries_in(B)) == (
        [A],
        [entry(X), entry(Y, 14, X)],
        [],
    )
    assert (index.delta_count(), index.is_base(X), index.is_base(Y)) == (1, True, False)
    assert index.totals() == [(StoredKind.CHUNK, "zstd-3", 2, 40, 20)]
    assert index.faults() == []
    index.close()


def test_a_new_pack_is_preferred_and_one_that_was_found_is_not(index: Index) -> None:
    index.add_pack(A, [entry(X)], is_new=True)
    index.add_pack(B, [entry(X, 50)], is_new=False)
    assert index.find(X) == Located(A, entry(X))
    index.add_pack(B, [entry(X, 50)], is_new=True)
    assert index.find(X) == Located(B, entry(X, 50))
    assert index.entries_in(A) == []
    index.close()


def test_a_whole_block_that_was_found_is_preferred_to_a_delta(index: Index) -> None:
    index.add_pack(A, [entry(X, base=Y)], is_new=False)
    index.add_pack(B, [entry(X)], is_new=False)
    index.add_pack(A, [entry(X, base=Y)], is_new=False)
    assert index.find(X) == Located(B, entry(X))
    index.close()


def test_forgotten_packs_take_their_blocks_with_them(index: Index) -> None:
    index.add_pack(A, [entry(X)], is_new=True)
    index.add_pack(B, [entry(Y)], is_new=True)
    index.forget_packs([A, Z])
    assert (index.find(X), index.pack_ids()) == (None, [B])
    assert index.find(Y) is not None
    index.close()


def test_it_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    first = Index(path)
    first.add_pack(A, [entry(X)], is_new=True)
    second = Index(path)
    assert second.find(X) == Located(A, entry(X))
    first.close()
    second.close()


def test_what_is_no_index_is_named(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(CorruptIndexError, match=r"index\.sqlite is damaged .* rebuild it"):
        Index(path)


def test_another_version_is_named(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(CorruptIndexError, match="version 9"):
        Index(path)


def test_a_row_that_cannot_be_is_named(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    index = Index(path)
    index.add_pack(A, [entry(X)], is_new=True)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE blocks SET kind = 7")
    connection.close()
    with pytest.raises(CorruptIndexError, match="a row that cannot be"):
        index.find(X)
    index.close()
