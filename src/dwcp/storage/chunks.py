"""Chunks on their way into a store: looked at and compressed in a pool, decided on and added one by one.

What is added, and in what order, is the same whatever the pool does.
"""

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from msgspec import Struct

from dwcp.codecs import Buffer
from dwcp.storage.bases import BaseChooser
from dwcp.storage.block_store import BlockStore
from dwcp.storage.encoding import Encoded
from dwcp.storage.hinted import encoder_for
from dwcp.storage.packs import StoredKind

__all__ = ["ChunkWriter"]

_BATCH_BYTES = 256 * 1024
_BATCH_CHUNKS = 32
_AHEAD_BYTES = 8 * 1024 * 1024
"""At most so much is held back for the pool, and a batch more."""
_MOST_THREADS = 4
_LEAST_MEAN_BYTES = 16 * 1024
"""Of a batch for the pool. With smaller chunks threads wait for the interpreter more than they work."""
_LEAST_BYTES = 512
"""For a shorter chunk nothing alike is looked for: there is little to save, and much to remember."""


class _Chunk(Struct, frozen=True):
    """A chunk that the store does not have yet.

    Attributes:
        id: of the chunk.
        plain: its bytes.
        after: id of the chunk that came before it; empty for the first.
    """

    id: bytes
    plain: Buffer
    after: bytes


class _Looked(Struct, frozen=True):
    """What the pool made of a chunk: stored by itself, and what it looks like."""

    alone: Encoded
    sketch: Any | None


class _Batch(Struct, frozen=True):
    """Some chunks, and what will be known of them."""

    chunks: list[_Chunk]
    size_bytes: int
    looked: Future[list[_Looked]]


class ChunkWriter:
    """For one thread. When it is left without an error, all chunks are in the store, though not flushed."""

    def __init__(self, store: BlockStore) -> None:
        """Take a store that is open to write, with whom it asks."""
        self._store = store
        self._similar = store.hints.similar
        similar = self._similar
        self._bases = None if similar is None else BaseChooser(store, store.hints, similar)
        self._pool = ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1), "dwcp-put")
        self._batch: list[_Chunk] = []
        self._batch_bytes = 0
        self._ahead: deque[_Batch] = deque()
        self._ahead_bytes = 0
        self._waiting: set[bytes] = set()
        self._last_id = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                if self._batch:
                    self._hand_over()
                self._add_until(0)
        finally:
            self._pool.shutdown(cancel_futures=True)

    def put(self, plain: Buffer, chunk_id: bytes) -> None:
        """Keep a chunk, sooner or later.

        Args:
            plain: its bytes, which nobody changes.
            chunk_id: its id.

        Raises:
            StorageError: the disk is full, fails or may not be written; perhaps for an earlier chunk.
        """
        after, self._last_id = self._last_id, chunk_id
        if chunk_id in self._waiting or self._store.has(chunk_id):
            return
        self._waiting.add(chunk_id)
        self._batch.append(_Chunk(chunk_id, plain, after))
        self._batch_bytes += len(plain)
        if self._batch_bytes >= _BATCH_BYTES or len(self._batch) == _BATCH_CHUNKS:
            self._hand_over()
            self._add_until(_AHEAD_BYTES)

    def _hand_over(self) -> None:
        plains = [chunk.plain for chunk in self._batch]
        if self._batch_bytes < _LEAST_MEAN_BYTES * len(plains):
            looked = Future[list[_Looked]]()
            looked.set_result(self._look_at(plains))
        else:
            looked = self._pool.submit(self._look_at, plains)
        self._ahead.append(_Batch(self._batch, self._batch_bytes, looked))
        self._ahead_bytes += self._batch_bytes
        self._batch, self._batch_bytes = [], 0

    def _look_at(self, plains: list[Buffer]) -> list[_Looked]:
        """In the pool."""
        similar, encode = self._similar, encoder_for(self._store, plains)
        return [
            _Looked(
                encode(plain),
                None if similar is None or len(plain) < _LEAST_BYTES else similar.sketch(plain),
            )
            for plain in plains
        ]

    def _add_until(self, left_bytes: int) -> None:
        """Add the oldest batches until no more than this is held back."""
        while self._ahead and (self._ahead_bytes > left_bytes or not left_bytes):
            batch = self._ahead.popleft()
            self._ahead_bytes -= batch.size_bytes
            for chunk, looked in zip(batch.chunks, batch.looked.result(), strict=True):
                self._add(chunk, looked)

    def _add(self, chunk: _Chunk, looked: _Looked) -> None:
        encoded = looked.alone
        if self._bases is not None and looked.sketch is not None:
            encoded = self._bases.encode(chunk.id, chunk.plain, encoded, looked.sketch, chunk.after)
        self._store.put_encoded(chunk.id, StoredKind.CHUNK, len(chunk.plain), encoded)
        self._waiting.remove(chunk.id)
