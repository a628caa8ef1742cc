"""Where blocks lie, by id, in SQLite.

The key is the first 8 bytes of the id as a signed integer, which SQLite finds fastest; the row holds the
other 24. Of two blocks with the same key one is not found: it travels again.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from struct import Struct
from typing import NamedTuple, TypeAlias

from dwcp.transfer.receiving.database import CacheDatabase

__all__ = ["BLOCKS_SQL", "BlockPlace", "BlockRow", "block_row", "find_blocks", "has_blocks", "put_blocks"]

BLOCKS_SQL = """
CREATE TABLE IF NOT EXISTS blocks (
    key INTEGER PRIMARY KEY, rest BLOB NOT NULL, file INTEGER NOT NULL, at INTEGER NOT NULL,
    length INTEGER NOT NULL
);
"""
"""Makes the table where it is missing."""
_KEY = Struct(">q24s")
_AT_ONCE = 256
_FIND = "SELECT key, rest, file, at, length FROM blocks WHERE key IN ({})"
_FIND_MANY = _FIND.format(",".join("?" * _AT_ONCE))

BlockRow: TypeAlias = tuple[int, bytes, int, int, int]
"""Key, the rest of the id, the file's number, the offset in it, the length."""


class BlockPlace(NamedTuple):
    """Where a block lies.

    Attributes:
        file: number of the file.
        at: offset in it.
        length: plain bytes.
    """

    file: int
    at: int
    length: int


def block_row(block_id: bytes, file: int, at: int, length: int) -> BlockRow:
    """The row of a block."""
    return (*_KEY.unpack(block_id), file, at, length)


def put_blocks(connection: sqlite3.Connection, rows: Iterable[BlockRow]) -> None:
    """Note where blocks lie; the latest place counts. Cheapest in thousands at a time."""
    connection.executemany("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?)", sorted(rows))


def find_blocks(database: CacheDatabase, ids: Sequence[bytes]) -> dict[bytes, BlockPlace]:
    """Where those of these blocks lie that are known."""
    wanted = dict(map(_KEY.unpack, ids))
    keys = list(wanted)
    found: dict[bytes, BlockPlace] = {}
    for begin in range(0, len(keys), _AT_ONCE):
        some = keys[begin : begin + _AT_ONCE]
        query = _FIND_MANY if len(some) == _AT_ONCE else _FIND.format(",".join("?" * len(some)))
        for key, rest, file, at, length in database.ask(query, some):
            if wanted[key] == rest:
                found[_KEY.pack(key, rest)] = BlockPlace(file, at, length)
    return found


def has_blocks(database: CacheDatabase) -> bool:
    """Whether any block is known."""
    return bool(database.ask("SELECT 1 FROM blocks LIMIT 1"))
