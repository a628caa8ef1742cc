"""The right to change a folder, which the system takes back from a process that ends."""

import fcntl
import os
from pathlib import Path

from dwcp.errors import StorageError, StoreLockedError
from dwcp.storage.backends.backend import WriterLock

__all__ = ["LOCK_FILE", "BothLocks", "lock_folder", "make_private_folder"]

LOCK_FILE = ".lock"
"""Name of the file in a folder that says who may change it."""
_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class _FolderLock:
    """Held until it is released or the process ends, however it ends."""

    def __init__(self, fd: int) -> None:
        self._fd: int | None = fd

    def release(self) -> None:
        """Let others write; nothing where it was released."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class BothLocks:
    """Two locks as one; the second is released first."""

    def __init__(self, first: WriterLock, second: WriterLock) -> None:
        """Hold two locks that were taken."""
        self._locks = (second, first)

    def release(self) -> None:
        """Release both."""
        for lock in self._locks:
            lock.release()


def lock_folder(folder: Path, shown: str) -> WriterLock:
    """Take the right to change a folder, by ``flock(2)``. It is made where it is missing.

    Args:
        folder: where the file of the lock lies.
        shown: the store's, for messages.

    Raises:
        StoreLockedError: somebody else has it.
        StorageError: the folder may not be written.
    """
    make_private_folder(folder)
    try:
        fd = os.open(folder / LOCK_FILE, _OPEN, 0o600)
    except OSError as error:
        raise _unusable(folder, error) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(fd)
        raise StoreLockedError(
            f"somebody else is writing to the store {shown}; wait until they are done"
        ) from error
    except OSError as error:
        os.close(fd)
        raise _unusable(folder, error) from error
    return _FolderLock(fd)


def make_private_folder(folder: Path) -> None:
    """Make a folder that nobody else may read, unless it is there.

    Raises:
        StorageError: it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: OSError) -> StorageError:
    said = (error.strerror or str(error)).lower()
    return StorageError.of(error, f"{folder} cannot be written: {said}; check the disk, then try again")
