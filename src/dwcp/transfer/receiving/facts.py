"""What the system tells of a file, to see later whether it is still the same."""

import os
import stat
from struct import Struct
from typing import NamedTuple

from dwcp.transfer.receiving.table import Table

__all__ = ["FactsTable", "FileFacts"]

_ROW = Struct("<QqqQ")


class FileFacts(NamedTuple):
    """What the system tells of a regular file.

    Attributes:
        size_bytes: of the file.
        mtime_ns: last change of its content.
        ctime_ns: last change of anything; nobody can set it.
        inode: its number.
    """

    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, told: os.stat_result) -> "FileFacts":
        """From a result of ``stat``."""
        return cls(told.st_size, told.st_mtime_ns, told.st_ctime_ns, told.st_ino)

    def are_of(self, told: os.stat_result | None) -> bool:
        """Whether this is a regular file that these facts are of."""
        return told is not None and stat.S_ISREG(told.st_mode) and self == FileFacts.of(told)


class FactsTable:
    """Facts by entry number, on disk; written by any thread. All methods raise OSError."""

    def __init__(self, directory: int) -> None:
        """Open the table in a directory, made where it is missing."""
        self._rows = Table(b"facts", directory, _ROW.size)

    def put(self, number: int, facts: FileFacts) -> None:
        """Note what the system tells of an entry's file."""
        self._rows.write(number, _ROW.pack(*facts))

    def put_many(self, facts: dict[int, FileFacts]) -> None:
        """Note them for several entries; cheap where the numbers follow each other."""
        rows: list[bytes] = []
        first = following = -1
        for number in sorted(facts):
            if number != following:
                self._rows.write(first, b"".join(rows))
                rows, first = [], number
            rows.append(_ROW.pack(*facts[number]))
            following = number + 1
        self._rows.write(first, b"".join(rows))

    def range(self, first: int, count: int) -> list[FileFacts | None]:
        """Those of entries by number; None where none were noted."""
        rows = self._rows.read(first, count)
        found: list[FileFacts | None] = [
            FileFacts._make(row) if row[3] else None for row in _ROW.iter_unpack(rows)
        ]
        return found + [None] * (count - len(found))

    def close(self) -> None:
        """Close the table."""
        self._rows.close()
