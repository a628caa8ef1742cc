"""What a session's catalogue names, on disk: a row an entry, in walk order."""

from collections.abc import Iterator, Sequence
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

from dwcp.transfer.receiving.table import Table

__all__ = ["Entries", "Entry", "EntryKind", "Flag"]

_ROW = Struct("<BBHHQqQ33sQI")
_FLAGS_AT = 1
_PAGE = 2048
_MAX_GAP = 64


class EntryKind(IntEnum):
    """What an entry is."""

    DIRECTORY = 1
    FILE = 2
    KEEP = 3
    """A regular file of a `Keep` record."""
    SYMLINK = 4


class Flag:
    """What is known of an entry by and by: bits, plain integers, since they are looked at for every file."""

    ENDED: Final = 1
    """A file's records are complete: size, content and number of chunks are final."""
    RETRACTED: Final = 2
    """The sender took the file back: it is never put in place."""
    LOOSE: Final = 4
    """The file lies outside the staged tree, since one that was taken back lies at its path."""
    KEPT: Final = 8
    """What lies at the destination has this content and stays."""
    FIX: Final = 16
    """The kept one's mode or time differ."""
    UNDECIDED: Final = 32
    """There is an old version, and it is not known yet whether it stays."""
    FROM_OLD: Final = 64
    """Each of its local chunks lies at the same place in the old version."""


class Entry(NamedTuple):
    """One row.

    Attributes:
        number: of the entry, counted from 0 in walk order.
        kind: an `EntryKind`.
        flags: `Flag` bits, as they were when the row was written.
        mode: permission bits as the sender told them.
        mtime_ns: last change.
        size_bytes: of a file.
        content: of a file: its link's bytes.
        first_chunk: of a file: sequence number of its first chunk.
        chunks: of a file: how many it has.
        path: components from the offered root's name on, joined by ``/``.
    """

    number: int
    kind: int
    flags: int
    mode: int
    mtime_ns: int
    size_bytes: int
    content: bytes
    first_chunk: int
    chunks: int
    path: bytes


class Entries:
    """The entries of one session. One thread adds; any thread reads."""

    def __init__(self, directory: int) -> None:
        """Open the tables in a directory, made where they are missing. Raises OSError."""
        self._rows = Table(b"entries", directory, _ROW.size)
        self._names = Table(b"names", directory, 1)
        self._new_rows: list[bytes] = []
        self._new_names: list[bytes] = []
        self._named_bytes = self._names.count
        self.count = self._rows.count

    def add(self, entry: Entry) -> None:
        """Add the next entry; it can be read once `flush` was called."""
        self._new_rows.append(_packed(entry, self._named_bytes))
        self._new_names.append(entry.path)
        self._named_bytes += len(entry.path)
        self.count += 1

    def flush(self) -> None:
        """Write what was added. Raises OSError."""
        if self._new_rows:
            self._names.append(b"".join(self._new_names))
            self._rows.append(b"".join(self._new_rows))
            self._new_names.clear()
            self._new_rows.clear()

    def replace(self, entry: Entry) -> None:
        """Write a row again, with what has become known since; its path stays. Raises OSError."""
        at = _ROW.unpack(self._rows.read(entry.number, 1))[4]
        self._rows.write(entry.number, _packed(entry, at))

    def set_flags(self, number: int, flags: int) -> None:
        """Write an entry's flags again. Raises OSError."""
        row = bytearray(self._rows.read(number, 1))
        row[_FLAGS_AT] = flags
        self._rows.write(number, bytes(row))

    def one(self, number: int) -> Entry:
        """One entry. Raises OSError."""
        return self.range(number, 1)[0]

    def range(self, first: int, count: int) -> list[Entry]:
        """Entries by number, fewer at the end. Raises OSError."""
        rows = list(_ROW.iter_unpack(self._rows.read(first, count)))
        if not rows:
            return []
        begin = rows[0][4]
        names = self._names.read(begin, rows[-1][4] + rows[-1][3] - begin)
        number = first
        entries = []
        for kind, flags, mode, length, at, mtime_ns, size_bytes, content, chunk, chunks in rows:
            path = names[at - begin : at - begin + length]
            entries.append(
                Entry(number, kind, flags, mode, mtime_ns, size_bytes, content, chunk, chunks, path)
            )
            number += 1
        return entries

    def of(self, numbers: Sequence[int]) -> list[Entry]:
        """Entries of rising numbers, where one may come several times, few far apart. Raises OSError."""
        found: dict[int, Entry] = {}
        for first, count in _stretches(numbers):
            found.update((entry.number, entry) for entry in self.range(first, count))
        return [found[number] for number in numbers]

    def walk(self) -> Iterator[Entry]:
        """All of them, a page at a time. Raises OSError."""
        for first in range(0, self.count, _PAGE):
            yield from self.range(first, _PAGE)

    def walk_back(self) -> Iterator[Entry]:
        """All of them from the last to the first, so that what lies in a directory comes before it."""
        for end in range(self.count, 0, -_PAGE):
            first = max(end - _PAGE, 0)
            yield from reversed(self.range(first, end - first))

    def close(self) -> None:
        """Close the tables."""
        self._rows.close()
        self._names.close()


def _packed(entry: Entry, at: int) -> bytes:
    return _ROW.pack(
        entry.kind,
        entry.flags,
        entry.mode,
        len(entry.path),
        at,
        entry.mtime_ns,
        entry.size_bytes,
        entry.content,
        entry.first_chunk,
        entry.chunks,
    )


def _stretches(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges that hold all of these rising numbers, and not much else."""
    first = last = numbers[0]
    for number in numbers:
        if number > last + _MAX_GAP or number - first >= _PAGE:
            yield first, last - first + 1
            first = number
        last = number
    yield first, last - first + 1
