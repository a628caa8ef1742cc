"""What a backend is: named objects that are there whole or not at all."""

from pathlib import Path
from typing import Protocol

from dwcp.codecs import Buffer

__all__ = ["Backend", "WriterLock"]


class WriterLock(Protocol):
    """The right to write, until it is released or the process ends."""

    def release(self) -> None:
        """Let others write; nothing where it was released."""
        ...


class Backend(Protocol):
    """Objects by name. Usable from several threads.

    A name is lower-case words joined by slashes, see `check_object_name`; no object has a name that is a
    folder of another's. Every method raises `InputError` for what is no name, and `StorageError` where the
    disk or the service fails.
    """

    @property
    def shown(self) -> str:
        """Where it is, for messages."""
        ...

    @property
    def local_folder(self) -> Path | None:
        """A folder on this machine for what can be rebuilt, such as an index; None to keep that in memory."""
        ...

    @property
    def is_index_shared(self) -> bool:
        """Whether all who use the store use this `local_folder`; False for a user's own, on one machine."""
        ...

    @property
    def is_far(self) -> bool:
        """Whether each request takes a round trip, so that several at once take no longer than one."""
        ...

    def put(self, name: str, data: Buffer) -> None:
        """Keep an object, in place of any of that name: whole or not at all, and durable when this returns.

        Args:
            name: of the object.
            data: all of it.
        """
        ...

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Read an object, or a part of it.

        Args:
            name: of the object.
            offset: of the first byte.
            length: in bytes; None for all that follows.

        Returns:
            The bytes; fewer than asked for only where the object ends.

        Raises:
            ObjectNotFoundError: there is none of that name.
        """
        ...

    def size(self, name: str) -> int:
        """Length of an object in bytes.

        Raises:
            ObjectNotFoundError: there is none of that name.
        """
        ...

    def names(self, prefix: str = "") -> list[str]:
        """Names of all objects in a folder of names and below it, in order; of all objects for ``""``."""
        ...

    def remove(self, name: str) -> None:
        """Remove an object; nothing where there is none."""
        ...

    def lock_writer(self) -> WriterLock:
        """Take the right to write. What an earlier writer left unfinished is cleared away.

        Raises:
            StoreLockedError: somebody else has it.
        """
        ...
