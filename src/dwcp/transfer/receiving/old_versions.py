"""What lies at the destination where a file of the catalogue will lie."""

import os
import stat
from collections.abc import Callable
from typing import NamedTuple

from dwcp.blocks import Chunking, DataPiece, FileBuilder, read_pieces
from dwcp.errors import InputError, TransferRefusedError
from dwcp.transfer.protocol import Keep
from dwcp.transfer.receiving.block_table import BlockRow, block_row
from dwcp.transfer.receiving.facts import FileFacts
from dwcp.transfer.receiving.index import Index, IndexedFile, path_key
from dwcp.transfer.receiving.tree import Tree

__all__ = ["OldVersion", "OldVersions"]

_ROWS_AT_ONCE = 16_384
_PAGE = 256
_NO_END = b"\xff" * 8192


class OldVersion(NamedTuple):
    """A regular file at the destination, whose blocks the index knows.

    Attributes:
        file: as the index knows it.
        told: what the system tells of it.
        is_fresh: whether it was read just now, so that its content is certain.
    """

    file: IndexedFile
    told: os.stat_result
    is_fresh: bool


class OldVersions:
    """Finds old versions; one that the index does not know is read and cut there and then."""

    def __init__(
        self,
        root: bytes,
        destination: Tree,
        index: Index,
        chunking: Chunking,
        on_found: Callable[[IndexedFile], None],
    ) -> None:
        """Look at nothing yet.

        Args:
            root: name of the session's root.
            destination: the destination's folder.
            index: what is known of it.
            chunking: how the session's files are cut.
            on_found: is told of each file that is what the index says.
        """
        self._on_found = on_found
        self._root = root
        self._page: dict[bytes, IndexedFile] = {}
        self._page_end = b""
        self._destination = destination
        self._index = index
        self._chunking = chunking

    def find(self, path: bytes) -> OldVersion | None:
        """The regular file at a path; None where there is none that can be read.

        Raises:
            StorageError: the index cannot be written.
        """
        told = self._destination.look(path)
        if told is None or not stat.S_ISREG(told.st_mode):
            return None
        file = self._indexed(path)
        old = OldVersion(file, told, is_fresh=False) if file and file.facts.are_of(told) else self._read(path)
        if old is not None:
            self._on_found(old.file)
        return old

    def kept(self, path: bytes, record: Keep) -> OldVersion:
        """The file that a record says is to stay.

        Raises:
            TransferRefusedError: it is not what LISTING told, or not any more.
        """
        told = self._destination.look(path)
        file = self._indexed(path)
        if (
            told is None
            or file is None
            or not file.facts.are_of(told)
            or file.content != record.content
            or file.facts.size_bytes != record.size_bytes
        ):
            raise TransferRefusedError(
                f"{self._destination.shown(path)} is not the file any more that the sender was told of: "
                "something else changes the destination; run it again"
            )
        return OldVersion(file, told, is_fresh=False)

    def _indexed(self, path: bytes) -> IndexedFile | None:
        """What the index says of a path. They come in walk order, so it is asked for a page at a time."""
        if path_key(path) > self._page_end:
            files = self._index.page(self._root, path, _PAGE, self._chunking)
            self._page = {file.path: file for file in files}
            self._page_end = path_key(files[-1].path) if len(files) == _PAGE else _NO_END
        return self._page.get(path)

    def _read(self, path: bytes) -> OldVersion | None:
        fd = self._destination.open_file(path)
        if fd is None:
            return None
        try:
            before = FileFacts.of(os.fstat(fd))
            file = self._learn(fd, path, before)
            told = os.fstat(fd)
        except (InputError, OSError):
            return None
        finally:
            os.close(fd)
        if not before.are_of(told):
            return None
        self._index.put_files([file], self._chunking)
        return OldVersion(file, told, is_fresh=True)

    def _learn(self, fd: int, path: bytes, facts: FileFacts) -> IndexedFile:
        number = self._index.take_numbers(1)
        builder = FileBuilder()
        rows: list[BlockRow] = []
        chunks = 0
        for piece in read_pieces(fd, self._chunking):
            if not isinstance(piece, DataPiece):
                builder.zeros(piece.length_bytes)
                continue
            builder.chunks(b"".join(piece.ids), piece.lengths)
            chunks += len(piece.ids)
            at = piece.offset
            for block_id, length in zip(piece.ids, piece.lengths, strict=True):
                rows.append(block_row(block_id, number, at, length))
                at += length
            if len(rows) >= _ROWS_AT_ONCE:
                self._index.put_blocks(rows)
                rows = []
        self._index.put_blocks(rows)
        return IndexedFile(number, path, builder.finish().to_bytes(), chunks, facts)
