"""Reading a file into pieces: zero runs, and what lies between them, cut into chunks and hashed."""

import os
from collections.abc import Iterator

from msgspec import Struct

from dwcp.blocks.chunking import Chunking
from dwcp.blocks.zeros import ZERO_RUN_BYTES, Holes, align_down, zero_runs
from dwcp.codecs import Buffer, plaintext_id
from dwcp.codecs.buffers import byte_view
from dwcp.errors import InputError

__all__ = ["DataPiece", "ZeroPiece", "cut_pieces", "read_pieces"]

_READ_BYTES = 4 * 1024 * 1024


class DataPiece(Struct):
    """Some of a file's chunks, one after the other.

    Attributes:
        offset: of the first in the file.
        data: their bytes, back to back.
        lengths: of each, in bytes.
        ids: of each, 32 bytes.
    """

    offset: int
    data: Buffer
    lengths: list[int]
    ids: list[bytes]

    @property
    def length_bytes(self) -> int:
        """Of the chunks together."""
        return len(self.data)


class ZeroPiece(Struct):
    """A zero run: neither the piece before it nor the one after it is another.

    Attributes:
        offset: in the file, a multiple of `ZERO_RUN_BYTES`.
        length_bytes: a multiple of `ZERO_RUN_BYTES`.
    """

    offset: int
    length_bytes: int


def read_pieces(
    fd: int, chunking: Chunking, buffer_bytes: int = _READ_BYTES
) -> Iterator[DataPiece | ZeroPiece]:
    """Read an open file from its beginning to the end that it has now, holes skipped.

    The chunks are those of `cut_pieces`, wherever the buffer ends and however sparse the file lies on disk. A
    file that is cut short meanwhile ends sooner; one that grows is not read further. Whoever needs to know
    whether it changed compares what the system tells of it before and after.

    Args:
        fd: a regular file, open for reading. Its position is moved, and does not matter.
        chunking: how extents are cut.
        buffer_bytes: at most so much is read at once, and at least the longest chunk and a page.

    Yields:
        Pieces without a gap, each in memory of its own that nothing overwrites.

    Raises:
        InputError: the file cannot be read.
    """
    return _merged(_read(fd, chunking, max(buffer_bytes, chunking.max_bytes + ZERO_RUN_BYTES)))


def cut_pieces(view: Buffer, chunking: Chunking) -> Iterator[DataPiece | ZeroPiece]:
    """Cut a file's whole content in memory.

    Yields:
        Pieces without a gap: zero runs, and between them one piece an extent. Nothing is copied.

    Raises:
        InputError: the memory is not contiguous.
    """
    flat = byte_view(view)
    for begin, end, is_zero in _runs(flat, 0):
        if is_zero:
            yield ZeroPiece(begin, end - begin)
        else:
            yield _piece(flat[begin:end], begin, chunking, final=True)


def _merged(pieces: Iterator[DataPiece | ZeroPiece]) -> Iterator[DataPiece | ZeroPiece]:
    run: ZeroPiece | None = None
    for piece in pieces:
        if isinstance(piece, DataPiece):
            if run is not None:
                yield run
                run = None
            yield piece
        elif run is None:
            run = piece
        else:
            run.length_bytes += piece.length_bytes
    if run is not None:
        yield run


def _read(fd: int, chunking: Chunking, buffer_bytes: int) -> Iterator[DataPiece | ZeroPiece]:
    """Read a window at a time; each begins where the last one's open chunk does.

    What is read twice, the open chunk, is less than is gained by reading into memory that goes on as it is.
    """
    offset, size = 0, _size(fd)
    holes = Holes(fd, size)
    while offset < size:
        window_end = min(align_down(offset + buffer_bytes), size)
        hole_begin, hole_end = holes.next_run(offset, window_end)
        if hole_begin <= offset:
            yield ZeroPiece(offset, hole_end - offset)
            offset = hole_end
            continue
        stop = min(hole_begin, window_end)
        data = _read_at(fd, offset, stop - offset)
        if len(data) < stop - offset:
            size = stop = offset + len(data)
        final = stop == size or (stop == hole_begin < hole_end)
        for piece in _cut_window(data, offset, chunking, final):
            yield piece
            offset = piece.offset + piece.length_bytes


def _cut_window(data: bytes, offset: int, chunking: Chunking, final: bool) -> Iterator[DataPiece | ZeroPiece]:
    view = memoryview(data)
    for begin, end, is_zero in _runs(data, offset):
        if is_zero:
            yield ZeroPiece(offset + begin, end - begin)
            continue
        piece = _piece(view[begin:end], offset + begin, chunking, final or end < len(view))
        if piece.lengths:
            yield piece


def _runs(data: Buffer, offset: int) -> Iterator[tuple[int, int, bool]]:
    """Begin, end, and whether it is a zero run, of all that lies in a part of a file."""
    position = 0
    for begin, end in zero_runs(data, offset):
        if begin > position:
            yield position, begin, False
        yield begin, end, True
        position = end
    if position < len(data):
        yield position, len(data), False


def _piece(view: memoryview, offset: int, chunking: Chunking, final: bool) -> DataPiece:
    lengths = chunking.lengths(view, final)
    ids = []
    begin = 0
    for length in lengths:
        ids.append(plaintext_id(view[begin : begin + length]))
        begin += length
    return DataPiece(offset, view[:begin], lengths, ids)


def _size(fd: int) -> int:
    try:
        return os.fstat(fd).st_size
    except OSError as error:
        raise InputError(f"the source cannot be looked at: {error.strerror}; is it still open?") from error


def _read_at(fd: int, offset: int, length: int) -> bytes:
    """Read so many bytes; fewer only at the end of the file. Into memory that nobody has to clear first."""
    data = _read_once(fd, offset, length)
    while data and len(data) < length:
        more = _read_once(fd, offset + len(data), length - len(data))
        if not more:
            break
        data += more
    return data


def _read_once(fd: int, offset: int, length: int) -> bytes:
    try:
        return os.pread(fd, length, offset)
    except OSError as error:
        raise InputError(
            f"the source cannot be read at offset {offset}: {error.strerror}; check the disk"
        ) from error
