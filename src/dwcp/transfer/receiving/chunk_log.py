"""Every chunk of a session's catalogue, on disk: what it is, where it goes, and where it may lie already."""

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from dwcp.transfer.receiving.table import Table

__all__ = ["CHUNK_ROW", "ChunkLog", "ChunkRow", "SourceKind", "keyed_rows"]

CHUNK_ROW = Struct(">32sIIQB3xIQ")
"""Id, length, entry, offset in its file, `SourceKind`, and what that means two numbers for."""
_KEYED = Struct(">q24sIIQ16x")
_PAGE = 16_384


class SourceKind(IntEnum):
    """Where a chunk's plaintext may lie already, and what the row's two numbers mean then."""

    NONE = 0
    CHUNK = 1
    """At the place of an earlier chunk of the session: unused, its number."""
    STAGED = 2
    """In what an earlier session left behind: the file's number there, the offset in it."""
    INDEX = 3
    """At the destination: the file's number in the index, the offset in it."""
    BLOCK = 4
    """Among the blocks that the receiver was given beside: both unused."""


class ChunkRow(NamedTuple):
    """One row.

    Attributes:
        id: the chunk's.
        length: plain bytes.
        entry: number of the entry whose file it belongs to.
        offset: in that file.
        source: a `SourceKind`.
        source_file: see there.
        source_at: see there.
    """

    id: bytes
    length: int
    entry: int
    offset: int
    source: int
    source_file: int
    source_at: int


def keyed_rows(rows: bytes) -> Iterator[tuple[int, bytes, int, int, int]]:
    """Packed rows with their ids split as the block table wants: key, rest, length, entry, offset."""
    return _KEYED.iter_unpack(rows)


class ChunkLog:
    """The chunks of one session by sequence number. One thread adds; any thread reads.

    Beside each stands one byte, written when the chunk is verified, so that a later session knows.
    """

    def __init__(self, directory: int) -> None:
        """Open the tables in a directory, made where they are missing. Raises OSError."""
        self._rows = Table(b"chunks", directory, CHUNK_ROW.size)
        self._marks = Table(b"verified", directory, 1)

    @property
    def count(self) -> int:
        """How many there are."""
        return self._rows.count

    def append(self, rows: bytes) -> None:
        """Add rows, as `CHUNK_ROW` packs them. Raises OSError."""
        self._rows.append(rows)

    def read(self, first: int, count: int) -> list[ChunkRow]:
        """Chunks by number, fewer at the end. Raises OSError."""
        return list(map(ChunkRow._make, CHUNK_ROW.iter_unpack(self._rows.read(first, count))))

    def mark(self, first: int, count: int, verified: bool = True) -> None:
        """Note that chunks were verified, or are not any more. Raises OSError."""
        self._marks.write(first, (b"\1" if verified else b"\0") * count)

    def pages(self) -> Iterator[tuple[int, bytes, bytes]]:
        """All rows as they are packed, with their marks: the first number, rows, marks. Raises OSError."""
        for first in range(0, self.count, _PAGE):
            rows = self._rows.read(first, _PAGE)
            marks = self._marks.read(first, _PAGE)
            yield first, rows, marks.ljust(len(rows) // CHUNK_ROW.size, b"\0")

    def close(self) -> None:
        """Close the tables."""
        self._rows.close()
        self._marks.close()
