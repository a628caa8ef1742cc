"""The scan cache: what files held when they were read last; what did not change is not read again.

A file did not change when path, size, time of change, time of inode change and inode are the same. One that
changed less than two seconds before it was read is not remembered: it could change again within the same tick
of the file system's clock (git's index calls such entries racy, ``Documentation/technical/racy-git.txt``).

It is only a cache: whatever is wrong with it, files are read.
"""

import os
import threading
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from struct import Struct

from dwcp.blocks import Chunking
from dwcp.transfer.sending.part import ID_BYTES
from dwcp.transfer.sending.scan_database import ScanDatabase

__all__ = ["Content", "Draft", "ScanCache"]

Content = tuple[list[int], bytes]
"""Lengths of chunks in order, those of zero runs negative; and the chunks' ids, one after the other."""
_Row = tuple[int, bytes, int, int, int, int, int, bytes]

_VERSION = 1
_RACY_NS = 2_000_000_000
_ROW_ENTRIES = 4096
"""Chunks and zero runs of a row."""
_ROWS_AT_ONCE = 500
_COUNT = Struct("<I")
_MATCH = "path = ? AND size = ? AND mtime = ? AND ctime = ? AND inode = ?"


class ScanCache:
    """One source's files. One thread reads and writes; `forget` may be called from any.

    Args:
        path: an SQLite file; made where it is missing, made anew where it is of another source or chunking.
        about: what source it is.
        chunking: how files are cut.
    """

    def __init__(self, path: Path, about: str, chunking: Chunking) -> None:
        sizes = (chunking.min_bytes, chunking.avg_bytes, chunking.max_bytes)
        self._database = ScanDatabase(path, f"{_VERSION} {sizes} {about}")
        self._seen = bytearray()
        self._next_id = self._database.next_file_id()
        self._unwritten: list[_Row] = []
        self._writing = threading.Lock()

    def find(self, path: bytes, found: os.stat_result) -> Iterator[Content] | None:
        """What an unchanged file holds, some thousand chunks at a time; None where it has to be read.

        Whoever uses it checks that it is as long as the file.
        """
        if self._database.is_empty:
            return None
        row = self._database.one(f"SELECT id, rows, content FROM files WHERE {_MATCH}", (path, *_told(found)))
        if row is None:
            return None
        number, rows, last = row
        self._mark(number)
        return self._contents(path, rows, last)

    def find_small(self, path: bytes, found: os.stat_result) -> bytes | None:
        """The id of an unchanged file's one chunk, none of an empty file; None where it has to be read."""
        contents = self.find(path, found)
        if contents is None:
            return None
        lengths, ids = next(contents)
        expected = [found.st_size] if found.st_size else []
        return ids if lengths == expected else None

    def keep_small(self, path: bytes, found: os.stat_result, now_ns: int, chunk_id: bytes) -> None:
        """Remember a file of one chunk, or of none; see `draft`."""
        if _is_racy(found, now_ns) or not self._database.works:
            return
        lengths = array("q", [found.st_size] if chunk_id else [])
        self._file(path, found, 0, _packed(lengths, [chunk_id]))

    def draft(self, path: bytes, found: os.stat_result, now_ns: int) -> "Draft | None":
        """Begin to remember a file that is being read; None where that could not be trusted.

        Args:
            path: below the source.
            found: what the system told of it before reading.
            now_ns: when that was, in ns since 1970.
        """
        if _is_racy(found, now_ns) or not self._database.works:
            return None
        return Draft(self, path, found)

    def forget(self, path: bytes) -> None:
        """What is remembered of a file is not what it holds."""
        self._write()
        self._database.write("DELETE FROM files WHERE path = ?", (path,))

    def keep_only_seen(self) -> None:
        """The walk is complete: forget files that it did not come to."""
        self._write()
        for number in self._database.file_ids():
            if not self._is_marked(number):
                self._database.write("DELETE FROM files WHERE id = ?", (number,))
        self._database.write("DELETE FROM rows WHERE path NOT IN (SELECT path FROM files)", ())

    def close(self) -> None:
        """Keep what was written; more than once does nothing."""
        self._write()
        self._database.close()

    def _row(self, path: bytes, number: int, content: bytes) -> None:
        if number == 0:
            self.forget(path)
        self._database.write("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", (path, number, content))

    def _file(self, path: bytes, found: os.stat_result, rows: int, content: bytes) -> None:
        number = self._next_id
        self._next_id += 1
        self._mark(number)
        with self._writing:
            self._unwritten.append((number, path, *_told(found), rows, content))
            is_many = len(self._unwritten) >= _ROWS_AT_ONCE
        if is_many:
            self._write()

    def _write(self) -> None:
        with self._writing:
            rows, self._unwritten = self._unwritten, []
            if rows:
                self._database.write_many(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
                )

    def _contents(self, path: bytes, rows: int, last: bytes) -> Iterator[Content]:
        for number in range(rows):
            row = self._database.one("SELECT content FROM rows WHERE path = ? AND number = ?", (path, number))
            yield _unpacked(row[0] if row else b"")
        yield _unpacked(last)

    def _mark(self, number: int) -> None:
        place = number >> 3
        if place >= len(self._seen):
            self._seen.extend(bytes(place + 1024 - len(self._seen)))
        self._seen[place] |= 1 << (number & 7)

    def _is_marked(self, number: int) -> bool:
        place = number >> 3
        return place < len(self._seen) and bool(self._seen[place] >> (number & 7) & 1)


class Draft:
    """What a file that is being read holds so far; nothing is remembered before `keep`."""

    def __init__(self, cache: ScanCache, path: bytes, found: os.stat_result) -> None:
        self._cache, self._path, self._found = cache, path, found
        self._rows = 0
        self._lengths = array("q")
        self._ids: list[bytes] = []

    def chunks(self, lengths: Sequence[int], ids: bytes) -> None:
        """The next chunks."""
        self._lengths.extend(lengths)
        self._ids.append(ids)
        self._spill()

    def zeros(self, length_bytes: int) -> None:
        """The next zero run."""
        self._lengths.append(-length_bytes)
        self._spill()

    def keep(self) -> None:
        """The file was read to its end and did not change meanwhile."""
        self._cache._file(self._path, self._found, self._rows, _packed(self._lengths, self._ids))

    def _spill(self) -> None:
        if len(self._lengths) >= _ROW_ENTRIES:
            self._cache._row(self._path, self._rows, _packed(self._lengths, self._ids))
            self._rows += 1
            self._lengths = array("q")
            self._ids = []


def _packed(lengths: "array[int]", ids: list[bytes]) -> bytes:
    return b"".join((_COUNT.pack(len(lengths)), lengths.tobytes(), *ids))


def _unpacked(content: bytes) -> Content:
    """A row; one that is not whole is empty."""
    if len(content) < _COUNT.size:
        return [], b""
    (count,) = _COUNT.unpack_from(content)
    lengths = array("q")
    body = content[_COUNT.size :]
    if len(body) < count * lengths.itemsize:
        return [], b""
    lengths.frombytes(body[: count * lengths.itemsize])
    ids = body[count * lengths.itemsize :]
    whole = len(ids) == ID_BYTES * sum(length > 0 for length in lengths)
    return (lengths.tolist(), ids) if whole else ([], b"")


def _is_racy(found: os.stat_result, now_ns: int) -> bool:
    return max(found.st_mtime_ns, found.st_ctime_ns) > now_ns - _RACY_NS


def _told(found: os.stat_result) -> tuple[int, int, int, int]:
    inode = found.st_ino if found.st_ino < 2**63 else found.st_ino - 2**64
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, inode
