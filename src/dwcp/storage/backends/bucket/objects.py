"""The few calls of the library that are used, with its errors translated."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Literal

import obstore
from msgspec import Struct
from obstore.exceptions import BaseError
from obstore.store import ObjectStore

from dwcp.codecs import Buffer
from dwcp.errors import ObjectNotFoundError
from dwcp.storage.backends.bucket.failures import is_past_the_end, translated

__all__ = ["BucketObjects", "Version"]


class Version(Struct, frozen=True):
    """One version of an object.

    Attributes:
        data: its bytes.
        tag: changes with it.
        written: when, by the service's clock.
    """

    data: bytes
    tag: str
    written: datetime


class BucketObjects:
    """Objects in one place of one service, the lock too. The library tries each call several times."""

    def __init__(self, store: ObjectStore, shown: str) -> None:
        """Use a service's client.

        Args:
            store: of the library, with the prefix.
            shown: where that is, for messages.
        """
        self._store = store
        self.shown = shown

    def put(self, name: str, data: Buffer) -> None:
        """Write an object in one request."""
        with self._translated(name):
            obstore.put(self._store, name, bytes(data), use_multipart=False)  # it may keep what it is given

    def put_if(self, name: str, data: bytes, tag: str | None) -> str:
        """Write an object if it still has this tag, or if there is none for None; gives its new tag.

        Raises:
            ConditionFailed: it has another, or is there.
        """
        mode: Literal["create"] | dict[Literal["e_tag"], str] = "create" if tag is None else {"e_tag": tag}
        with self._translated(name):
            result = obstore.put(self._store, name, data, use_multipart=False, mode=mode)  # type: ignore[arg-type]
            return str(result["e_tag"])

    def version(self, name: str) -> Version | None:
        """An object with its tag and its time; None where there is none."""
        try:
            with self._translated(name):
                result = obstore.get(self._store, name)
                data = bytes(result.bytes())
                return Version(data, str(result.meta["e_tag"]), result.meta["last_modified"])
        except ObjectNotFoundError:
            return None

    def get(self, name: str, offset: int, length: int | None) -> bytes:
        """A part of an object that has a beginning: not of length 0."""
        with self._translated(name):
            try:
                if offset == 0 and length is None:
                    return bytes(obstore.get(self._store, name).bytes())
                if length is None:
                    return bytes(
                        obstore.get(self._store, name, options={"range": {"offset": offset}}).bytes()
                    )
                return bytes(obstore.get_range(self._store, name, start=offset, length=length))
            except BaseError as error:
                if is_past_the_end(error):
                    return b""
                raise

    def size(self, name: str) -> int:
        """Length of an object in bytes."""
        with self._translated(name):
            return obstore.head(self._store, name)["size"]

    def names(self, prefix: str) -> list[str]:
        """Names of all objects below a folder of names; of all for ``""``."""
        with self._translated(""):
            return [found["path"] for chunk in obstore.list(self._store, prefix or None) for found in chunk]

    def remove(self, name: str) -> None:
        """Remove an object; nothing where there is none."""
        try:
            with self._translated(name):
                obstore.delete(self._store, name)
        except ObjectNotFoundError:
            pass

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            raise translated(error, self.shown, name) from error
