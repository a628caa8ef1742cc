"""Reading one file into records: from the scan cache where it did not change, else from its bytes.

A file that changes while it is read is taken back and read again, three times; then it is left out.
"""

import os
import stat
from collections.abc import Callable, Generator, Iterable, Iterator

from msgspec import Struct

from dwcp.blocks import Chunking, FileBuilder, FileLink, LinkKind, ZeroPiece, read_pieces
from dwcp.codecs import plaintext_id
from dwcp.errors import InputError
from dwcp.transfer.protocol import Chunks, EndFile, File, Record, Retract, Zeros
from dwcp.transfer.sending.chunk_queue import ChunkQueue
from dwcp.transfer.sending.counters import Counters
from dwcp.transfer.sending.ledger import Ledger
from dwcp.transfer.sending.part import ID_BYTES, FileKey
from dwcp.transfer.sending.scan_cache import Content, Draft, ScanCache
from dwcp.transfer.sending.siblings import Siblings
from dwcp.transfer.sending.source import open_regular, said
from dwcp.transfer.sending.unasked import Unasked
from dwcp.transfer.sending.walk import Found, Loss, Skip

__all__ = ["MODE_BITS", "FileReader", "Reading"]

MODE_BITS = 0o7777
_READINGS = 4
_CHUNKS_A_RECORD = 8192
_CACHED_CHUNKS_A_RECORD = 64

Piece = tuple[int, list[int], bytes, memoryview | None]
"""Offset in the file, and lengths, ids and bytes of chunks there; a zero run has one length and no ids."""
Records = Generator[Record | None, None, bool]
"""Records, and in the end whether the file is done with: read or left out."""


class Reading(Struct, frozen=True):
    """What reading files works with.

    Attributes:
        chunking: how files are cut.
        ledger: learns of every file and chunk.
        queue: takes the chunks.
        siblings: learns of every file.
        counters: are counted up.
        cache: of earlier scans; None for none.
        unasked: says what is wanted where the receiver has nothing; None where it is asked.
        now_ns: nanoseconds since 1970.
    """

    chunking: Chunking
    ledger: Ledger
    queue: ChunkQueue
    siblings: Siblings
    counters: Counters
    cache: ScanCache | None
    unasked: Unasked | None
    now_ns: Callable[[], int]


class _Task(Struct):
    """One reading of one file; without ``fd`` it comes from the cache."""

    found: Found
    told: os.stat_result
    pieces: Iterable[Piece]
    fd: int | None = None
    draft: Draft | None = None
    zero_bytes: int = 0


class FileReader:
    """Reads one file after the other. For one thread.

    Args:
        reading: what it works with.
        finished: told of every file that is complete: its name, what the system told of it, and its link.
        skip: told of what is left out.
    """

    def __init__(
        self,
        reading: Reading,
        finished: Callable[[bytes, os.stat_result, FileLink], None],
        skip: Skip,
    ) -> None:
        self._reading, self._finished, self._skip = reading, finished, skip

    def records(self, found: Found) -> Iterator[Record | None]:
        """The records of a file; None where nothing more may be read for now."""
        if found.stat.st_size <= self._reading.chunking.min_bytes:
            at_once = self._small(found)
            if at_once is not None:
                yield from at_once
                if not self._reading.queue.has_room:
                    yield None
                return
        for attempt in range(_READINGS):
            is_done = yield from self._attempt(found, may_be_cached=attempt == 0)
            if is_done:
                return
        self._skip(found.path, "it changed each time it was read", Loss.RESTLESS)

    def _small(self, found: Found) -> list[Record] | None:
        """The records of a file of one chunk, or none; None where that does not go smoothly.

        It is read before anything is told of it, so there is nothing to take back.
        """
        reading, told = self._reading, found.stat
        size_bytes = told.st_size
        chunk_id, data = self._cached_small(found), None
        is_cached = chunk_id is not None
        if chunk_id is None:
            data = _read_small(found)
            if data is None:
                return None
            chunk_id = plaintext_id(data) if data else b""
            if reading.cache is not None:
                reading.cache.keep_small(found.path, told, reading.now_ns(), chunk_id)
        records: list[Record] = [File(found.name, told.st_mode & MODE_BITS, told.st_mtime_ns, size_bytes)]
        if chunk_id:
            file = reading.ledger.file(found.path, size_bytes)
            part = reading.queue.add(file, 0, [size_bytes], chunk_id, data)
            if reading.unasked is not None:
                reading.unasked.add(part)
            records.append(Chunks(chunk_id, (size_bytes,)))
        link = FileLink(LinkKind.CHUNK, chunk_id, size_bytes) if chunk_id else FileLink.empty()
        self._finished(found.name, told, link)
        self._count(told, is_cached=is_cached)
        records.append(EndFile())
        return records

    def _cached_small(self, found: Found) -> bytes | None:
        """Where everything is wanted a small file is read now, rather than when its turn has come."""
        reading = self._reading
        if reading.cache is None or reading.unasked is not None:
            return None
        return reading.cache.find_small(found.path, found.stat)

    def _attempt(self, found: Found, *, may_be_cached: bool) -> Records:
        cache = self._reading.cache
        cached = cache.find(found.path, found.stat) if cache is not None and may_be_cached else None
        if cached is not None:
            return (yield from self._tell(_Task(found, found.stat, _cached_pieces(cached))))
        opened = self._open(found)
        if opened is None:
            return True
        fd, told = opened
        try:
            if not stat.S_ISREG(told.st_mode):
                return False
            draft = None if cache is None else cache.draft(found.path, told, self._reading.now_ns())
            return (yield from self._tell(_Task(found, told, self._read(fd), fd, draft)))
        finally:
            os.close(fd)

    def _open(self, found: Found) -> tuple[int, os.stat_result] | None:
        """The file and what the system tells of it; None where it is left out."""
        try:
            fd = open_regular(found.name, found.folder_fd)
        except FileNotFoundError:
            self._skip(found.path, "it vanished", Loss.NOTHING)
        except OSError as error:
            self._skip(found.path, said(error), Loss.UNREADABLE)
        else:
            return fd, os.fstat(fd)
        return None

    def _tell(self, task: _Task) -> Records:
        reading, told = self._reading, task.told
        file = reading.ledger.file(task.found.path, told.st_size)
        reading.siblings.begin(file)
        first = reading.ledger.chunks
        builder = FileBuilder()
        yield File(task.found.name, told.st_mode & MODE_BITS, told.st_mtime_ns, told.st_size)
        failure = ""
        try:
            yield from self._tell_pieces(task, file, builder)
        except InputError as error:
            failure = str(error)
        if not failure and builder.size_bytes == told.st_size and _is_same(told, task.fd):
            self._finish(task, file, builder)
            yield EndFile()
            return True
        self._take_back(task, first)
        yield Retract()
        if failure and task.fd is not None:
            self._skip(task.found.path, failure, Loss.UNREADABLE)
            return True
        return False

    def _tell_pieces(self, task: _Task, file: FileKey, builder: FileBuilder) -> Iterator[Record | None]:
        reading, draft = self._reading, task.draft
        for offset, lengths, ids, data in task.pieces:
            if offset + sum(lengths) > task.told.st_size:
                return
            if ids:
                builder.chunks(ids, lengths)
                part = reading.queue.add(file, offset, lengths, ids, data)
                if reading.unasked is not None:
                    reading.unasked.add(part)
                if draft is not None:
                    draft.chunks(lengths, ids)
                yield Chunks(ids, tuple(lengths))
                if not reading.queue.has_room:
                    yield None
            else:
                builder.zeros(lengths[0])
                task.zero_bytes += lengths[0]
                if draft is not None:
                    draft.zeros(lengths[0])
                yield Zeros(lengths[0])

    def _read(self, fd: int) -> Iterator[Piece]:
        for piece in read_pieces(fd, self._reading.chunking):
            if isinstance(piece, ZeroPiece):
                yield piece.offset, [piece.length_bytes], b"", None
                continue
            data = memoryview(piece.data)
            if len(piece.lengths) <= _CHUNKS_A_RECORD:
                yield piece.offset, piece.lengths, b"".join(piece.ids), data
            else:
                yield from _split(piece.offset, piece.lengths, b"".join(piece.ids), data, _CHUNKS_A_RECORD)

    def _finish(self, task: _Task, file: FileKey, builder: FileBuilder) -> None:
        self._finished(task.found.name, task.told, builder.finish())
        self._reading.siblings.end(file)
        if task.draft is not None:
            task.draft.keep()
        self._reading.counters.unsent_bytes += task.zero_bytes
        self._count(task.told, is_cached=task.fd is None)

    def _count(self, told: os.stat_result, *, is_cached: bool) -> None:
        counters = self._reading.counters
        counters.files += 1
        counters.plain_bytes += told.st_size
        if is_cached:
            counters.files_cached += 1
        else:
            counters.read_bytes += told.st_size

    def _take_back(self, task: _Task, first: int) -> None:
        """Forget the chunks of a reading that came to nothing."""
        reading = self._reading
        end = reading.ledger.chunks
        if reading.unasked is not None:
            reading.unasked.retract(first, end)
        if end > first:
            reading.queue.retract(first, end)
        if reading.cache is not None:
            reading.cache.forget(task.found.path)


def _read_small(found: Found) -> bytes | None:
    """The bytes of a small file; None where it cannot be read, or is not what the walk came to."""
    try:
        fd = open_regular(found.name, found.folder_fd)
        try:
            data = os.read(fd, found.stat.st_size + 1)
            now = os.fstat(fd)
        finally:
            os.close(fd)
    except OSError:
        return None
    told = found.stat
    is_same = (now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns) == (
        told.st_ino,
        told.st_size,
        told.st_mtime_ns,
        told.st_ctime_ns,
    )
    return data if is_same and len(data) == told.st_size and now.st_mode == told.st_mode else None


def _is_same(told: os.stat_result, fd: int | None) -> bool:
    """Whether the file is what it was before reading; one that was not read was compared already."""
    if fd is None:
        return True
    now = os.fstat(fd)
    return (now.st_size, now.st_mtime_ns, now.st_ctime_ns) == (
        told.st_size,
        told.st_mtime_ns,
        told.st_ctime_ns,
    )


def _cached_pieces(contents: Iterable[Content]) -> Iterator[Piece]:
    offset = 0
    for lengths, ids in contents:
        begin = chunk = 0
        for place, length in enumerate((*lengths, 0)):
            if length > 0:
                continue
            chunks = lengths[begin:place]
            if chunks:
                run = ids[chunk * ID_BYTES : (chunk + len(chunks)) * ID_BYTES]
                yield from _split(offset, chunks, run, None, _CACHED_CHUNKS_A_RECORD)
            offset += sum(chunks) - length
            chunk += len(chunks)
            begin = place + 1
            if length:
                yield offset + length, [-length], b"", None


def _split(
    offset: int, lengths: list[int], ids: bytes, data: memoryview | None, most: int
) -> Iterator[Piece]:
    """Chunks in order, so many at a time."""
    done = 0
    for begin in range(0, len(lengths), most):
        some = lengths[begin : begin + most]
        length = sum(some)
        some_ids = ids[begin * ID_BYTES : (begin + most) * ID_BYTES]
        yield offset + done, some, some_ids, None if data is None else data[done : done + length]
        done += length
