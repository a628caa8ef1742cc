"""Reading a file's chunks; from far away ahead of whoever writes them, in order, a few at a time."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future

from dwcp.blocks import FilePart, ZeroRun
from dwcp.errors import CorruptBlockError
from dwcp.storage.block_store import BlockStore

__all__ = ["THREADS", "chunks_ahead"]

THREADS = 4
_AHEAD = 8
"""Chunks that are being read: at most so many times the longest chunk is in memory. It hides the time that a
bucket takes to answer. From a disk, one after the other is faster: measured on two cores, by a third."""


def chunks_ahead(
    store: BlockStore, parts: Iterable[FilePart | ZeroRun], pool: Executor | None
) -> Iterator[tuple[FilePart | ZeroRun, bytes]]:
    """Each part of a file with its content, which of a run of zeros is none.

    Args:
        store: where the chunks are.
        parts: of the file, in order.
        pool: whose threads read ahead; None to read in this one.

    Raises:
        BlockNotFoundError: a chunk is not here.
        CorruptBlockError: a chunk is damaged, or not as long as its file says.
        StorageError: the disk fails or may not be read.
    """
    if pool is None:
        for part in parts:
            yield part, b"" if isinstance(part, ZeroRun) else _checked(part, store.get_block(part.id))
        return
    waiting: deque[tuple[FilePart | ZeroRun, Future[bytes] | None]] = deque()
    try:
        for part in parts:
            chunk = None if isinstance(part, ZeroRun) else pool.submit(store.get_block, part.id)
            waiting.append((part, chunk))
            if len(waiting) > _AHEAD:
                yield _settled(*waiting.popleft())
        while waiting:
            yield _settled(*waiting.popleft())
    finally:
        for _, chunk in waiting:
            if chunk is not None:
                chunk.cancel()


def _settled(part: FilePart | ZeroRun, waited: Future[bytes] | None) -> tuple[FilePart | ZeroRun, bytes]:
    if waited is None or isinstance(part, ZeroRun):
        return part, b""
    return part, _checked(part, waited.result())


def _checked(part: FilePart, chunk: bytes) -> bytes:
    if len(chunk) != part.size_bytes:
        raise CorruptBlockError(
            f"chunk {part.id.hex()} has {len(chunk)} bytes where its file says {part.size_bytes}"
        )
    return chunk
