"""Writing a stored tree to disk, never outside of its destination."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dwcp.blocks import FileEntry, SubdirectoryEntry, SymlinkEntry, ZeroRun
from dwcp.errors import CorruptBlockError, StorageError
from dwcp.storage.block_store import BlockStore
from dwcp.storage.trees.nodes import NodeReader
from dwcp.storage.trees.walk import Visit, walk_tree

__all__ = ["restore_tree"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def restore_tree(store: BlockStore, root: bytes, destination: Path) -> None:
    """Write a tree's one entry, by its name, into a folder.

    Files and links take the place of what has their name, whole and by rename; folders are gone into. What
    else lies there stays. A link in the place of a folder is refused, never followed.

    Args:
        store: where the blocks are.
        root: the root id.
        destination: a folder; made where it is missing. Links above it and to it are followed.

    Raises:
        BlockNotFoundError: a block is not here. Files that were written stay; none is left half.
        CorruptBlockError: a block is damaged, or the tree is not one that may be.
        StorageError: the disk is full, may not be written, or something is in the way.
    """
    try:
        destination.mkdir(parents=True, exist_ok=True)
        fd = os.open(destination, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _error(error, destination, b"") from error
    _Restorer(store, destination, fd).run(root)


class _Restorer:
    """One tree on its way to disk."""

    def __init__(self, store: BlockStore, destination: Path, fd: int) -> None:
        self._store = store
        self._reader = NodeReader(store.get_block)
        self._destination = destination
        self._folders = [fd]

    def run(self, root: bytes) -> None:
        try:
            for visit in walk_tree(self._reader, root):
                try:
                    self._visit(visit)
                except OSError as error:
                    raise _error(error, self._destination, visit.path) from error
        finally:
            for fd in self._folders:
                os.close(fd)

    def _visit(self, visit: Visit) -> None:
        entry = visit.entry
        if isinstance(entry, FileEntry):
            self._file(entry)
        elif isinstance(entry, SymlinkEntry):
            self._symlink(entry)
        elif visit.is_leaving:
            self._leave(entry)
        else:
            self._enter(entry)

    def _enter(self, entry: SubdirectoryEntry) -> None:
        with suppress(FileExistsError):
            os.mkdir(entry.name, 0o700, dir_fd=self._folders[-1])
        fd = os.open(entry.name, _FOLDER, dir_fd=self._folders[-1])
        self._folders.append(fd)
        os.fchmod(fd, 0o700)

    def _leave(self, entry: SubdirectoryEntry) -> None:
        fd = self._folders.pop()
        try:
            os.fchmod(fd, entry.mode)
            os.utime(fd, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(fd)

    def _file(self, entry: FileEntry) -> None:
        with self._aside(entry.name) as name:
            fd = os.open(name, _CREATE, 0o600, dir_fd=self._folders[-1])
            try:
                self._content(entry, fd)
                os.fchmod(fd, entry.mode)
                os.utime(fd, ns=(entry.mtime_ns, entry.mtime_ns))
            finally:
                os.close(fd)

    def _content(self, entry: FileEntry, fd: int) -> None:
        offset = 0
        for part in self._reader.parts(entry.link):
            if isinstance(part, ZeroRun):
                offset += part.length_bytes
                continue
            chunk = self._store.get_block(part.id)
            if len(chunk) != part.size_bytes:
                raise CorruptBlockError(
                    f"chunk {part.id.hex()} has {len(chunk)} bytes where its file says {part.size_bytes}"
                )
            _write(fd, chunk, offset)
            offset += len(chunk)
        os.ftruncate(fd, offset)

    def _symlink(self, entry: SymlinkEntry) -> None:
        with self._aside(entry.name) as name:
            os.symlink(entry.target, name, dir_fd=self._folders[-1])
            times = (entry.mtime_ns, entry.mtime_ns)
            os.utime(name, ns=times, dir_fd=self._folders[-1], follow_symlinks=False)

    @contextmanager
    def _aside(self, name: bytes) -> Iterator[bytes]:
        """A name of its own to write to, which is given the real one when that is done."""
        folder = self._folders[-1]
        aside = b".dwcp-%b" % secrets.token_hex(12).encode()
        try:
            yield aside
            os.rename(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(aside, dir_fd=folder)
            raise


def _write(fd: int, data: bytes, offset: int) -> None:
    written = os.pwrite(fd, data, offset)
    while written < len(data):
        written += os.pwrite(fd, memoryview(data)[written:], offset + written)


def _error(error: OSError, destination: Path, path: bytes) -> StorageError:
    shown = f"{destination}/{os.fsdecode(path)}".encode("utf-8", "backslashreplace").decode()
    said = (error.strerror or str(error)).lower()
    return StorageError.of(error, f"{shown} cannot be written: {said}; make room, or move what is in the way")
