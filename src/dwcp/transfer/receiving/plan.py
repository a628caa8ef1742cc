"""The catalogue as it comes: what each record means at the destination."""

import stat
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dwcp.blocks import FileBuilder, FileLink
from dwcp.errors import InputError, ProtocolError, TransferRefusedError
from dwcp.transfer.protocol import (
    Chunks,
    EndDirectory,
    EndFile,
    EnterDirectory,
    File,
    Keep,
    Record,
    Retract,
    Root,
    Symlink,
    Zeros,
)
from dwcp.transfer.receiving.announcing import Announcer
from dwcp.transfer.receiving.entries import Entry, EntryKind, Flag
from dwcp.transfer.receiving.ledger import Ledger
from dwcp.transfer.receiving.locating import Locator
from dwcp.transfer.receiving.old_versions import OldVersions
from dwcp.transfer.receiving.pending import FileInHand, Pending, Piece
from dwcp.transfer.receiving.session_log import SessionLog
from dwcp.transfer.receiving.staging_area import StagingArea
from dwcp.transfer.receiving.walk import Walk

__all__ = ["Plan"]

_MAX_RETRACTED = 100_000
_NO_CONTENT = bytes(33)


class Plan:
    """Takes the records of one session, in order, from one thread."""

    def __init__(
        self,
        log: SessionLog,
        ledger: Ledger,
        locator: Locator,
        announcer: Announcer,
        old_versions: OldVersions | None,
        area: StagingArea,
    ) -> None:
        """Begin before the first record.

        Args:
            log: the session's.
            ledger: the session's.
            locator: is told of files that were taken back.
            announcer: makes batches known.
            old_versions: what lies at the destination; None where nothing does.
            area: where directories and links are staged.
        """
        self._log = log
        self._ledger = ledger
        self._locator = locator
        self._announcer = announcer
        self._old_versions = old_versions
        self._area = area
        self._walk = Walk(log.facts.name)
        self._had: list[bool] = []
        self._file: FileInHand | None = None
        self._pending = Pending()
        self._next_entry = 0
        self._next_chunk = 0
        self._retracted = 0
        self._retracted_path = b""
        self._special_dropped = 0
        self._takes: Mapping[type[Record], Callable[[Any], None]] = {
            EnterDirectory: self._enter_directory,
            EndDirectory: self._end_directory,
            File: self._begin_file,
            Chunks: self._chunks,
            Zeros: self._zeros,
            EndFile: self._end_file,
            Keep: self._keep,
            Retract: self._retract,
            Symlink: self._symlink,
        }

    def take(self, records: Sequence[Record]) -> None:
        """Take the next records and make known what they mean.

        Raises:
            ProtocolError: they are out of turn, or say what cannot be.
            TransferRefusedError: they are not safe to take.
            StorageError: what they take does not fit the disk.
            OSError: the disk fails.
        """
        self._pending = Pending(open=self._file)
        for record in records:
            self._takes[type(record)](record)
        self._announcer.announce(self._pending)

    def finish(self, root: Root) -> None:
        """Take the end of the catalogue.

        Raises:
            ProtocolError: it is not over, or the sender came to something else.
        """
        if self._file is not None:
            raise ProtocolError("the catalogue ends inside a file")
        self._walk.finish(root, self._next_chunk)

    @property
    def retracted(self) -> int:
        """How many files were taken back."""
        return self._retracted

    @property
    def special_dropped(self) -> int:
        """How many files and directories have bits in their mode that are not taken over."""
        return self._special_dropped

    def _enter_directory(self, record: EnterDirectory) -> None:
        path = self._path_of(record.name)
        self._refuse_retracted(path)
        self._walk.enter(path, record.name, record.mode, record.mtime_ns)
        self._had.append(self._area.enter(path, self._may_have_old()))
        self._add(EntryKind.DIRECTORY, 0, record.mode, record.mtime_ns, path)

    def _end_directory(self, _: EndDirectory) -> None:
        self._refuse_inside_file()
        self._walk.leave()
        self._had.pop()

    def _begin_file(self, record: File) -> None:
        path = self._path_of(record.name)
        old = self._old_versions.find(path) if self._old_versions and self._may_have_old() else None
        flags = Flag.UNDECIDED if old is not None else 0
        if path == self._retracted_path:
            flags |= Flag.LOOSE
        number = self._take_number()
        self._file = FileInHand(number, path, record, self._next_chunk, old, flags, FileBuilder())
        self._pending.entries.append(self._file)

    def _chunks(self, record: Chunks) -> None:
        file, builder = self._in_hand()
        try:
            builder.chunks(record.ids, record.lengths)
        except InputError as error:
            raise ProtocolError(f"the catalogue's chunks cannot be: {error}") from error
        self._pending.pieces.append(Piece(file, file.size_bytes, record.ids, record.lengths))
        file.chunks += len(record.lengths)
        self._next_chunk += len(record.lengths)
        self._grow(file, builder)

    def _zeros(self, record: Zeros) -> None:
        file, builder = self._in_hand()
        try:
            builder.zeros(record.length_bytes)
        except InputError as error:
            raise ProtocolError(f"the catalogue's zero run cannot be: {error}") from error
        self._area.clear(file.entry(), file.size_bytes, record.length_bytes)
        self._grow(file, builder)

    def _end_file(self, _: EndFile) -> None:
        file, builder = self._in_hand()
        if file.size_bytes != file.record.size_bytes:
            raise ProtocolError(
                f"a file was announced with {file.record.size_bytes} bytes and ended after {file.size_bytes}"
            )
        link = builder.finish()
        file.content, file.builder = link.to_bytes(), None
        file.flags = file.flags & ~Flag.UNDECIDED | Flag.ENDED
        self._walk.file(file.record.name, file.record.mode, file.record.mtime_ns, link)
        self._special_dropped += self._log.facts.mode(file.record.mode) != file.record.mode
        self._file = None

    def _retract(self, _: Retract) -> None:
        file, _builder = self._in_hand()
        self._retracted += 1
        if self._retracted > _MAX_RETRACTED:
            raise TransferRefusedError(
                f"more than {_MAX_RETRACTED} files changed while they were read: send a copy"
            )
        file.flags, file.builder = file.flags & ~Flag.UNDECIDED | Flag.RETRACTED, None
        self._locator.retract(file.number)
        self._retracted_path = file.path
        self._file = None

    def _keep(self, record: Keep) -> None:
        path = self._path_of(record.name)
        if self._old_versions is None or not self._may_have_old():
            raise ProtocolError(f"the catalogue keeps {path[:64]!r} where the receiver has nothing")
        old = self._old_versions.kept(path, record)
        try:
            link = FileLink.from_bytes(record.content, record.size_bytes)
        except InputError as error:
            raise ProtocolError(f"the catalogue's content of a kept file cannot be: {error}") from error
        self._walk.file(record.name, record.mode, record.mtime_ns, link)
        mode = self._log.facts.mode(record.mode)
        is_same = old.told.st_mtime_ns == record.mtime_ns and stat.S_IMODE(old.told.st_mode) == mode
        flags = Flag.KEPT if is_same else Flag.KEPT | Flag.FIX
        self._add(
            EntryKind.KEEP, flags, record.mode, record.mtime_ns, path, record.size_bytes, record.content
        )
        self._ledger.kept()

    def _symlink(self, record: Symlink) -> None:
        path = self._path_of(record.name)
        self._refuse_retracted(path)
        self._walk.symlink(record.name, record.target, record.mtime_ns)
        flags = self._area.symlink(path, record.target, record.mtime_ns, self._may_have_old())
        self._add(EntryKind.SYMLINK, flags, 0, record.mtime_ns, path)

    def _path_of(self, name: bytes) -> bytes:
        self._refuse_inside_file()
        return self._walk.path_of(name)

    def _refuse_inside_file(self) -> None:
        if self._file is not None:
            raise ProtocolError("the catalogue goes on while a file is not complete")

    def _refuse_retracted(self, path: bytes) -> None:
        """What was taken back may still come as a file: its data may be on the way."""
        if path == self._retracted_path:
            raise ProtocolError(
                f"the catalogue names {path[:64]!r}, a file that it took back, as something else"
            )

    def _in_hand(self) -> tuple[FileInHand, FileBuilder]:
        if self._file is None or self._file.builder is None:
            raise ProtocolError("the catalogue tells of a file's content where no file began")
        return self._file, self._file.builder

    def _grow(self, file: FileInHand, builder: FileBuilder) -> None:
        file.size_bytes = builder.size_bytes
        if file.size_bytes > file.record.size_bytes:
            raise ProtocolError(f"a file was announced with {file.record.size_bytes} bytes and has more")

    def _may_have_old(self) -> bool:
        """Whether the destination has the directory in which the walk stands."""
        return self._old_versions is not None and (not self._had or self._had[-1])

    def _take_number(self) -> int:
        self._next_entry += 1
        return self._next_entry - 1

    def _add(
        self,
        kind: EntryKind,
        flags: int,
        mode: int,
        mtime_ns: int,
        path: bytes,
        size_bytes: int = 0,
        content: bytes = _NO_CONTENT,
    ) -> None:
        number = self._take_number()
        self._special_dropped += self._log.facts.mode(mode) != mode
        entry = Entry(number, kind, flags, mode, mtime_ns, size_bytes, content, self._next_chunk, 0, path)
        self._pending.entries.append(entry)
