"""What a batch of the catalogue holds, until it is announced to the other threads."""

from collections.abc import Iterator

from msgspec import Struct, field

from dwcp.blocks import FileBuilder
from dwcp.transfer.protocol import File
from dwcp.transfer.receiving.entries import Entry, EntryKind, Flag
from dwcp.transfer.receiving.old_versions import OldVersion

__all__ = ["FileInHand", "Pending", "Piece"]

_NO_CONTENT = bytes(33)


class FileInHand(Struct, eq=False):
    """A file whose records come.

    Attributes:
        number: of its entry.
        path: where it lies.
        record: what it began with.
        first_chunk: sequence number of its first chunk.
        old: what lies at its place; None where nothing does that could be used.
        flags: `Flag` bits.
        builder: makes its content's link; None once it is complete or taken back.
        content: its link's bytes, once it is complete.
        size_bytes: so far.
        chunks: so far.
        announced: how many of these were announced with earlier batches.
        is_wanted: whether any of the announced was asked for.
        bytes_to_write: what its announced chunks were counted for.
        old_end: where in the old version the last of its known chunks ended.
    """

    number: int
    path: bytes
    record: File
    first_chunk: int
    old: OldVersion | None
    flags: int
    builder: FileBuilder | None
    content: bytes = _NO_CONTENT
    size_bytes: int = 0
    chunks: int = 0
    announced: int = 0
    is_wanted: bool = False
    bytes_to_write: int = 0
    old_end: int = 0

    @property
    def is_kept(self) -> bool:
        """Whether what lies at its place is what it is."""
        return bool(self.flags & Flag.KEPT)

    def entry(self) -> Entry:
        """Its row as it stands."""
        return Entry(
            self.number,
            EntryKind.FILE,
            self.flags,
            self.record.mode,
            self.record.mtime_ns,
            self.size_bytes,
            self.content,
            self.first_chunk,
            self.chunks,
            self.path,
        )


class Piece(Struct):
    """Chunks of one record.

    Attributes:
        file: they belong to it.
        offset: of the first, in the file.
        ids: 32 bytes each, one after the other.
        lengths: of each, in bytes.
    """

    file: FileInHand
    offset: int
    ids: bytes
    lengths: tuple[int, ...]


class Pending(Struct):
    """One batch.

    Attributes:
        entries: those that began, in order.
        pieces: chunks, in order.
        open: the file that was in hand when it began.
    """

    entries: list[Entry | FileInHand] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    open: FileInHand | None = None

    def files(self) -> Iterator[FileInHand]:
        """All files that it is about."""
        if self.open is not None:
            yield self.open
        yield from (entry for entry in self.entries if isinstance(entry, FileInHand))

    def by_file(self) -> Iterator[tuple[FileInHand, int, list[Piece]]]:
        """Pieces that belong together: their file, position of their first chunk in the batch, and they."""
        position = begin = 0
        together: list[Piece] = []
        for piece in self.pieces:
            if together and together[0].file is not piece.file:
                yield together[0].file, begin, together
                together, begin = [], position
            together.append(piece)
            position += len(piece.lengths)
        if together:
            yield together[0].file, begin, together
