"""What earlier runs of a session left in its staging folder, by block id."""

import sqlite3
from collections.abc import Sequence
from functools import partial
from itertools import compress
from pathlib import Path

from dwcp.transfer.receiving.block_table import (
    BLOCKS_SQL,
    BlockPlace,
    BlockRow,
    find_blocks,
    has_blocks,
    put_blocks,
)
from dwcp.transfer.receiving.chunk_log import keyed_rows
from dwcp.transfer.receiving.database import CacheDatabase
from dwcp.transfer.receiving.entries import Entry, Flag
from dwcp.transfer.receiving.session_log import SessionLog
from dwcp.transfer.receiving.staged import staged_path

__all__ = ["StagedIndex"]

_TABLES = BLOCKS_SQL + "CREATE TABLE IF NOT EXISTS files (number INTEGER PRIMARY KEY, path BLOB NOT NULL);"


class StagedIndex:
    """Verified blocks of a staging folder. Safe to use from several threads; methods raise StorageError."""

    def __init__(self, path: Path) -> None:
        """Open it, made where it is missing.

        Args:
            path: of its database.
        """
        self._database = CacheDatabase(path, _TABLES)

    def is_empty(self) -> bool:
        """Whether nothing is known."""
        return not has_blocks(self._database)

    def find(self, ids: Sequence[bytes]) -> dict[bytes, BlockPlace]:
        """Where those of these blocks lie that are known."""
        return find_blocks(self._database, ids)

    def path(self, number: int) -> bytes | None:
        """The path of a file in the staging folder."""
        rows = self._database.ask("SELECT path FROM files WHERE number = ?", (number,))
        return bytes(rows[0][0]) if rows else None

    def learn(self, log: SessionLog) -> None:
        """Note the verified blocks of a session that was cut off.

        Raises:
            OSError: the session cannot be read.
        """
        base = self._next_number()
        for _, rows, marks in log.chunks.pages():
            found = list(compress(keyed_rows(rows), marks))
            staged = _staged(log, sorted({entry for _, _, _, entry, _ in found}))
            blocks: list[BlockRow] = [
                (key, rest, base + entry, at, length)
                for key, rest, length, entry, at in found
                if entry in staged
            ]
            files = [(base + number, staged_path(entry)) for number, entry in staged.items()]
            self._database.run(partial(_put, files=files, blocks=blocks), None)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _next_number(self) -> int:
        rows = self._database.ask("SELECT ifnull(max(number), -1) FROM files")
        return int(rows[0][0]) + 1 if rows else 0


def _put(connection: sqlite3.Connection, files: list[tuple[int, bytes]], blocks: list[BlockRow]) -> None:
    connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?)", files)
    put_blocks(connection, blocks)


def _staged(log: SessionLog, numbers: Sequence[int]) -> dict[int, Entry]:
    if not numbers:
        return {}
    return {entry.number: entry for entry in log.entries.of(numbers) if not entry.flags & Flag.KEPT}
