"""What lies at the destination: its files, what the system told of them, and where in them which block lies.

A cache: every use of a block verifies its hash, and a file counts only while the system still tells the same
of it.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from dwcp.blocks import Chunking
from dwcp.transfer.receiving.block_table import (
    BLOCKS_SQL,
    BlockPlace,
    BlockRow,
    find_blocks,
    has_blocks,
    put_blocks,
)
from dwcp.transfer.receiving.database import CacheDatabase
from dwcp.transfer.receiving.facts import FileFacts

__all__ = ["Index", "IndexedFile", "path_key"]

_TABLES = (
    BLOCKS_SQL
    + """
CREATE TABLE IF NOT EXISTS files (
    number INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, chunking TEXT NOT NULL, content BLOB NOT NULL,
    chunks INTEGER NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL,
    inode INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""
)
_COLUMNS = "number, path, content, chunks, size, mtime, ctime, inode"
_MANY_DEAD = 100_000


class IndexedFile(NamedTuple):
    """A regular file at the destination.

    Attributes:
        number: names it in the index; a new version gets a new one.
        path: components from the root's name on, joined by ``/``.
        content: its link's bytes.
        chunks: how many it has.
        facts: what the system told of it.
    """

    number: int
    path: bytes
    content: bytes
    chunks: int
    facts: FileFacts


class Index:
    """The index of one destination. Safe to use from several threads. All methods raise StorageError."""

    def __init__(self, path: Path) -> None:
        """Open it, made where it is missing.

        Args:
            path: of its database.
        """
        self._database = CacheDatabase(path, _TABLES)

    @property
    def damaged(self) -> str | None:
        """What to tell a person where the index was damaged and is built again."""
        return self._database.damaged

    def is_empty(self) -> bool:
        """Whether nothing is known."""
        return not has_blocks(self._database)

    def find(self, ids: Sequence[bytes]) -> dict[bytes, BlockPlace]:
        """Where those of these blocks lie that are known."""
        return find_blocks(self._database, ids)

    def file(self, number: int) -> IndexedFile | None:
        """A file by number."""
        found = self._files(f"SELECT {_COLUMNS} FROM files WHERE number = ?", (number,))
        return found[0] if found else None

    def page(self, root: bytes, begin: bytes, count: int, chunking: Chunking) -> list[IndexedFile]:
        """Files of a tree in walk order.

        Args:
            root: the tree's top.
            begin: path of the first, or where it would stand; with a slash at its end, what comes after it.
            count: at most so many.
            chunking: only those that were cut this way.
        """
        query = (
            f"SELECT {_COLUMNS} FROM files WHERE path >= max(?, ?) AND path < ? AND chunking = ? "
            "ORDER BY path LIMIT ?"
        )
        key = path_key(root)
        return self._files(query, (key, path_key(begin), key + b"\1", _cut(chunking), count))

    def take_numbers(self, count: int) -> int:
        """The first of so many numbers for new files, none of which was ever used."""
        return self._database.run(lambda connection: _count(connection, "numbers", count), 1) - count + 1

    def put_files(self, files: Iterable[IndexedFile], chunking: Chunking, are_new: bool = False) -> None:
        """Note files; what was known of their paths is replaced.

        Args:
            files: to note.
            chunking: how they were cut.
            are_new: whether nothing is known of these paths, which saves looking.
        """
        cut = _cut(chunking)
        rows = [(f.number, path_key(f.path), cut, f.content, f.chunks, *f.facts) for f in files]

        def put(connection: sqlite3.Connection) -> None:
            if not are_new:
                _note_dead(connection, [row[1] for row in rows])
            connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

        self._database.run(put, None)

    def put_blocks(self, rows: Iterable[BlockRow]) -> None:
        """Note where blocks lie."""
        self._database.run(partial(put_blocks, rows=rows), None)

    def refresh(self, facts: Iterable[tuple[bytes, FileFacts]]) -> None:
        """Note what the system tells now of files whose content is the same, by path."""
        rows = [(*fact, path_key(path)) for path, fact in facts]
        query = "UPDATE files SET size = ?, mtime = ?, ctime = ?, inode = ? WHERE path = ?"
        self._database.run(lambda connection: connection.executemany(query, rows), None)

    def drop(self, files: Sequence[IndexedFile]) -> None:
        """Forget files that are not there any more."""
        keys = [path_key(file.path) for file in files]

        def drop(connection: sqlite3.Connection) -> None:
            _note_dead(connection, keys)
            connection.executemany("DELETE FROM files WHERE path = ?", [(key,) for key in keys])

        self._database.run(drop, None)

    def tidy(self) -> None:
        """Remove blocks of forgotten files, if they are many."""
        self._database.run(_tidy, None)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _files(self, query: str, values: tuple[Any, ...]) -> list[IndexedFile]:
        return [
            IndexedFile(row[0], row[1].replace(b"\0", b"/"), row[2], row[3], FileFacts(*row[4:]))
            for row in self._database.ask(query, values)
        ]


def _note_dead(connection: sqlite3.Connection, keys: Sequence[bytes]) -> None:
    """Count the blocks of files that are about to be replaced or forgotten."""
    dead = sum(
        chunks
        for key in keys
        for (chunks,) in connection.execute("SELECT chunks FROM files WHERE path = ?", (key,))
    )
    if dead:
        _count(connection, "dead", dead)


def _tidy(connection: sqlite3.Connection) -> None:
    dead = _counted(connection, "dead")
    if dead < _MANY_DEAD:
        return
    (blocks,) = connection.execute("SELECT count(*) FROM blocks").fetchone()
    if 2 * dead > blocks:
        connection.execute("DELETE FROM blocks WHERE file NOT IN (SELECT number FROM files)")
        connection.execute("DELETE FROM counts WHERE name = 'dead'")


def _count(connection: sqlite3.Connection, name: str, more: int) -> int:
    """Add to a count; returns what it is then."""
    query = "INSERT INTO counts VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + ?2"
    connection.execute(query, (name, more))
    return _counted(connection, name)


def _counted(connection: sqlite3.Connection, name: str) -> int:
    row = connection.execute("SELECT value FROM counts WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else 0


def path_key(path: bytes) -> bytes:
    """A path such that the order of keys as bytes is the walk's: NUL is below all that names may hold."""
    return path.replace(b"/", b"\0")


def _cut(chunking: Chunking) -> str:
    return f"{chunking.min_bytes},{chunking.avg_bytes},{chunking.max_bytes}"
