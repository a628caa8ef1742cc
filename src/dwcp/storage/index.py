"""Where each block lies: SQLite, built from the packs' directories, and from them again when it is lost."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from msgspec import Struct

from dwcp.errors import CorruptIndexError, InputError, StorageError
from dwcp.storage.packs import PackEntry, StoredKind

__all__ = ["INDEX_FILE", "Index", "Located", "remove_index"]

INDEX_FILE = "index.sqlite"
"""Name of the index's file in a backend's local folder; no object has such a name."""
_VERSION = 1
_NOT_DAMAGE = frozenset(
    {
        *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN),
        *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY),
    }
)
"""What SQLite says of the disk; what else it says of a query that is right, it says of a damaged file."""
_BUSY_S = 30.0
_SETTINGS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", "PRAGMA cache_size = -16384")
_TABLES = """
CREATE TABLE IF NOT EXISTS packs (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS blocks (
    id BLOB PRIMARY KEY, pack INTEGER NOT NULL, kind INTEGER NOT NULL, offset INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL, plain_bytes INTEGER NOT NULL, codec TEXT NOT NULL, base BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS blocks_by_pack ON blocks (pack, offset);
CREATE INDEX IF NOT EXISTS deltas_by_base ON blocks (base) WHERE base <> x'';
"""
_COLUMNS = "blocks.id, kind, offset, stored_bytes, plain_bytes, codec, base"
_INSERT = "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
_MOVE = (
    "pack = excluded.pack, kind = excluded.kind, offset = excluded.offset, codec = excluded.codec, "
    "stored_bytes = excluded.stored_bytes, plain_bytes = excluded.plain_bytes, base = excluded.base"
)
_KEEP_UNLESS_DELTA = " WHERE excluded.base = x'' AND blocks.base <> x''"


class Located(Struct, frozen=True):
    """A block and the pack it lies in.

    Attributes:
        pack_id: of the pack.
        entry: what the pack's directory says of the block.
    """

    pack_id: bytes
    entry: PackEntry


class Index:
    """One connection behind a lock: safe to use from several threads. What is written is there at once."""

    def __init__(self, path: Path | None) -> None:
        """Open the index, made where it is missing.

        Args:
            path: of its file; None to keep it in memory.

        Raises:
            CorruptIndexError: the file is no index of this version, or damaged.
            StorageError: it cannot be made or written.
        """
        self.is_in_memory = path is None
        self._may_be_written = path is not None and os.access(path, os.W_OK)
        self._shown = "the index in memory" if path is None else f"the index {path}"
        self._lock = RLock()
        with self._translated():
            self._connection = sqlite3.connect(
                ":memory:" if path is None else path, timeout=_BUSY_S, check_same_thread=False
            )
        try:
            with self._translated():
                self._prepare()
        except Exception:
            self._connection.close()
            raise

    def add_pack(self, pack_id: bytes, entries: Iterable[PackEntry], is_new: bool) -> None:
        """Say what lies in a pack.

        Args:
            pack_id: of the pack.
            entries: its directory.
            is_new: whether it was written just now: then its blocks are taken from it. Else a block that is
                known elsewhere stays there, unless it is a delta there and whole here.
        """
        upsert = f"{_INSERT}{_MOVE}{'' if is_new else _KEEP_UNLESS_DELTA}"
        with self._working() as connection:
            connection.execute("INSERT OR IGNORE INTO packs (id) VALUES (?)", (pack_id,))
            [[number]] = connection.execute("SELECT number FROM packs WHERE id = ?", (pack_id,)).fetchall()
            connection.executemany(upsert, (_row(number, entry) for entry in entries))

    def forget_packs(self, pack_ids: Iterable[bytes]) -> None:
        """Drop packs, and the blocks that lie in them."""
        ids = [(pack_id,) for pack_id in pack_ids]
        with self._working() as connection:
            connection.executemany(
                "DELETE FROM blocks WHERE pack = (SELECT number FROM packs WHERE id = ?)", ids
            )
            connection.executemany("DELETE FROM packs WHERE id = ?", ids)

    def find(self, block_id: bytes) -> Located | None:
        """Where a block lies; None for one that is not known."""
        rows = self._ask(
            f"SELECT packs.id, {_COLUMNS} FROM blocks JOIN packs ON number = pack WHERE blocks.id = ?",
            (block_id,),
        )
        return Located(rows[0][0], self._entry(rows[0][1:])) if rows else None

    def is_base(self, block_id: bytes) -> bool:
        """Whether a block is a delta against this one."""
        return bool(self._ask("SELECT 1 FROM blocks WHERE base = ? AND base <> x'' LIMIT 1", (block_id,)))

    def pack_ids(self) -> list[bytes]:
        """All packs, in order of their ids."""
        return [row[0] for row in self._ask("SELECT id FROM packs ORDER BY id")]

    def entries_in(self, pack_id: bytes) -> list[PackEntry]:
        """The blocks that are taken from a pack, in the order in which they lie."""
        rows = self._ask(
            f"SELECT {_COLUMNS} FROM blocks JOIN packs ON number = pack WHERE packs.id = ? ORDER BY offset",
            (pack_id,),
        )
        return [self._entry(row) for row in rows]

    def totals(self) -> list[tuple[StoredKind, str, int, int, int]]:
        """Kind, codec, count of blocks, plain bytes and stored bytes, of each kind and codec."""
        rows = self._ask(
            "SELECT kind, codec, count(*), sum(plain_bytes), sum(stored_bytes) FROM blocks GROUP BY 1, 2"
        )
        return [(StoredKind(kind), *rest) for kind, *rest in rows]

    def delta_count(self) -> int:
        """How many blocks are deltas."""
        return int(self._ask("SELECT count(*) FROM blocks WHERE base <> x''")[0][0])

    def faults(self) -> list[str]:
        """What SQLite finds wrong with its own file, and rows of no pack; nothing where all is well."""
        try:
            found = [str(row[0]) for row in self._ask("PRAGMA integrity_check(20)")]
            lost = self._ask("SELECT count(*) FROM blocks WHERE pack NOT IN (SELECT number FROM packs)")[0][0]
        except CorruptIndexError as error:
            return [str(error)]
        return [text for text in found if text != "ok"] + ([f"{lost} rows name no pack"] if lost else [])

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    def _prepare(self) -> None:
        [[version]] = self._connection.execute("PRAGMA user_version").fetchall()
        if version not in (0, _VERSION):
            raise CorruptIndexError(f"{self._shown} is of version {version}, not {_VERSION}; rebuild it")
        for setting in _SETTINGS:
            self._connection.execute(setting).fetchall()
        if version == 0:
            self._connection.executescript(_TABLES)
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")
        self._connection.execute("SELECT 1 FROM blocks JOIN packs ON number = pack LIMIT 1").fetchall()

    def _entry(self, row: Sequence[Any]) -> PackEntry:
        block_id, kind, offset, stored_bytes, plain_bytes, codec, base = row
        try:
            return PackEntry(block_id, StoredKind(kind), offset, stored_bytes, plain_bytes, codec, base)
        except (InputError, ValueError, TypeError) as error:
            raise CorruptIndexError(f"{self._shown} has a row that cannot be: {error}; rebuild it") from error

    def _ask(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._named(error) from error

    @contextmanager
    def _working(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._translated(), self._connection:
            yield self._connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._named(error) from error

    def _named(self, error: Exception) -> CorruptIndexError | StorageError:
        code = int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
        refused = code == sqlite3.SQLITE_READONLY and self._may_be_written
        if refused or not (code in _NOT_DAMAGE or isinstance(error, sqlite3.ProgrammingError)):
            return CorruptIndexError(f"{self._shown} is damaged ({error}); rebuild it from the packs")
        return StorageError(f"{self._shown} cannot be used: {error}; make room, or allow it, then try again")


def remove_index(path: Path) -> None:
    """Remove an index's file and what SQLite keeps beside it.

    Raises:
        StorageError: it may not be removed.
    """
    try:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError.of(error, f"the index {path} cannot be removed: {error.strerror}") from error


def _row(number: int, entry: PackEntry) -> tuple[object, ...]:
    return (
        entry.id,
        number,
        int(entry.kind),
        entry.offset,
        entry.stored_bytes,
        entry.plain_bytes,
        entry.codec,
        entry.base,
    )
