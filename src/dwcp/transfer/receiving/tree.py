"""Paths below one directory, walked a component at a time, so that no symbolic link ever leads elsewhere.

A path here is bytes: components joined by ``/``, relative to the tree's top, which is ``b""``.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from dwcp.errors import StorageError
from dwcp.transfer.receiving.disk import Disk, storage_error
from dwcp.transfer.receiving.leases import Leases

__all__ = ["Tree", "split"]

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CAPACITY = 128
_IN_THE_WAY = frozenset({errno.ENOTDIR, errno.ELOOP})


def split(path: bytes) -> tuple[bytes, bytes]:
    """The directory a path lies in, and its last component."""
    parent, _, name = path.rpartition(b"/")
    return parent, name


class Tree:
    """A directory and what lies below it. Safe to use from several threads."""

    def __init__(self, root_fd: int, shown: str, disk: Disk) -> None:
        """Take a directory over.

        Args:
            root_fd: the open directory; closed with the tree.
            shown: its path, for messages.
            disk: what makes directories.
        """
        self.root_fd = root_fd
        self._shown = shown
        self._disk = disk
        self._directories = Leases(_CAPACITY)

    def hold(self, path: bytes, make: bool = False) -> int:
        """The descriptor of a directory (``O_PATH``), to be given back with `release`.

        Args:
            path: of the directory.
            make: whether it and those above it are made where they are missing; what is in the way and no
                directory is removed. For a tree that is the receiver's own.

        Raises:
            OSError: it is not there, is no directory, or a symbolic link leads to it.
        """
        if not path:
            return self.root_fd
        return self._directories.hold(path, self._make if make else self._open)

    def release(self, path: bytes) -> None:
        """Say that a directory's descriptor is not used any more."""
        if path:
            self._directories.release(path)

    @contextmanager
    def parent(self, path: bytes, make: bool = False) -> Iterator[tuple[int, bytes]]:
        """The descriptor of the directory that a path lies in, while the context lasts, and the last name."""
        above, name = split(path)
        fd = self.hold(above, make)
        try:
            yield fd, name
        finally:
            self.release(above)

    def look(self, path: bytes) -> os.stat_result | None:
        """What lies at a path, a symbolic link itself; None where nothing does or a link leads there."""
        above, name = split(path)
        try:
            fd = self.hold(above)
            try:
                return os.stat(name, dir_fd=fd, follow_symlinks=False)
            finally:
                self.release(above)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno in _IN_THE_WAY:
                return None
            raise self.error(error, path) from error

    def open_file(self, path: bytes) -> int | None:
        """A regular file, open for reading; None where there is none that can be read."""
        above, name = split(path)
        try:
            fd = self.hold(above)
            try:
                opened = os.open(name, _READ, dir_fd=fd)
            finally:
                self.release(above)
        except OSError:
            return None
        if stat.S_ISREG(os.fstat(opened).st_mode):
            return opened
        os.close(opened)
        return None

    def shown(self, path: bytes) -> str:
        """A path for messages."""
        return f"{self._shown}/{os.fsdecode(path)}".encode("utf-8", "backslashreplace").decode()

    def error(self, error: OSError, path: bytes) -> StorageError:
        """What a failed change at a path is called."""
        return storage_error(error, self.shown(path), self.root_fd)

    def forget(self) -> None:
        """Close the directories that are open: some may have been moved or removed since."""
        self._directories.close()

    def close(self) -> None:
        """Close everything."""
        self._directories.close()
        os.close(self.root_fd)

    def _open(self, path: bytes) -> int:
        return self._descend(path, make=False)

    def _make(self, path: bytes) -> int:
        return self._descend(path, make=True)

    def _descend(self, path: bytes, make: bool) -> int:
        """Open a directory from the nearest one above it that is open. No recursion: trees may be deep."""
        above, fd = self._nearest(path)
        current = os.dup(fd)
        self.release(above)
        for name in path[len(above) :].lstrip(b"/").split(b"/"):
            try:
                inner = self._enter(name, current, make)
            finally:
                os.close(current)
            current = inner
        return current

    def _nearest(self, path: bytes) -> tuple[bytes, int]:
        above = split(path)[0]
        while above:
            fd = self._directories.hold_open(above)
            if fd is not None:
                return above, fd
            above = split(above)[0]
        return b"", self.root_fd

    def _enter(self, name: bytes, directory: int, make: bool) -> int:
        try:
            return os.open(name, _DIRECTORY, dir_fd=directory)
        except FileNotFoundError:
            if not make:
                raise
        except OSError as error:
            if not make or error.errno not in _IN_THE_WAY:
                raise
            self._disk.remove(name, directory)
        with suppress(FileExistsError):  # another thread may be faster
            self._disk.make_directory(name, directory)
        return os.open(name, _DIRECTORY, dir_fd=directory)
