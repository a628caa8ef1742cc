"""The few ways in which a receiver changes the file system, and what a failing one is called."""

import ctypes
import errno
import os
import stat

from dwcp.errors import StorageError
from dwcp.words import bytes_text

__all__ = ["PRIVATE_DIRECTORY", "PRIVATE_FILE", "Disk", "free_bytes", "full_error", "storage_error"]

PRIVATE_DIRECTORY = 0o700
"""Mode of directories until they are complete."""
PRIVATE_FILE = 0o600
"""Mode of files until they are complete."""
_CREATE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_BARE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_CLOSED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


class Disk:
    """Every change to the destination's file system goes through one of these methods.

    Names are single components of directories that are already open, and a symbolic link is never followed.
    All of them raise OSError.
    """

    def create(self, name: bytes, directory: int, flags: int = 0) -> int:
        """Open a file for reading and writing, made where it is missing."""
        return os.open(name, _CREATE | flags, PRIVATE_FILE, dir_fd=directory)

    def write(self, fd: int, data: memoryview, offset: int) -> None:
        """Write all of it."""
        written = os.pwrite(fd, data, offset)
        while written < len(data):
            written += os.pwrite(fd, data[written:], offset + written)

    def truncate(self, fd: int, size_bytes: int) -> None:
        """Give a file its length; what is added is a hole."""
        os.ftruncate(fd, size_bytes)

    def make_directory(self, name: bytes, directory: int) -> None:
        """Make a directory that only its owner may use."""
        os.mkdir(name, PRIVATE_DIRECTORY, dir_fd=directory)

    def make_symlink(self, target: bytes, name: bytes, directory: int) -> None:
        """Make a symbolic link."""
        os.symlink(target, name, dir_fd=directory)

    def rename(self, name: bytes, directory: int, new_name: bytes, new_directory: int) -> None:
        """Move an entry; what is not a directory and lies there is replaced."""
        os.rename(name, new_name, src_dir_fd=directory, dst_dir_fd=new_directory)

    def remove(self, name: bytes, directory: int) -> None:
        """Remove an entry that is not a directory."""
        os.unlink(name, dir_fd=directory)

    def remove_directory(self, name: bytes, directory: int) -> None:
        """Remove an empty directory."""
        os.rmdir(name, dir_fd=directory)

    def finish(self, fd: int, mode: int, mtime_ns: int) -> None:
        """Give an open file its mode and its time."""
        os.fchmod(fd, mode)
        os.utime(fd, ns=(mtime_ns, mtime_ns))

    def set_mode(self, name: bytes, directory: int, mode: int) -> None:
        """Give an entry its mode, unless it is a symbolic link."""
        fd = os.open(name, _BARE, dir_fd=directory)
        try:
            if not stat.S_ISLNK(os.fstat(fd).st_mode):
                os.chmod(f"/proc/self/fd/{fd}", mode)  # noqa: PTH101 - what is open, not a path
        finally:
            os.close(fd)

    def set_time(self, name: bytes, directory: int, mtime_ns: int) -> None:
        """Give an entry its time; of a symbolic link, the link's."""
        os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=directory, follow_symlinks=False)

    def flush(self, directory: int) -> None:
        """Write everything of a directory's file system to the disk: ``syncfs(2)``."""
        fd = os.open(b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
        try:
            _sync(fd)
        finally:
            os.close(fd)


def _sync(fd: int) -> None:
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        os.sync()
    elif syncfs(fd):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def free_bytes(fd: int) -> int:
    """How much may still be written to the file system of an open file or directory."""
    facts = os.fstatvfs(fd)
    return facts.f_bavail * facts.f_frsize


def full_error(message: str) -> StorageError:
    """That something would not fit, found before it was tried; its cause is what trying would have given."""
    error = StorageError(message)
    error.__cause__ = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return error


def storage_error(error: OSError, shown: str, fd: int) -> StorageError:
    """What a failed change is called, with what to do about it.

    Args:
        error: what the system said.
        shown: the path, for a person.
        fd: anything open on the same file system.
    """
    said = (error.strerror or str(error)).lower()
    if error.errno in _FULL:
        return StorageError.of(
            error,
            f"{shown} cannot be written: {said}, {bytes_text(free_bytes(fd))} are free; make room, then run "
            "it again",
        )
    if error.errno in _CLOSED:
        return StorageError.of(error, f"{shown} cannot be written: {said}; allow it, then run it again")
    return StorageError.of(
        error,
        f"{shown} cannot be read or written: {said}; check the disk and what lies there "
        f"({bytes_text(free_bytes(fd))} are free)",
    )
