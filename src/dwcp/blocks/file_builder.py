"""Builds a file's link, and its node where it needs one, from chunks and zero runs as they come."""

import operator
from collections.abc import Sequence

from dwcp.blocks.canonical import to_canonical
from dwcp.blocks.chunking import MAX_CHUNK_BYTES
from dwcp.blocks.link import ID_BYTES, FileLink, LinkKind
from dwcp.blocks.names import MAX_SIZE_BYTES
from dwcp.blocks.nodes import FileNode
from dwcp.blocks.pages import Pager, Put
from dwcp.blocks.zeros import ZERO_RUN_BYTES
from dwcp.errors import InputError

__all__ = ["FileBuilder"]


class FileBuilder:
    """One file, from its beginning to its end. Memory is bounded: one page a level, however long the file."""

    def __init__(self, put: Put | None = None) -> None:
        """Begin an empty file.

        Args:
            put: takes each node's id and bytes, pages before the nodes that link to them; None to have the
                link alone.
        """
        self._pager: Pager[int] = Pager(FileNode.TAG, 0, operator.add, put)
        self._size_bytes = 0
        self._pending_zeros = 0
        self._parts = 0
        self._first_id = b""

    @property
    def size_bytes(self) -> int:
        """Of what was given so far."""
        return self._size_bytes

    def chunks(self, ids: bytes, lengths: Sequence[int]) -> None:
        """Append chunks.

        Args:
            ids: 32 bytes each, one after the other.
            lengths: of each, in bytes, 1 to `MAX_CHUNK_BYTES`.

        Raises:
            InputError: more ids than lengths or fewer, a length out of range, or the file gets too long.
        """
        if len(ids) != ID_BYTES * len(lengths):
            raise InputError(
                f"{len(lengths)} chunks need {ID_BYTES} bytes of id each, but came with {len(ids)}"
            )
        if not lengths:
            return
        if min(lengths) < 1 or max(lengths) > MAX_CHUNK_BYTES:
            raise InputError(f"a chunk has 1 to {MAX_CHUNK_BYTES} bytes, but one of these has not")
        self._grow(sum(lengths))
        self._flush_zeros()
        if self._parts == 0:
            self._first_id = ids[:ID_BYTES]
        self._parts += len(lengths)
        for begin, length in zip(range(0, len(ids), ID_BYTES), lengths, strict=True):
            chunk_id = ids[begin : begin + ID_BYTES]
            self._pager.add(to_canonical([length, chunk_id]), chunk_id[0] == 0, length)

    def zeros(self, length_bytes: int) -> None:
        """Append a zero run, or lengthen the one that was appended last.

        Raises:
            InputError: no multiple of `ZERO_RUN_BYTES`, or not at one; or the file gets too long.
        """
        if length_bytes < 1 or length_bytes % ZERO_RUN_BYTES or self._size_bytes % ZERO_RUN_BYTES:
            raise InputError(
                f"a zero run begins at a multiple of {ZERO_RUN_BYTES} bytes and is one long, but one of "
                f"{length_bytes} bytes was given at {self._size_bytes}"
            )
        self._grow(length_bytes)
        self._pending_zeros += length_bytes

    def finish(self) -> FileLink:
        """The file's link; nothing may be appended any more."""
        self._flush_zeros()
        if self._size_bytes == 0:
            return FileLink.empty()
        if self._parts == 1 and self._first_id:
            return FileLink(LinkKind.CHUNK, self._first_id, self._size_bytes)
        return FileLink(LinkKind.FILE, self._pager.finish(), self._size_bytes)

    def _grow(self, length_bytes: int) -> None:
        if self._size_bytes + length_bytes > MAX_SIZE_BYTES:
            raise InputError(f"a file has at most {MAX_SIZE_BYTES} bytes, but this one gets longer")
        self._size_bytes += length_bytes

    def _flush_zeros(self) -> None:
        if self._pending_zeros:
            self._pager.add(to_canonical(self._pending_zeros), False, self._pending_zeros)
            self._parts += 1
            self._pending_zeros = 0
