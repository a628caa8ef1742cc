"""The files that a session writes: private until they are put in place."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from dwcp.transfer.receiving.disk import Disk
from dwcp.transfer.receiving.entries import Entry, Flag
from dwcp.transfer.receiving.leases import Leases
from dwcp.transfer.receiving.trash import Trash
from dwcp.transfer.receiving.tree import Tree

__all__ = ["LOOSE", "TREE", "StagedFiles", "staged_path"]

TREE, LOOSE = b"tree", b"loose"
_IN_THE_WAY = frozenset({errno.EISDIR, errno.ELOOP, errno.EEXIST})
_CAPACITY = 128


def staged_path(entry: Entry) -> bytes:
    """Where an entry is staged, in the session's staging folder."""
    return b"%s/%d" % (LOOSE, entry.number) if entry.flags & Flag.LOOSE else b"%s/%s" % (TREE, entry.path)


class StagedFiles:
    """Open files of one staging folder. Safe to use from several threads; all methods raise StorageError."""

    def __init__(self, tree: Tree, trash: Trash, disk: Disk, reused: bool) -> None:
        """Open nothing yet.

        Args:
            tree: the staging folder.
            trash: for what an earlier session left in the way.
            disk: what makes files.
            reused: whether an earlier session left something.
        """
        self.tree = tree
        self.reused = reused
        self._trash = trash
        self._disk = disk
        self._files = Leases(_CAPACITY)

    @contextmanager
    def writing(self, path: bytes) -> Iterator[int]:
        """A file open for reading and writing while the context lasts, made where it is missing."""
        try:
            fd = self._files.hold(path, self._made)
            try:
                yield fd
            finally:
                self._files.release(path)
        except OSError as error:
            raise self.tree.error(error, path) from error

    @contextmanager
    def reading(self, path: bytes) -> Iterator[int | None]:
        """A file open for reading while the context lasts; None where there is none."""
        fd = self._files.hold_open(path)
        if fd is not None:
            try:
                yield fd
            finally:
                self._files.release(path)
            return
        fd = self.tree.open_file(path)
        try:
            yield fd
        finally:
            if fd is not None:
                os.close(fd)

    def create_whole(self, name: bytes, directory: int) -> int:
        """A new file that is written at once, open; the caller closes it.

        Args:
            name: of the file.
            directory: where it belongs, open.

        Raises:
            OSError: it cannot be made.
        """
        return self._create_in(name, directory, os.O_TRUNC if self.reused else os.O_EXCL)

    def done(self, path: bytes) -> None:
        """Close a file that is complete."""
        self._files.forget(path)

    def close(self) -> None:
        """Close all files."""
        self._files.close()

    def _made(self, path: bytes) -> int:
        with self.tree.parent(path, make=True) as (directory, name):
            return self._create_in(name, directory, 0)

    def _create_in(self, name: bytes, directory: int, flags: int) -> int:
        try:
            return self._disk.create(name, directory, flags)
        except OSError as error:
            if error.errno not in _IN_THE_WAY or not self.reused:
                raise
        self._trash.take(name, directory)
        return self._disk.create(name, directory, flags)
