"""A backend that seals what is put into another one: names, contents, and how long each part is."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dwcp.codecs import Buffer
from dwcp.errors import CorruptBlockError, ObjectNotFoundError
from dwcp.storage.backends import Backend, BothLocks, WriterLock, check_object_name, lock_folder
from dwcp.storage.backends.names import check_range, under
from dwcp.storage.sealing.keys import StoreKeys
from dwcp.storage.sealing.objects import (
    HEAD_BYTES,
    SEALED_BYTES,
    SEGMENT_BYTES,
    open_head,
    open_segments,
    plain_size,
    seal_object,
)

__all__ = ["SealedBackend"]

_KNOWN_CIPHERS = 4096


class SealedBackend:
    """Another backend, behind keys. Each method raises `CorruptBlockError` for what was not sealed so.

    Names have room for fewer characters than in the backend behind it: about a hundred.
    """

    def __init__(self, inner: Backend, keys: StoreKeys, cache: Path | None = None) -> None:
        """Seal another backend.

        Args:
            inner: the other one.
            keys: of the store.
            cache: a folder for what can be rebuilt, away from what is sealed; None for that of `inner`.
        """
        self.inner = inner
        self.keys = keys
        self._cache = cache
        self._ciphers: OrderedDict[str, AESGCM] = OrderedDict()
        self._guard = Lock()

    @property
    def shown(self) -> str:
        """Where it is, as the other one says."""
        return self.inner.shown

    @property
    def local_folder(self) -> Path | None:
        """The cache, or what the other one has."""
        return self._cache or self.inner.local_folder

    @property
    def is_index_shared(self) -> bool:
        """False for a cache of its own."""
        return self._cache is None and self.inner.is_index_shared

    @property
    def is_far(self) -> bool:
        """Whether the backend within is."""
        return self.inner.is_far

    def put(self, name: str, data: Buffer) -> None:
        """Seal an object and keep it, in place of any of that name."""
        check_object_name(name)
        self.inner.put(self.keys.seal_name(name), seal_object(self.keys, name, data))

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Open an object, or the segments in which a part of it lies.

        Raises:
            ObjectNotFoundError: there is none of that name.
            CorruptBlockError: damaged, altered, cut short, or sealed under another name.
        """
        check_object_name(name)
        check_range(offset, length)
        with self._named(name):
            if offset == 0 and length is None:
                return self._whole(name)
            known = self._known(name)
            if known is not None:
                try:
                    return self._part(name, known, offset, length)
                except CorruptBlockError:
                    pass  # perhaps replaced since, with another salt
            cipher = open_head(self.keys, name, self.inner.get(self.keys.seal_name(name), 0, HEAD_BYTES))
            part = self._part(name, cipher, offset, length)
            self._know(name, cipher)
            return part

    def size(self, name: str) -> int:
        """Length in bytes of what was sealed; whether that is right is found where the end is read.

        Raises:
            ObjectNotFoundError: there is none of that name.
        """
        check_object_name(name)
        with self._named(name):
            return plain_size(self.inner.size(self.keys.seal_name(name)))

    def names(self, prefix: str = "") -> list[str]:
        """Names of all objects in a folder of names and below it, in order; no sealed name, no object."""
        if prefix:
            check_object_name(prefix)
        found = map(self.keys.open_name, self.inner.names(prefix.partition("/")[0]))
        return sorted(name for name in found if name is not None and under(name, prefix))

    def remove(self, name: str) -> None:
        """Remove an object; nothing where there is none."""
        check_object_name(name)
        self.inner.remove(self.keys.seal_name(name))

    def lock_writer(self) -> WriterLock:
        """Take the right to write, there and in the cache.

        Raises:
            StoreLockedError: somebody else has it.
        """
        lock = self.inner.lock_writer()
        if self._cache is None:
            return lock
        try:
            return BothLocks(lock_folder(self._cache, self.shown), lock)
        except BaseException:
            lock.release()
            raise

    def _whole(self, name: str) -> bytes:
        sealed = self.inner.get(self.keys.seal_name(name))
        cipher = open_head(self.keys, name, sealed)
        plain, is_ended = open_segments(cipher, 0, memoryview(sealed)[HEAD_BYTES:])
        if not is_ended:
            raise CorruptBlockError("its last segment is missing")
        self._know(name, cipher)
        return plain

    def _part(self, name: str, cipher: AESGCM, offset: int, length: int | None) -> bytes:
        first = offset // SEGMENT_BYTES
        wanted = None
        if length is not None:
            wanted = ((offset + max(length, 1) - 1) // SEGMENT_BYTES - first + 1) * SEALED_BYTES
        sealed_name = self.keys.seal_name(name)
        sealed = self.inner.get(sealed_name, HEAD_BYTES + first * SEALED_BYTES, wanted)
        plain, is_ended = open_segments(cipher, first, sealed)
        if not is_ended and len(sealed) != wanted:
            size_bytes = plain_size(self.inner.size(sealed_name))
            if sealed or offset <= size_bytes:
                raise CorruptBlockError("its last segment is missing")
            return self._part(name, cipher, size_bytes, 1)  # nothing, once the end was seen to be the end
        begin = offset - first * SEGMENT_BYTES
        return plain[begin : None if length is None else begin + length]

    def _known(self, name: str) -> AESGCM | None:
        with self._guard:
            return self._ciphers.get(name)

    def _know(self, name: str, cipher: AESGCM) -> None:
        with self._guard:
            self._ciphers[name] = cipher
            if len(self._ciphers) > _KNOWN_CIPHERS:
                self._ciphers.popitem(last=False)

    @contextmanager
    def _named(self, name: str) -> Iterator[None]:
        try:
            yield
        except ObjectNotFoundError as error:
            raise ObjectNotFoundError(
                f"there is no object {name} in {self.shown}{self._alias(name)}"
            ) from error
        except CorruptBlockError as error:
            raise CorruptBlockError(f"{name} was damaged or altered: {error}{self._alias(name)}") from error

    def _alias(self, name: str) -> str:
        sealed = self.keys.seal_name(name)
        return "" if sealed == name else f" (there it is called {sealed})"
