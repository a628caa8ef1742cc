"""Chunks that follow each other, joined, so that they are written at once."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from dwcp.transfer.receiving.batch import Run
from dwcp.transfer.receiving.chunk_log import ChunkRow

__all__ = ["Cut", "joined"]


class Cut(NamedTuple):
    """A verified chunk in a buffer.

    Attributes:
        number: its sequence number.
        row: what is known of it.
        begin: where in the buffer it begins.
        end: where in the buffer it ends.
    """

    number: int
    row: ChunkRow
    begin: int
    end: int


def joined(chunks: Iterable[Cut], data: memoryview) -> Iterator[Run]:
    """Join chunks that follow each other in the session, in their file and in the buffer.

    Args:
        chunks: rising by number.
        data: the buffer; empty where nobody needs the bytes.
    """
    first = last = None
    for chunk in chunks:
        if first is None or last is None:
            first = last = chunk
            continue
        if (
            chunk.number != last.number + 1
            or chunk.begin != last.end
            or chunk.row.entry != last.row.entry
            or chunk.row.offset != last.row.offset + last.row.length
        ):
            yield _run(first, last, data)
            first = chunk
        last = chunk
    if first is not None and last is not None:
        yield _run(first, last, data)


def _run(first: Cut, last: Cut, data: memoryview) -> Run:
    count = last.number - first.number + 1
    own = data[first.begin : last.end]
    return Run(first.row.entry, first.row.offset, first.number, count, last.end - first.begin, own)
