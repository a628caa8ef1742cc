"""SQLite as a cache on disk: what it cannot read is set aside, and it starts again from nothing."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from dwcp.errors import StorageError

__all__ = ["CacheDatabase"]

T = TypeVar("T")

_VERSION = 1
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LASTING = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY})
_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = OFF",
    "PRAGMA cache_size = -16384",
    "PRAGMA wal_autocheckpoint = 4000",
)


class CacheDatabase:
    """One connection behind a lock. Losing what it holds loses time, nothing else."""

    def __init__(self, path: Path, tables: str) -> None:
        """Open the database, made where it is missing.

        Args:
            path: of its file.
            tables: SQL that makes the tables where they are missing.

        Raises:
            StorageError: it cannot be made or written.
        """
        self.damaged: str | None = None
        self._path = path
        self._tables = tables
        self._lock = Lock()
        self._connection = self._opened()

    def run(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Work with the connection, alone; what is written is one transaction.

        Args:
            work: is given the connection.
            otherwise: what to return where the file is found to be damaged: it is set aside, and `damaged`
                says so.

        Raises:
            StorageError: the disk is full or may not be written.
        """
        with self._lock:
            try:
                with self._connection:
                    return work(self._connection)
            except sqlite3.Error as error:
                self._recover(error)
                return otherwise

    def ask(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query that changes nothing; none where the file is found to be damaged, see `run`.

        Raises:
            StorageError: the disk fails.
        """
        with self._lock:
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.Error as error:
                self._recover(error)
                return []

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._connected()
        except sqlite3.Error as error:
            if not _is_damage(error):
                raise self._error(error) from error
        self._set_aside()
        try:
            return self._connected()
        except sqlite3.Error as error:
            raise self._error(error) from error

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, check_same_thread=False)
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, _VERSION):
                raise _OtherVersion(f"its version is {version}")
            for setting in _SETTINGS:
                connection.execute(setting).fetchall()
            connection.executescript(self._tables)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _recover(self, error: sqlite3.Error) -> None:
        if not _is_damage(error):
            raise self._error(error) from error
        self._connection.close()
        self._set_aside()
        self._connection = self._opened()

    def _set_aside(self) -> None:
        aside = self._path.with_suffix(".damaged")
        self.damaged = f"{self._path} was damaged; it was set aside as {aside.name} and is built again"
        try:
            self._path.replace(aside)
            for suffix in ("-wal", "-shm"):
                Path(f"{os.fspath(self._path)}{suffix}").unlink(missing_ok=True)
        except OSError as error:
            raise StorageError.of(
                error,
                f"{self._path} cannot be set aside: {(error.strerror or str(error)).lower()}; remove it",
            ) from error

    def _error(self, error: sqlite3.Error) -> StorageError:
        made = StorageError(
            f"{self._path} cannot be written: {error}; make room, or allow it, then run it again"
        )
        made.retryable = _code(error) not in _LASTING
        return made


class _OtherVersion(sqlite3.DatabaseError):
    """A database of another version of this format."""


def _is_damage(error: sqlite3.Error) -> bool:
    if isinstance(error, _OtherVersion):
        return True
    return _code(error) in _DAMAGED


def _code(error: sqlite3.Error) -> int:
    """SQLite's own, without its details; 0 where it did not tell."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
