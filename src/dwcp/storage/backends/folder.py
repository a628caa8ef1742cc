"""Objects as files below one folder: written aside, synced, renamed, and the folder synced.

``.incoming`` holds what is being written, ``.lock`` is the writer's. Neither is the name of an object.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dwcp.codecs import Buffer
from dwcp.codecs.buffers import byte_view
from dwcp.errors import ObjectNotFoundError, StorageError
from dwcp.storage.backends.backend import WriterLock
from dwcp.storage.backends.locks import LOCK_FILE, lock_folder
from dwcp.storage.backends.names import check_object_name, check_range, is_object_name

__all__ = ["FolderBackend"]

_INCOMING = ".incoming"
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class FolderBackend:
    """A folder on a file system that renames whole. Whoever puts or removes holds the writer's lock."""

    def __init__(self, path: Path) -> None:
        """Name the folder; it is made when something is first written.

        Args:
            path: of the folder.
        """
        self.path = path

    @property
    def shown(self) -> str:
        """The folder's path."""
        return str(self.path)

    @property
    def local_folder(self) -> Path | None:
        """The folder itself."""
        return self.path

    @property
    def is_index_shared(self) -> bool:
        """True: who uses the store uses this folder."""
        return True

    @property
    def is_far(self) -> bool:
        """False: a disk of this machine, or one that looks like it."""
        return False

    def put(self, name: str, data: Buffer) -> None:
        """Keep an object, in place of any of that name: whole or not at all, and durable when this returns.

        Raises:
            StorageError: the disk is full, fails or may not be written.
        """
        check_object_name(name)
        target = self.path / name
        incoming = self.path / _INCOMING / secrets.token_hex(16)
        with self._failing(name):
            _make_folders(incoming.parent)
            _make_folders(target.parent)
            try:
                _write(incoming, byte_view(data))
                incoming.rename(target)
            except BaseException:
                with suppress(OSError):
                    incoming.unlink(missing_ok=True)
                raise
            _sync_folder(target.parent)

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Read an object, or a part of it; fewer bytes than asked for only where the object ends.

        Raises:
            ObjectNotFoundError: there is none of that name.
            StorageError: the disk fails or may not be read.
        """
        check_object_name(name)
        check_range(offset, length)
        with self._failing(name):
            fd = os.open(self.path / name, _READ)
            try:
                ends = os.fstat(fd).st_size
                wanted = max(ends - offset, 0) if length is None else length
                return _read(fd, offset, min(wanted, max(ends - offset, 0)))
            finally:
                os.close(fd)

    def size(self, name: str) -> int:
        """Length of an object in bytes.

        Raises:
            ObjectNotFoundError: there is none of that name.
            StorageError: the disk fails or may not be read.
        """
        check_object_name(name)
        with self._failing(name):
            path = self.path / name
            if path.is_dir():
                raise IsADirectoryError
            return path.stat(follow_symlinks=False).st_size

    def names(self, prefix: str = "") -> list[str]:
        """Names of all objects in a folder of names and below it, in order; leftovers have none.

        Raises:
            StorageError: the disk fails or may not be read.
        """
        if prefix:
            check_object_name(prefix)
        try:
            return sorted(_names_below(self.path / prefix, prefix))
        except OSError as error:
            raise self._error(error, prefix) from error

    def remove(self, name: str) -> None:
        """Remove an object; nothing where there is none.

        Raises:
            StorageError: the disk fails or may not be written.
        """
        check_object_name(name)
        with suppress(ObjectNotFoundError), self._failing(name):
            (self.path / name).unlink()
            _sync_folder((self.path / name).parent)

    def lock_writer(self) -> WriterLock:
        """Take the right to write, by ``flock(2)``; leftovers of an earlier writer are removed.

        Raises:
            StoreLockedError: somebody else has it.
            StorageError: the folder may not be written.
        """
        with self._failing(LOCK_FILE):
            _make_folders(self.path)
            lock = lock_folder(self.path, self.shown)
            self._sweep()
        return lock

    def _sweep(self) -> None:
        with suppress(FileNotFoundError):
            for leftover in (self.path / _INCOMING).iterdir():
                leftover.unlink()

    @contextmanager
    def _failing(self, name: str) -> Iterator[None]:
        try:
            yield
        except _ABSENT as error:
            raise ObjectNotFoundError(f"there is no object {name} in {self.path}") from error
        except OSError as error:
            raise self._error(error, name) from error

    def _error(self, error: OSError, name: str) -> StorageError:
        said = (error.strerror or str(error)).lower()
        return StorageError.of(
            error, f"{self.path / name} cannot be read or written: {said}; check the disk, then try again"
        )


def _make_folders(path: Path) -> None:
    """Make a folder and those above it, each durable in the one that holds it."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            said = (error.strerror or str(error)).lower()
            raise StorageError.of(
                error, f"the folder {folder} cannot be made: {said}; name another, or allow it"
            ) from error
        _sync_folder(folder.parent)


def _sync_folder(path: Path) -> None:
    fd = os.open(path, _FOLDER)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write(path: Path, data: memoryview) -> None:
    fd = os.open(path, _CREATE, 0o600)
    try:
        written = 0
        while written < len(data):
            written += os.write(fd, data[written:])
        os.fsync(fd)
    finally:
        os.close(fd)


def _read(fd: int, offset: int, length: int) -> bytes:
    data = os.pread(fd, length, offset)
    while data and len(data) < length:
        more = os.pread(fd, length - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


def _names_below(folder: Path, prefix: str) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        name = f"{prefix}/{entry.name}" if prefix else entry.name
        if not is_object_name(name):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _names_below(folder / entry.name, name)
        elif entry.is_file(follow_symlinks=False):
            yield name
