"""Objects in memory: for tests, and for a store that needs to last no longer than its process."""

from pathlib import Path
from threading import Lock

from dwcp.codecs import Buffer
from dwcp.errors import ObjectNotFoundError, StoreLockedError
from dwcp.storage.backends.names import check_object_name, check_range, under, window

__all__ = ["MemoryBackend"]


class MemoryBackend:
    """A dictionary behind a lock."""

    def __init__(self) -> None:
        """Begin with no objects."""
        self._objects: dict[str, bytes] = {}
        self._lock = Lock()
        self._writer = Lock()

    @property
    def shown(self) -> str:
        """``memory``."""
        return "memory"

    @property
    def local_folder(self) -> Path | None:
        """None: nothing outlives the process."""
        return None

    @property
    def is_index_shared(self) -> bool:
        """True, there being none but this process."""
        return True

    @property
    def is_far(self) -> bool:
        """False."""
        return False

    def put(self, name: str, data: Buffer) -> None:
        """Keep a copy of an object, in place of any of that name."""
        check_object_name(name)
        copy = bytes(data)
        with self._lock:
            self._objects[name] = copy

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Read an object, or a part of it; fewer bytes than asked for only where the object ends.

        Raises:
            ObjectNotFoundError: there is none of that name.
        """
        check_range(offset, length)
        return window(self._found(name), offset, length)

    def size(self, name: str) -> int:
        """Length of an object in bytes.

        Raises:
            ObjectNotFoundError: there is none of that name.
        """
        return len(self._found(name))

    def names(self, prefix: str = "") -> list[str]:
        """Names of all objects in a folder of names and below it, in order."""
        if prefix:
            check_object_name(prefix)
        with self._lock:
            return sorted(name for name in self._objects if under(name, prefix))

    def remove(self, name: str) -> None:
        """Remove an object; nothing where there is none."""
        check_object_name(name)
        with self._lock:
            self._objects.pop(name, None)

    def lock_writer(self) -> "_MemoryLock":
        """Take the right to write.

        Raises:
            StoreLockedError: somebody else has it.
        """
        if not self._writer.acquire(blocking=False):
            raise StoreLockedError("the store in memory is being written to; close the other writer first")
        return _MemoryLock(self._writer)

    def _found(self, name: str) -> bytes:
        check_object_name(name)
        with self._lock:
            data = self._objects.get(name)
        if data is None:
            raise ObjectNotFoundError(f"there is no object {name} in memory")
        return data


class _MemoryLock:
    """Held until it is released."""

    def __init__(self, lock: Lock) -> None:
        self._lock: Lock | None = lock

    def release(self) -> None:
        """Let others write; nothing where it was released."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None
