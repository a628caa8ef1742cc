"""The SQLite file under the scan cache: opened or made anew, and given up at the first error."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

__all__ = ["ScanDatabase"]

_WRITES_A_COMMIT = 4000
_LOCK_TIMEOUT_S = 0.5
_IDS_AT_ONCE = 10_000
_TABLES = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS about (what TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS files (
        id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, mtime INTEGER NOT NULL,
        ctime INTEGER NOT NULL, inode INTEGER NOT NULL, rows INTEGER NOT NULL, content BLOB NOT NULL
    );
    CREATE TABLE IF NOT EXISTS rows (
        path BLOB NOT NULL, number INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (path, number)
    ) WITHOUT ROWID;
"""


class ScanDatabase:
    """Rows that may be lost; safe to use from several threads. After an error it answers as an empty one.

    Args:
        path: the file; one that is damaged is deleted.
        about: what it is of; one that is of something else is emptied.
    """

    def __init__(self, path: Path, about: str) -> None:
        self._lock = threading.Lock()
        self._writes = 0
        self._connection = _opened(path, about)
        self.is_empty = self.one("SELECT id FROM files LIMIT 1", ()) is None

    @property
    def works(self) -> bool:
        """Whether anything can be remembered."""
        return self._connection is not None

    def one(self, statement: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        """The first row of a query; None where there is none."""
        with self._lock:
            try:
                row = (
                    None
                    if self._connection is None
                    else self._connection.execute(statement, values).fetchone()
                )
            except sqlite3.Error:
                self._give_up()
                return None
            return tuple(row) if row else None

    def next_file_id(self) -> int:
        """An id that no file has had; the ones after it are free as well."""
        row = self.one("SELECT max(id) FROM files", ())
        return 1 if row is None or row[0] is None else int(row[0]) + 1

    def write(self, statement: str, values: tuple[object, ...]) -> None:
        """Change something."""
        self.write_many(statement, [values])

    def write_many(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Change something for each of many rows."""
        with self._lock:
            if self._connection is None:
                return
            try:
                self._connection.executemany(statement, rows)
                self._writes += len(rows)
                if self._writes >= _WRITES_A_COMMIT:
                    self._connection.commit()
                    self._writes = 0
            except sqlite3.Error:
                self._give_up()

    def file_ids(self) -> Iterator[int]:
        """The id of every file."""
        last = -1
        while True:
            with self._lock:
                if self._connection is None:
                    return
                try:
                    query = "SELECT id FROM files WHERE id > ? ORDER BY id LIMIT ?"
                    rows = self._connection.execute(query, (last, _IDS_AT_ONCE)).fetchall()
                except sqlite3.Error:
                    self._give_up()
                    return
            if not rows:
                return
            last = rows[-1][0]
            yield from (row[0] for row in rows)

    def close(self) -> None:
        """Keep what was written."""
        with self._lock:
            if self._connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.commit()
                self._give_up()

    def _give_up(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _opened(path: Path, about: str) -> sqlite3.Connection | None:
    """The file at the path, made anew where it is damaged; None where that does not help."""
    for _ in range(2):
        connection = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=_LOCK_TIMEOUT_S, check_same_thread=False)
            connection.executescript(_TABLES)
            _require(connection, about)
            return connection
        except sqlite3.OperationalError:
            _close(connection)
            return None
        except sqlite3.DatabaseError:
            _close(connection)
            with contextlib.suppress(OSError):
                path.unlink()
        except OSError:
            return None
    return None


def _close(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        connection.close()


def _require(connection: sqlite3.Connection, about: str) -> None:
    row = connection.execute("SELECT what FROM about").fetchone()
    if row is None or row[0] != about:
        for table in ("about", "files", "rows"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("INSERT INTO about VALUES (?)", (about,))
        connection.commit()
