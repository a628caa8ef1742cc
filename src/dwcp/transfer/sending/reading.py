"""The reader: goes through the source and tells what is in it, record by record."""

import os
from collections.abc import Iterator

from dwcp.blocks import FileLink, TreeBuilder
from dwcp.errors import InputError, ProtocolError, SourceChangedError
from dwcp.transfer.protocol import EndDirectory, EnterDirectory, Keep, Record, Root, Symlink
from dwcp.transfer.sending.file_reading import MODE_BITS, FileReader, Reading
from dwcp.transfer.sending.listings import Listings
from dwcp.transfer.sending.source import Source
from dwcp.transfer.sending.walk import Found, FoundKind, Loss, walk

__all__ = ["Reader"]


class Reader:
    """Walks, compares, reads. For one thread.

    Args:
        source: what is read.
        reading: what reading works with.
        listings: of the destination; None where content alone decides.
        deletes: what is not catalogued will be removed at the receiver, so nothing that is there is left out.
    """

    def __init__(self, source: Source, reading: Reading, listings: Listings | None, *, deletes: bool) -> None:
        self._source, self._reading, self._listings = source, reading, listings
        self._deletes = deletes
        self._tree = TreeBuilder()
        self._files = FileReader(reading, self._add_file, self._skip)

    def records(self) -> Iterator[Record | None]:
        """The catalogue; None where nothing more may be read for now: send what there is, then wait for room.

        Raises:
            InputError: something cannot be read, and would be deleted at the receiver.
            SourceChangedError: the same of a file that changes all the time.
            StorageError: there is no room for temporary files.
            ProtocolError: the receiver's listing is wrong.
        """
        for found in walk(self._source, self._skip):
            match found.kind:
                case FoundKind.FILE:
                    kept = self._kept(found)
                    if kept is None:
                        yield from self._files.records(found)
                    else:
                        yield kept
                case FoundKind.DIRECTORY:
                    mode, mtime_ns = found.stat.st_mode & MODE_BITS, found.stat.st_mtime_ns
                    self._tree.enter(found.name, mode, mtime_ns)
                    yield EnterDirectory(found.name, mode, mtime_ns)
                case FoundKind.END:
                    self._tree.leave()
                    yield EndDirectory()
                case FoundKind.SYMLINK:
                    self._tree.symlink(found.name, found.target, found.stat.st_mtime_ns)
                    yield Symlink(found.name, found.target, found.stat.st_mtime_ns)
        if self._reading.cache is not None and self._listings is None:
            self._reading.cache.keep_only_seen()

    def root(self) -> Root:
        """What the catalogue comes to, after its last record."""
        counters = self._reading.counters
        return Root(self._tree.finish(), counters.files, self._reading.ledger.chunks, counters.plain_bytes)

    def _kept(self, found: Found) -> Keep | None:
        """The record of a file that is at the receiver, as far as size and time tell."""
        if self._listings is None:
            return None
        listed = self._listings.find(tuple(found.path.split(b"/")[1:]))
        size_bytes, mtime_ns = found.stat.st_size, found.stat.st_mtime_ns
        if (
            listed is None
            or not listed.content
            or (listed.size_bytes, listed.mtime_ns) != (size_bytes, mtime_ns)
        ):
            return None
        try:
            link = FileLink.from_bytes(listed.content, size_bytes)
        except InputError as error:
            raise ProtocolError(f"the receiver lists the content of a file wrongly: {error}") from error
        self._add_file(found.name, found.stat, link)
        counters = self._reading.counters
        counters.files += 1
        counters.files_kept += 1
        counters.plain_bytes += size_bytes
        counters.unsent_bytes += size_bytes
        return Keep(found.name, found.stat.st_mode & MODE_BITS, mtime_ns, size_bytes, listed.content)

    def _add_file(self, name: bytes, told: os.stat_result, link: FileLink) -> None:
        self._tree.file(name, told.st_mode & MODE_BITS, told.st_mtime_ns, link)

    def _skip(self, path: bytes, reason: str, loss: Loss) -> None:
        if self._deletes and loss is Loss.RESTLESS:
            raise SourceChangedError(
                f"{self._source.shown(path)} is left out: {reason}; sync when it is at rest"
            )
        if self._deletes and loss is Loss.UNREADABLE:
            raise InputError(
                f"{self._source.shown(path)} cannot be sent: {reason}; what is there would be deleted at the "
                "receiver, so mend this, or sync without deleting"
            )
        self._reading.counters.skip(path, reason)
