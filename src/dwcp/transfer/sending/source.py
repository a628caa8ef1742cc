"""The root that is sent: where it lies, and how files below it are opened."""

import os
import stat
from pathlib import Path

from blake3 import blake3

from dwcp.errors import InputError

__all__ = ["Source", "kind_of", "open_regular", "said"]

_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_SPECIAL = {
    stat.S_IFSOCK: "a socket",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Source:
    """A file, directory or symbolic link, held by the directory it lies in.

    Paths below it are bytes that begin with its own name, components joined by slashes.

    Attributes:
        name: of the root, one component.
        folder: the directory it lies in.
        fd: that directory, open.
        stat: what the system told of the root at the beginning.
    """

    def __init__(self, path: Path) -> None:
        """Look at it.

        Raises:
            InputError: it is missing, has no name of its own, may not be looked at, or is neither file,
                directory nor symbolic link.
        """
        try:
            whole = path.resolve() if path.name in ("", ".", "..") else path.parent.resolve() / path.name
            if not whole.name:
                raise InputError(f"{path} has no name of its own; name a file or a directory in it")
            self.folder = whole.parent
            self.name = os.fsencode(whole.name)
            self.fd = os.open(self.folder, _FOLDER_FLAGS)
        except (OSError, RuntimeError) as error:
            raise InputError(f"{path} cannot be sent: {said(error)}; check the path") from error
        try:
            self.stat = os.stat(self.name, dir_fd=self.fd, follow_symlinks=False)
        except OSError as error:
            self.close()
            raise InputError(f"{path} cannot be sent: {said(error)}; check the path") from error
        special = kind_of(self.stat)
        if special:
            self.close()
            raise InputError(f"{path} is {special}; only files, directories and symbolic links are sent")

    def resume_key(self) -> bytes:
        """16 bytes that stay the same while this very root lies where it does."""
        told = f"{self.stat.st_dev}:{self.stat.st_ino}:".encode() + os.fsencode(
            self.folder / os.fsdecode(self.name)
        )
        return blake3(told, derive_key_context="dwcp 2024 resume key of a source").digest(16)

    def open(self, path: bytes) -> int:
        """Open a regular file below the root for reading.

        Raises:
            OSError: it cannot be opened.
        """
        return open_regular(path, self.fd)

    def shown(self, path: bytes) -> str:
        """A path below the root as a person knows it."""
        return str(self.folder / os.fsdecode(path))

    def close(self) -> None:
        """Let go of the directory; more than once does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def open_regular(path: bytes, folder_fd: int) -> int:
    """Open a file without following a symbolic link in its last component, and without waiting for a pipe.

    Raises:
        OSError: it cannot be opened.
    """
    return os.open(path, _READ_FLAGS, dir_fd=folder_fd)


def kind_of(found: os.stat_result) -> str:
    """What is never sent, in words; empty for what is."""
    return _SPECIAL.get(stat.S_IFMT(found.st_mode), "")


def said(error: Exception) -> str:
    """What the system says of an error, in a few words."""
    words = error.strerror if isinstance(error, OSError) else str(error)
    return (words or type(error).__name__).lower()
