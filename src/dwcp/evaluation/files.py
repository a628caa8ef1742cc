"""Writing a report file: whole or not at all."""

import errno
import os
import secrets
from pathlib import Path

from dwcp.errors import StorageError

__all__ = ["atomic_write"]


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a crash, meets the old bytes or the new ones and nothing between.

    Missing folders are made. The bytes go to a new file beside the target, to the disk, and then take the
    target's name.

    Raises:
        StorageError: the disk is full or the place may not be written; what stood there still stands.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_through(fresh, data)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error))
        raise StorageError.of(
            error, f"{path} cannot be written: {reason.lower()}; nothing was changed there"
        ) from error


def _write_through(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
