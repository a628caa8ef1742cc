"""Objects in a bucket: each is written by one request, which the service carries out whole or not at all."""

import secrets
from collections.abc import Callable
from pathlib import Path

from obstore.store import ObjectStore

from dwcp.codecs import Buffer
from dwcp.errors import StorageError
from dwcp.storage.backends.backend import WriterLock
from dwcp.storage.backends.bucket.lease import Lease, Owner, seconds_awake_or_not
from dwcp.storage.backends.bucket.objects import BucketObjects
from dwcp.storage.backends.locks import BothLocks, lock_folder
from dwcp.storage.backends.names import check_object_name, check_range, is_object_name

__all__ = ["BucketBackend"]

_PLACE = "place"
"""Name of the file, in the local folder, that tells it from all others."""


class BucketBackend:
    """A service that writes on conditions, such as S3. Whoever puts or removes holds the writer's lock."""

    def __init__(
        self,
        store: ObjectStore,
        shown: str,
        host: str,
        local_folder: Path | None,
        clock: Callable[[], float] = seconds_awake_or_not,
    ) -> None:
        """Use a service's client. Nothing is asked of the service yet.

        Args:
            store: of the library, with the prefix.
            shown: where that is, for messages.
            host: this machine's name, for others' messages.
            local_folder: for what can be rebuilt; used for no other store. None to keep that in memory.
            clock: gives seconds, never goes back, and goes on while the machine sleeps.
        """
        self._objects = BucketObjects(store, shown)
        self._host = host
        self._local_folder = local_folder
        self._clock = clock
        self._lease: Lease | None = None

    @property
    def shown(self) -> str:
        """Where it is, such as ``s3://bucket/prefix``."""
        return self._objects.shown

    @property
    def local_folder(self) -> Path | None:
        """This user's own, on this machine."""
        return self._local_folder

    @property
    def is_index_shared(self) -> bool:
        """False: others who use the store have other folders."""
        return False

    @property
    def is_far(self) -> bool:
        """True."""
        return True

    def put(self, name: str, data: Buffer) -> None:
        """Keep an object, in place of any of that name: whole or not at all, and durable when this returns.

        Raises:
            StoreLockedError: the writer's lock was lost.
            StorageError: the service fails, refuses or cannot be reached.
        """
        check_object_name(name)
        self._check_lease()
        self._objects.put(name, data)

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Read an object, or a part of it; fewer bytes than asked for only where the object ends.

        Raises:
            ObjectNotFoundError: there is none of that name.
            StorageError: the service fails, refuses or cannot be reached.
        """
        check_object_name(name)
        check_range(offset, length)
        if length == 0:
            self._objects.size(name)
            return b""
        return self._objects.get(name, offset, length)

    def size(self, name: str) -> int:
        """Length of an object in bytes.

        Raises:
            ObjectNotFoundError: there is none of that name.
            StorageError: the service fails, refuses or cannot be reached.
        """
        check_object_name(name)
        return self._objects.size(name)

    def names(self, prefix: str = "") -> list[str]:
        """Names of all objects in a folder of names and below it, in order.

        Raises:
            StorageError: the service fails, refuses or cannot be reached.
        """
        if prefix:
            check_object_name(prefix)
        return sorted(filter(is_object_name, self._objects.names(prefix)))

    def remove(self, name: str) -> None:
        """Remove an object; nothing where there is none.

        Raises:
            StoreLockedError: the writer's lock was lost.
            StorageError: the service fails, refuses or cannot be reached.
        """
        check_object_name(name)
        self._check_lease()
        self._objects.remove(name)

    def lock_writer(self) -> WriterLock:
        """Take the right to write: the local folder's lock first, then the lease in the bucket.

        Raises:
            StoreLockedError: somebody else has it.
            StorageError: the service fails, or the local folder may not be written.
        """
        folder = self._local_folder
        if folder is None:
            self._lease = Lease(self._objects, Owner(secrets.token_hex(16), self._host), self._clock)
            return self._lease
        lock = lock_folder(folder, self.shown)
        try:
            self._lease = Lease(self._objects, Owner(_place_of(folder), self._host), self._clock)
        except BaseException:
            lock.release()
            raise
        return BothLocks(lock, self._lease)

    def _check_lease(self) -> None:
        if self._lease is not None:
            self._lease.check()


def _place_of(folder: Path) -> str:
    """What stands for a folder whose lock is held; made where it is missing."""
    path = folder / _PLACE
    try:
        if not path.exists():
            path.write_text(secrets.token_hex(16), "ascii")
        return path.read_text("ascii")
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise StorageError.of(
            error, f"{path} cannot be used: {said}; check the disk, then try again"
        ) from error
