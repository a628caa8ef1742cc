"""The receiver's private folder in the destination: lock, index, staging, trash."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from dwcp.errors import StorageError, TransferRefusedError
from dwcp.transfer.receiving.disk import PRIVATE_DIRECTORY, Disk, storage_error
from dwcp.transfer.receiving.index import Index
from dwcp.transfer.receiving.lock import FolderLock
from dwcp.transfer.receiving.staging_folder import StagingFolder
from dwcp.transfer.receiving.trash import Trash
from dwcp.transfer.receiving.tree import Tree

__all__ = ["StateFolder"]

_NAME = ".dwcp"
_STAGING = b"staging"
_READ_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class StateFolder:
    """Everything of a destination that is open as long as a receiver works on it."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        """Open it, made where it is missing, and lock it.

        Args:
            folder: the destination.
            disk: what changes the file system.

        Raises:
            StorageError: it cannot be made or written.
            TransferRefusedError: another receiver has it, or something else lies where it should.
        """
        self.path = folder / _NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise StorageError.of(error, _unusable(folder, error)) from error
        self.destination = Tree(top, str(folder), disk)
        self._disk = disk
        with ExitStack() as opened:
            opened.callback(self.destination.close)
            try:
                self._open(folder, opened)
            except OSError as error:
                raise storage_error(error, str(self.path), top) from error
            self._opened = opened.pop_all()

    def staging(self, name: bytes) -> StagingFolder:
        """The staging folder of a session. Raises OSError."""
        return StagingFolder(name, self._staging, self.path / os.fsdecode(_STAGING), self._disk)

    def staging_names(self) -> Iterator[bytes]:
        """The names of all staging folders. Raises OSError."""
        return map(os.fsencode, sorted(os.listdir(self._staging)))  # noqa: PTH208 - what is open, not a path

    def remove_staging(self, name: bytes) -> None:
        """Remove a staging folder. Raises OSError."""
        self.trash.take(name, self._staging)
        self.trash.empty()

    def close(self) -> None:
        """Close everything and let others have it."""
        self._opened.close()

    def _open(self, folder: Path, opened: ExitStack) -> None:
        own = self._directory(_NAME.encode(), self.destination.root_fd, opened)
        opened.callback(FolderLock(own, str(folder)).close)
        self._staging = self._directory(_STAGING, own, opened)
        self.trash = Trash(own, self._disk)
        opened.callback(self.trash.close)
        self.index = Index(self.path / "index.sqlite")
        opened.callback(self.index.close)

    def _directory(self, name: bytes, above: int, opened: ExitStack) -> int:
        with suppress(FileExistsError):
            os.mkdir(name, PRIVATE_DIRECTORY, dir_fd=above)
        try:
            fd = os.open(name, _READ_DIRECTORY, dir_fd=above)
        except NotADirectoryError as error:
            raise TransferRefusedError(
                f"{self.path} is not a directory of the receiver's own: move away what lies there"
            ) from error
        opened.callback(os.close, fd)
        os.fchmod(fd, PRIVATE_DIRECTORY)
        return fd


def _unusable(folder: Path, error: OSError) -> str:
    """Why a destination cannot be made or opened; of one that is missing, the system tells half of it."""
    standing = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
    if not standing.is_dir():
        return f"{folder} cannot be made or opened: {standing} is not a folder; choose another"
    if isinstance(error, FileNotFoundError):
        return f"{folder} cannot be made or opened: no folder can be made in {standing}; choose another"
    said = (error.strerror or str(error)).lower()
    return f"{folder} cannot be made or opened: {said}; allow it, or choose another"
