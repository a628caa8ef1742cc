"""Where plaintexts of chunks may lie at this side, and reading them there."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from dwcp.errors import DwcpError
from dwcp.transfer.receiving.block_source import BlockSource
from dwcp.transfer.receiving.chunk_log import ChunkRow, SourceKind
from dwcp.transfer.receiving.entries import Entry, Flag
from dwcp.transfer.receiving.index import Index, IndexedFile
from dwcp.transfer.receiving.leases import Leases
from dwcp.transfer.receiving.ledger import Ledger
from dwcp.transfer.receiving.session_log import SessionLog
from dwcp.transfer.receiving.staged import StagedFiles, staged_path
from dwcp.transfer.receiving.staged_index import StagedIndex
from dwcp.transfer.receiving.table import read_exactly
from dwcp.transfer.receiving.tree import Tree

__all__ = ["Place", "Places", "Source"]

_MAX_REMEMBERED = 8_192
_OPEN_FILES = 64


class Source(NamedTuple):
    """Where a block should lie already, as a chunk's row holds it.

    Attributes:
        kind: a `SourceKind`.
        file: number of the file.
        at: offset in it.
        length: plain bytes of the block.
    """

    kind: int
    file: int
    at: int
    length: int


class Place(NamedTuple):
    """A position in a file, or a block that lies elsewhere.

    Attributes:
        is_staged: whether the file lies in the staging folder; else at the destination.
        path: of the file, there; the block's id.
        at: offset in it.
        is_block: whether it is one of the blocks that the receiver was given beside.
    """

    is_staged: bool
    path: bytes
    at: int
    is_block: bool = False


class Places:
    """Finds blocks in what lies here. Safe to use from several threads. Its methods raise StorageError."""

    def __init__(
        self,
        log: SessionLog,
        ledger: Ledger,
        files: StagedFiles,
        destination: Tree,
        index: Index,
        staged_index: StagedIndex | None,
        blocks: BlockSource | None = None,
    ) -> None:
        """Look at nothing yet.

        Args:
            log: the session's entries and chunks.
            ledger: what is known of entries by now.
            files: what the session staged.
            destination: the destination's folder.
            index: what lies there.
            staged_index: what an earlier session left; None where none did.
            blocks: those that lie elsewhere; None for none.
        """
        self._log = log
        self._ledger = ledger
        self._files = files
        self._destination = destination
        self._index = index
        self._staged_index = staged_index
        self._blocks = blocks
        self._opened = Leases(_OPEN_FILES)
        self._indexed: dict[int, tuple[IndexedFile | None]] = {}
        self._left: dict[int, tuple[bytes | None]] = {}

    def find(self, ids: Sequence[bytes]) -> dict[bytes, Source]:
        """Where those of these blocks should lie that are known: looked up, not read."""
        found: dict[bytes, Source] = {}
        if self._staged_index is not None:
            left = self._staged_index.find(ids)
            found = {block: Source(SourceKind.STAGED, *place) for block, place in left.items()}
        rest = [block for block in ids if block not in found] if found else ids
        for block, place in self._index.find(rest).items():
            if self.indexed(place.file) is not None:
                found[block] = Source(SourceKind.INDEX, *place)
        if self._blocks is not None:
            missing = (block for block in rest if block not in found)
            found |= {block: Source(SourceKind.BLOCK, 0, 0, 0) for block in missing if self._has(block)}
        return found

    def indexed(self, number: int) -> IndexedFile | None:
        """A file of the index, if it is still what the index says; looked at once a session."""
        remembered = self._indexed.get(number)
        if remembered is not None:
            return remembered[0]
        if len(self._indexed) >= _MAX_REMEMBERED:
            self._indexed.clear()
        file = self._index.file(number)
        is_same = file is not None and file.facts.are_of(self._destination.look(file.path))
        found = file if is_same else None
        self._indexed[number] = (found,)
        return found

    def left_path(self, number: int) -> bytes | None:
        """The path in the staging folder of a file that an earlier session left there."""
        remembered = self._left.get(number)
        if remembered is not None:
            return remembered[0]
        if len(self._left) >= _MAX_REMEMBERED:
            self._left.clear()
        path = self._staged_index.path(number) if self._staged_index else None
        self._left[number] = (path,)
        return path

    def trust(self, file: IndexedFile) -> None:
        """Take for granted that a file is still what the index says: somebody has just looked."""
        if len(self._indexed) >= _MAX_REMEMBERED:
            self._indexed.clear()
        self._indexed[file.number] = (file,)

    def own(self, entry: Entry, offset: int) -> Place:
        """Where a chunk of a file belongs."""
        if self._ledger.flags(entry.number) & Flag.KEPT:
            return Place(False, entry.path, offset)
        return Place(True, staged_path(entry), offset)

    def of(self, row: ChunkRow, entry: Entry) -> Place | None:
        """Where a chunk's plaintext should lie; None where that is not known any more.

        Args:
            row: the chunk's.
            entry: of the file it belongs to.
        """
        if self._ledger.flags(row.entry) & (Flag.KEPT | Flag.FROM_OLD):
            return Place(False, entry.path, row.offset)
        if row.source == SourceKind.CHUNK:
            return self.of_chunk(row.source_at)
        return self.of_source(row.id, row.source, row.source_file, row.source_at)

    def of_chunk(self, number: int) -> Place:
        """Where a verified chunk of this session lies."""
        (row,) = self._log.chunks.read(number, 1)
        return self.own(self._log.entries.one(row.entry), row.offset)

    def of_source(self, block_id: bytes, kind: int, number: int, at: int) -> Place | None:
        """Where a block of the index, of an earlier session, or of those beside lies."""
        if kind == SourceKind.BLOCK:
            return None if self._blocks is None else Place(False, block_id, 0, is_block=True)
        if kind == SourceKind.INDEX:
            file = self.indexed(number)
            return None if file is None else Place(False, file.path, at)
        path = self.left_path(number) if kind == SourceKind.STAGED else None
        return None if path is None else Place(True, path, at)

    def read(self, place: Place, length: int) -> bytes:
        """What lies at a place; fewer bytes, or none, where it cannot be read. Nothing of it is verified."""
        if place.is_block:
            return self._block(place.path, length)
        try:
            if place.is_staged:
                with self._files.reading(place.path) as fd:
                    return b"" if fd is None else read_exactly(fd, length, place.at)
            return self._read_old(place, length)
        except OSError:
            return b""

    def close(self) -> None:
        """Close all files."""
        self._opened.close()

    def _has(self, block_id: bytes) -> bool:
        try:
            return self._blocks is not None and self._blocks.has(block_id)
        except DwcpError:
            return False

    def _block(self, block_id: bytes, length: int) -> bytes:
        """A block that lies elsewhere; of a session that is gone on with without them, nothing."""
        try:
            plain = b"" if self._blocks is None else self._blocks.get_block(block_id)
        except DwcpError:
            return b""
        return plain if not length or len(plain) == length else b""

    def _read_old(self, place: Place, length: int) -> bytes:
        """Read of the destination. A file stays open while there is more of it, since that is read next."""
        fd = self._opened.hold_open(place.path)
        if fd is None:
            fd = self._destination.open_file(place.path)
            if fd is None:
                return b""
            if os.fstat(fd).st_size == length:
                return _read_and_close(fd, length)
            fd = self._opened.add(place.path, fd)
        try:
            return read_exactly(fd, length, place.at)
        finally:
            self._opened.release(place.path)


def _read_and_close(fd: int, length: int) -> bytes:
    try:
        return read_exactly(fd, length, 0)
    finally:
        os.close(fd)
