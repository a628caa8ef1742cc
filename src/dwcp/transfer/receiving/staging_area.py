"""What is staged beside files: directories and symbolic links, and holes in what an earlier session left."""

import os
import stat

from dwcp.errors import TransferRefusedError
from dwcp.transfer.receiving.disk import Disk
from dwcp.transfer.receiving.entries import Entry, Flag
from dwcp.transfer.receiving.staged import TREE, StagedFiles, staged_path
from dwcp.transfer.receiving.trash import Trash
from dwcp.transfer.receiving.tree import Tree

__all__ = ["StagingArea"]

_ZEROS = bytes(1024 * 1024)


class StagingArea:
    """Stages what has no chunks. Used by one thread; its methods raise StorageError."""

    def __init__(self, files: StagedFiles, trash: Trash, destination: Tree, disk: Disk, is_new: bool) -> None:
        """Stage nothing yet.

        Args:
            files: of the staging folder.
            trash: for what an earlier session left in the way.
            destination: the destination's folder.
            disk: what makes links.
            is_new: whether the root is new, so that its whole tree is staged.
        """
        self._files = files
        self._trash = trash
        self._destination = destination
        self._disk = disk
        self._is_new = is_new
        self._device = os.fstat(files.tree.root_fd).st_dev

    def enter(self, path: bytes, may_have_old: bool) -> bool:
        """Begin a directory.

        Args:
            path: of it.
            may_have_old: whether the destination may have one there.

        Returns:
            Whether the destination has it.

        Raises:
            TransferRefusedError: it is on another file system, where nothing can be moved to.
        """
        if self._is_new:
            self._make(b"%s/%s" % (TREE, path))
            return False
        told = self._destination.look(path) if may_have_old else None
        if told is None or not stat.S_ISDIR(told.st_mode):
            return False
        if told.st_dev != self._device:
            raise TransferRefusedError(
                f"{self._destination.shown(path)} is on another file system than the destination's folder: "
                "receive there by itself"
            )
        return True

    def symlink(self, path: bytes, target: bytes, mtime_ns: int, may_have_old: bool) -> int:
        """Stage a symbolic link.

        Returns:
            Flags for its entry: whether the destination has it.
        """
        if may_have_old:
            told = self._destination.look(path)
            if told is not None and stat.S_ISLNK(told.st_mode) and self._target(path) == target:
                return Flag.KEPT if told.st_mtime_ns == mtime_ns else Flag.KEPT | Flag.FIX
        staged = b"%s/%s" % (TREE, path)
        try:
            with self._files.tree.parent(staged, make=True) as (directory, name):
                try:
                    self._disk.make_symlink(target, name, directory)
                except FileExistsError:
                    self._trash.take(name, directory)
                    self._disk.make_symlink(target, name, directory)
                self._disk.set_time(name, directory, mtime_ns)
        except OSError as error:
            raise self._files.tree.error(error, staged) from error
        return 0

    def clear(self, entry: Entry, offset: int, length: int) -> None:
        """Have a part of a staged file read as zeros, where an earlier session may have left data."""
        path = staged_path(entry)
        if not self._files.reused or self._files.tree.look(path) is None:
            return
        with self._files.writing(path) as fd:
            end = min(offset + length, os.fstat(fd).st_size)
            while offset < end:
                begin, offset = _data(fd, offset, end)
                for at in range(begin, offset, len(_ZEROS)):
                    self._disk.write(fd, memoryview(_ZEROS)[: offset - at], at)

    def _make(self, path: bytes) -> None:
        try:
            self._files.tree.hold(path, make=True)
        except OSError as error:
            raise self._files.tree.error(error, path) from error
        self._files.tree.release(path)

    def _target(self, path: bytes) -> bytes | None:
        try:
            with self._destination.parent(path) as (directory, name):
                return os.readlink(name, dir_fd=directory)
        except OSError:
            return None


def _data(fd: int, offset: int, end: int) -> tuple[int, int]:
    """Where the next data of a file begins and ends, within a part of it."""
    try:
        begin = os.lseek(fd, offset, os.SEEK_DATA)
    except OSError:
        return end, end
    return (min(begin, end), min(os.lseek(fd, begin, os.SEEK_HOLE), end)) if begin < end else (end, end)
