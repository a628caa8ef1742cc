"""Durable writing: what is reported as written survives a power cut, and a full disk is one sentence."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dwcp.errors import StorageError

__all__ = ["exclusive", "make_folder", "storage_errors", "sync_folder", "write_all", "write_file"]


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Translate what the operating system says about writing under ``folder`` into `StorageError`."""
    try:
        yield
    except OSError as error:
        raise StorageError.of(
            error,
            f"{folder} cannot be written ({error.strerror or error}): free space or allow writing, then try "
            f"again; what stood before still stands",
        ) from error


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the folder's lock against other threads and processes; it is released even by a crash.

    Raises:
        OSError: the lock file cannot be made or locked.
    """
    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents where they are missing, durably.

    Raises:
        OSError: it cannot be made.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def write_file(path: Path, content: bytes) -> None:
    """Write a new file and wait until it is on the disk.

    Raises:
        OSError: it stands already, or cannot be written.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        write_all(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)


def write_all(handle: int, content: bytes) -> None:
    """Write every byte, however many calls that takes.

    Raises:
        OSError: the disk is full or may not be written.
    """
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def sync_folder(folder: Path) -> None:
    """Wait until the folder's names are on the disk.

    Raises:
        OSError: they cannot be written.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
