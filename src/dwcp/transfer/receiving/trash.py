"""Removing what lies in the way, however deep or locked it is."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from dwcp.transfer.receiving.disk import PRIVATE_DIRECTORY, Disk

__all__ = ["Trash"]

_NAME = b"trash"
_READ_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Trash:
    """A folder that directories are moved to, and removed from one by one.

    A directory's own directories are moved up beside it before it is removed, so that depth costs nothing: no
    recursion, one open directory at a time. Whatever is in it when a receiver starts is removed then.
    """

    def __init__(self, folder: int, disk: Disk) -> None:
        """Use the folder, made where it is missing.

        Args:
            folder: open directory on the same file system as what will be removed; not closed here.
            disk: what moves and removes.

        Raises:
            OSError: it cannot be made.
        """
        self._disk = disk
        with suppress(FileExistsError):
            disk.make_directory(_NAME, folder)
        self._fd = os.open(_NAME, _READ_DIRECTORY, dir_fd=folder)
        self._next = 0

    def can_take(self, name: bytes, directory: int) -> bool:
        """Whether an entry lies on the trash's file system, and can be moved there. Raises OSError."""
        told = os.stat(name, dir_fd=directory, follow_symlinks=False)
        return told.st_dev == os.fstat(self._fd).st_dev

    def take(self, name: bytes, directory: int) -> int:
        """Remove an entry; a directory goes to the trash until `empty`.

        Returns:
            How many entries that are no directories were removed now.

        Raises:
            OSError: it cannot be removed, or is not there.
        """
        mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
        if not stat.S_ISDIR(mode):
            self._disk.remove(name, directory)
            return 1
        if stat.S_IMODE(mode) & PRIVATE_DIRECTORY != PRIVATE_DIRECTORY:
            self._disk.set_mode(name, directory, PRIVATE_DIRECTORY)
        self._move(name, directory)
        return 0

    def empty(self) -> int:
        """Remove all that is in the trash.

        Returns:
            How many entries that are no directories were removed.

        Raises:
            OSError: something cannot be removed.
        """
        removed = 0
        while names := os.listdir(self._fd):  # noqa: PTH208 - what is open, not a path
            for name in map(os.fsencode, names):
                removed += self._empty_one(name)
        return removed

    def close(self) -> None:
        """Close the folder."""
        os.close(self._fd)

    def _empty_one(self, name: bytes) -> int:
        removed = 0
        with _opened(name, self._fd) as inside, os.scandir(inside) as entries:
            for entry in entries:
                removed += self.take(os.fsencode(entry.name), inside)
        self._disk.remove_directory(name, self._fd)
        return removed

    def _move(self, name: bytes, directory: int) -> None:
        while True:
            free = b"%d" % self._next
            self._next += 1
            try:
                os.stat(free, dir_fd=self._fd, follow_symlinks=False)
            except FileNotFoundError:
                self._disk.rename(name, directory, free, self._fd)
                return


@contextmanager
def _opened(name: bytes, directory: int) -> Iterator[int]:
    fd = os.open(name, _READ_DIRECTORY, dir_fd=directory)
    try:
        yield fd
    finally:
        os.close(fd)
