"""Writing a stored tree to disk, never outside of its destination."""

import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from dwcp.blocks import FileEntry, SubdirectoryEntry, SymlinkEntry, ZeroRun
from dwcp.errors import BlockNotFoundError, CorruptBlockError, StorageError
from dwcp.storage.block_store import BlockStore
from dwcp.storage.progress import Progress, silent
from dwcp.storage.trees.ahead import THREADS, chunks_ahead
from dwcp.storage.trees.nodes import NodeReader
from dwcp.storage.trees.source import Skip
from dwcp.storage.trees.walk import Visit, walk_tree

__all__ = ["restore_tree"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ASIDE = re.compile(rb"\.dwcp-[0-9a-f]{24}")


def restore_tree(
    store: BlockStore,
    root: bytes,
    destination: Path,
    path: bytes = b"",
    skip: Skip | None = None,
    progress: Progress = silent,
) -> None:
    """Write a tree's one entry, or what lies at a path in it, by its name into a folder.

    Files and links take the place of what has their name, whole and by rename; folders are gone into. What
    else lies there stays, but for what a restore that was killed left aside. A link in the place of a folder
    is refused, never followed.

    Args:
        store: where the blocks are.
        root: the root id.
        destination: a folder; made where it is missing. Links above it and to it are followed.
        path: in the tree; empty for its one entry.
        skip: told of files, and of folders whose list is lost, and why; None to raise at the first.
        progress: told of what was written.

    Raises:
        InputError: there is nothing at the path.
        BlockNotFoundError: a block is not here, and `skip` is None. Files that were written stay; none is
            left half.
        CorruptBlockError: a block is damaged, and `skip` is None; or the tree is not one that may be.
        StorageError: the disk is full, may not be written, or something is in the way.
    """
    reader = NodeReader(store.get_block)
    lost = None if skip is None else lambda folder, error: skip(folder, str(error))
    visits = walk_tree(reader, root, lost, path=path)
    try:
        destination.mkdir(parents=True, exist_ok=True)
        fd = os.open(destination, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _error(error, destination, b"") from error
    above_bytes = len(path) - len(path.rpartition(b"/")[2])
    _Restorer(store, reader, fd, skip, progress).run(visits, destination, above_bytes)


class _Restorer:
    """One tree on its way to disk."""

    def __init__(
        self, store: BlockStore, reader: NodeReader, fd: int, skip: Skip | None, progress: Progress
    ) -> None:
        self._store = store
        self._reader = reader
        self._folders = [fd]
        self._skip = skip
        self._progress = progress
        self._pool = ThreadPoolExecutor(THREADS, "dwcp-get") if store.backend.is_far else None

    def run(self, visits: Iterator[Visit], destination: Path, above_bytes: int) -> None:
        """Write what is visited; so many bytes of each path are not of the destination's."""
        path = b""
        try:
            _sweep(self._folders[0])
            for visit in visits:
                path = visit.path[above_bytes:]
                self._visit(visit)
        except OSError as error:
            raise _error(error, destination, path) from error
        finally:
            if self._pool is not None:
                self._pool.shutdown(cancel_futures=True)
            for fd in self._folders:
                os.close(fd)

    def _visit(self, visit: Visit) -> None:
        entry = visit.entry
        if isinstance(entry, FileEntry):
            self._file_or_skip(visit.path, entry)
        elif isinstance(entry, SymlinkEntry):
            self._symlink(entry)
        elif visit.is_leaving:
            self._leave(entry)
        else:
            self._enter(entry)

    def _enter(self, entry: SubdirectoryEntry) -> None:
        try:
            os.mkdir(entry.name, 0o700, dir_fd=self._folders[-1])
            is_new = True
        except FileExistsError:
            is_new = False
        fd = os.open(entry.name, _FOLDER, dir_fd=self._folders[-1])
        self._folders.append(fd)
        os.fchmod(fd, 0o700)
        if not is_new:
            _sweep(fd)

    def _leave(self, entry: SubdirectoryEntry) -> None:
        fd = self._folders.pop()
        try:
            os.fchmod(fd, entry.mode)
            os.utime(fd, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(fd)

    def _file_or_skip(self, path: bytes, entry: FileEntry) -> None:
        try:
            self._file(entry)
        except (BlockNotFoundError, CorruptBlockError) as error:
            if self._skip is None:
                raise
            self._skip(path, str(error))

    def _file(self, entry: FileEntry) -> None:
        # The lock is held until the file has its name: no other restore takes it for a leftover.
        with ExitStack() as at_last, self._aside(entry.name) as name:
            fd = os.open(name, _CREATE, 0o600, dir_fd=self._folders[-1])
            at_last.callback(os.close, fd)
            with suppress(OSError):
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._content(entry, fd)
            os.fchmod(fd, entry.mode)
            os.utime(fd, ns=(entry.mtime_ns, entry.mtime_ns))
        self._progress(1, 0)

    def _content(self, entry: FileEntry, fd: int) -> None:
        offset = 0
        for part, chunk in chunks_ahead(self._store, self._reader.parts(entry.link), self._pool):
            if isinstance(part, ZeroRun):
                offset += part.length_bytes
                self._progress(0, part.length_bytes)
                continue
            _write(fd, chunk, offset)
            offset += len(chunk)
            self._progress(0, len(chunk))
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


def _sweep(folder: int) -> None:
    """Remove what a restore that was killed left aside in a folder, and nobody holds the lock of."""
    for name in map(os.fsencode, os.listdir(folder)):
        if _ASIDE.fullmatch(name):
            with suppress(OSError):
                _remove_leftover(name, folder)


def _remove_leftover(name: bytes, folder: int) -> None:
    kind = stat.S_IFMT(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    if kind == stat.S_IFLNK:
        os.unlink(name, dir_fd=folder)
    elif kind == stat.S_IFREG:
        fd = os.open(name, _LOOK, dir_fd=folder)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name, dir_fd=folder)
        finally:
            os.close(fd)


def _error(error: OSError, destination: Path, path: bytes) -> StorageError:
    shown = os.fsencode(destination / os.fsdecode(path)).decode("utf-8", "backslashreplace")
    said = (error.strerror or str(error)).lower()
    return StorageError.of(error, f"{shown} cannot be written: {said}; make room, or move what is in the way")
