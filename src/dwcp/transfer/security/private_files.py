"""Files that nobody else may read or change: written whole or not at all, refused when they lie open."""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from dwcp.errors import InputError, StorageError

__all__ = [
    "READABLE_BY_OTHERS",
    "WRITABLE_BY_OTHERS",
    "make_folder",
    "read_file",
    "remove_file",
    "write_file",
]

READABLE_BY_OTHERS = 0o077
"""Bits that a file with a secret must not have."""
WRITABLE_BY_OTHERS = 0o022
"""Bits that a file whose content is trusted must not have."""
_MAX_BYTES = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT)


def make_folder(folder: Path) -> None:
    """Make a folder for this user alone, where it is missing.

    Raises:
        InputError: it stands and others may change it.
        StorageError: it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = folder.stat().st_mode
    except OSError as error:
        raise _unwritable(folder, error) from error
    if mode & WRITABLE_BY_OTHERS:
        raise InputError(f"{folder} may be changed by others, so its keys prove nothing: run chmod 700 on it")


def read_file(path: Path, forbidden: int) -> bytes | None:
    """Read a file, at most 1 MiB of it; None where there is none.

    Args:
        path: the file.
        forbidden: permission bits it must not have.

    Raises:
        InputError: it may not be read, or has one of the forbidden bits.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise InputError(f"{path} cannot be read ({said}): allow it, or name another folder") from error
    if mode & forbidden:
        verb = "read" if forbidden == READABLE_BY_OTHERS else "changed"
        raise InputError(
            f"{path} may be {verb} by others: run chmod 600 on it, and renew it if others had access"
        )
    return content


def write_file(path: Path, content: bytes, *, replace: bool) -> None:
    """Put a whole file in place, for this user alone; a crash leaves what stood or what was written.

    Args:
        path: the file.
        content: all of it.
        replace: whether a file that stands there is replaced; else it stays, and whoever came first wins.

    Raises:
        StorageError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_draft(draft, content)
        if replace:
            draft.replace(path)
        else:
            _link_unless_there(draft, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):
            draft.unlink()


def remove_file(path: Path) -> bool:
    """Remove a file; whether there was one.

    Raises:
        StorageError: it cannot be removed.
    """
    try:
        path.unlink()
        _sync_folder(path.parent)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unwritable(path, error) from error
    return True


def _write_draft(draft: Path, content: bytes) -> None:
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _link_unless_there(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(path: Path, error: OSError) -> StorageError:
    said = (error.strerror or str(error)).lower()
    if isinstance(error, FileNotFoundError | NotADirectoryError | FileExistsError):
        return StorageError.of(error, f"{path} cannot be made ({said}): name another folder in DWCP_KEYS")
    what_to_do = "free space" if error.errno in _FULL else "allow it"
    return StorageError.of(error, f"{path} cannot be written ({said}): {what_to_do}, or set DWCP_KEYS")
