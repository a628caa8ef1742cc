"""One receiver per destination: a lock that ends with the process, however it ends."""

import fcntl
import os

from dwcp.errors import TransferRefusedError

__all__ = ["FolderLock"]

_NAME = b"lock"


class FolderLock:
    """Held from making it until `close`. Source: ``flock(2)``."""

    def __init__(self, directory: int, shown: str) -> None:
        """Take the lock.

        Args:
            directory: where the lock's file lies, open.
            shown: the destination's path, for the message.

        Raises:
            TransferRefusedError: somebody else has it.
            OSError: the file cannot be made.
        """
        self._fd = os.open(
            _NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=directory
        )
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._fd)
            raise TransferRefusedError(
                f"{shown} is in use by another receiver; wait until it ends, or receive into another folder"
            ) from error

    def close(self) -> None:
        """Let others have it."""
        os.close(self._fd)
