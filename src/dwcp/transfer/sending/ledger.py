"""The ledger: which chunk of which file every sequence number is, on disk.

What the receiver may ask for again must be found again, and a tree may have millions of files: so the memory
of it is a file without a name, written once and seldom read. In memory are 24 bytes an entry.
"""

import os
import threading
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from struct import Struct
from tempfile import TemporaryFile

from dwcp.errors import StorageError
from dwcp.transfer.sending.part import ID_BYTES, FileKey, Part

__all__ = ["Ledger"]

_ENTRY = Struct("<QQQQI")
"""Number of the file, offset in it, plain bytes of the session before, where the path is, chunks."""
_FILE = Struct("<QQI")
"""Number of the file, its size, length of the path that follows."""
_BUFFER_BYTES = 256 * 1024


class Ledger:
    """Parts by sequence number; safe to use from several threads.

    Sequence numbers are given without gaps, from 0.
    """

    def __init__(self) -> None:
        """Start empty.

        Raises:
            StorageError: no temporary file can be made.
        """
        try:
            self._disk = TemporaryFile(buffering=0)  # noqa: SIM115 - closed by close
        except OSError as error:
            raise StorageError(f"no temporary file can be made: {error.strerror}; set TMPDIR") from error
        self._firsts = array("Q")
        self._positions = array("Q")
        self._tail = bytearray()
        self._written_bytes = 0
        self._files = 0
        self._path_position = 0
        self._lock = threading.Lock()
        self.chunks = 0
        self.plain_bytes = 0

    def file(self, path: bytes, size_bytes: int) -> FileKey:
        """A new file; the parts that are added next are its.

        Raises:
            StorageError: the disk is full.
        """
        with self._lock:
            key = FileKey(self._files, path, size_bytes)
            self._files += 1
            self._path_position = self._append(_FILE.pack(key.number, size_bytes, len(path)) + path)
        return key

    def add(self, file: FileKey, offset: int, lengths: list[int], ids: bytes) -> int:
        """Give the next sequence numbers to chunks of the file that was named last; returns the first.

        Raises:
            StorageError: the disk is full.
        """
        with self._lock:
            first = self.chunks
            head = _ENTRY.pack(file.number, offset, self.plain_bytes, self._path_position, len(lengths))
            position = self._append(b"".join((head, array("I", lengths).tobytes(), ids)))
            self._firsts.append(first)
            self._positions.append(position)
            self.chunks += len(lengths)
            self.plain_bytes += sum(lengths)
        return first

    def parts(self, first: int, end: int) -> Iterator[Part]:
        """The parts that hold these sequence numbers, cut to them, without bytes."""
        while first < end:
            part = self.part(first)
            stop = min(part.end, end)
            yield part.cut(first, stop)
            first = stop

    def part(self, number: int) -> Part:
        """The whole part that a sequence number is in.

        Raises:
            StorageError: the disk cannot be read.
        """
        with self._lock:
            place = bisect_right(self._firsts, number) - 1
            return self._load(place)

    def near(self, file: FileKey, begin: int, end: int) -> list[Part]:
        """Parts of a file that overlap a range of its bytes, in order.

        Args:
            file: the file.
            begin: offset in the file.
            end: offset in the file.
        """
        found = []
        with self._lock:
            places = range(len(self._firsts))
            place = bisect_right(places, (file.number, begin), key=lambda at: self._head(at)[:2]) - 1
            for at in range(max(place, 0), len(places)):
                part = self._load(at)
                if (part.file.number, part.offset) >= (file.number, end):
                    break
                if part.file.number == file.number and part.offset + part.plain_bytes > begin:
                    found.append(part)
        return found

    def plain_before(self, number: int) -> int:
        """Plain bytes of all chunks before this one; within an entry as if its chunks were of one length."""
        with self._lock:
            if number >= self.chunks:
                return self.plain_bytes
            place = bisect_right(self._firsts, number) - 1
            before = self._head(place)[2]
            within = number - self._firsts[place]
            if within == 0:
                return before
            last = place + 1 == len(self._firsts)
            stop, after = (
                (self.chunks, self.plain_bytes)
                if last
                else (self._firsts[place + 1], self._head(place + 1)[2])
            )
            return before + (after - before) * within // (stop - self._firsts[place])

    def close(self) -> None:
        """Give the disk back."""
        with self._lock:
            self._disk.close()

    def _head(self, place: int) -> tuple[int, int, int, int, int]:
        number, offset, before, path_position, count = _ENTRY.unpack(
            self._read(self._positions[place], _ENTRY.size)
        )
        return number, offset, before, path_position, count

    def _load(self, place: int) -> Part:
        position = self._positions[place]
        number, offset, _, path_position, count = self._head(place)
        body = self._read(position + _ENTRY.size, count * (4 + ID_BYTES))
        lengths = array("I", body[: 4 * count]).tolist()
        _, size_bytes, path_bytes = _FILE.unpack(self._read(path_position, _FILE.size))
        file = FileKey(number, self._read(path_position + _FILE.size, path_bytes), size_bytes)
        return Part(self._firsts[place], file, offset, lengths, body[4 * count :])

    def _append(self, content: bytes) -> int:
        position = self._written_bytes + len(self._tail)
        self._tail += content
        if len(self._tail) >= _BUFFER_BYTES:
            self._flush()
        return position

    def _flush(self) -> None:
        try:
            with memoryview(self._tail) as view:
                done = 0
                while done < len(view):
                    done += os.pwrite(self._disk.fileno(), view[done:], self._written_bytes + done)
        except OSError as error:
            raise StorageError(
                f"the temporary file of a transfer cannot be written: {error.strerror}"
            ) from error
        self._written_bytes += len(self._tail)
        self._tail.clear()

    def _read(self, position: int, length: int) -> bytes:
        if position >= self._written_bytes:
            begin = position - self._written_bytes
            return bytes(self._tail[begin : begin + length])
        try:
            found = os.pread(self._disk.fileno(), length, position)
        except OSError as error:
            raise StorageError(
                f"the temporary file of a transfer cannot be read: {error.strerror}"
            ) from error
        if len(found) != length:
            raise StorageError("the temporary file of a transfer was cut short; run the transfer again")
        return found
