"""What a store is made with and keeps: the version of its format, and how files are cut."""

from blake3 import blake3
from msgspec import Struct

from dwcp.blocks import DEFAULT_CHUNKING, Chunking
from dwcp.blocks.canonical import fields, from_canonical, to_canonical
from dwcp.codecs import Buffer
from dwcp.errors import CorruptBlockError, InputError, StoreError

__all__ = ["CONFIG", "SEALED_TAG", "StoreSettings", "is_sealed", "open_config", "with_checksum"]

CONFIG = "config"
"""Name of the object that holds a store's settings."""
SEALED_TAG = "store/1 sealed"
"""What the settings of an encrypted store begin with: kind and version."""
_TAG = "store/1"
_CHECKSUM_BYTES = 32


class StoreSettings(Struct, frozen=True):
    """Fixed when a store is made: changed later, old and new content would share nothing.

    Attributes:
        chunking: how files are cut.
    """

    chunking: Chunking = DEFAULT_CHUNKING

    def to_bytes(self) -> bytes:
        """As the object ``config`` holds them: canonical CBOR, then its BLAKE3."""
        cut = self.chunking
        return with_checksum(to_canonical([_TAG, cut.min_bytes, cut.avg_bytes, cut.max_bytes]))

    @classmethod
    def from_bytes(cls, data: Buffer) -> "StoreSettings":
        """Understand the object ``config``.

        Raises:
            StoreError: it is damaged, or of a newer version.
        """
        try:
            tag, *sizes = fields(open_config(data), str, int, int, int)
            chunking = Chunking(*sizes)
        except (CorruptBlockError, InputError) as error:
            raise StoreError(f"the store's object {CONFIG} is not understood: {error}") from error
        if tag != _TAG:
            raise StoreError(f"the store's format is {tag!r}, not {_TAG!r}; use the version that made it")
        return cls(chunking)


def with_checksum(body: bytes) -> bytes:
    """Bytes, then their BLAKE3."""
    return body + blake3(body).digest()


def open_config(data: Buffer) -> object:
    """The value that the object ``config`` holds.

    Raises:
        StoreError: it is damaged.
        CorruptBlockError: it is no canonical CBOR.
    """
    body, checksum = bytes(data[:-_CHECKSUM_BYTES]), bytes(data[-_CHECKSUM_BYTES:])
    if blake3(body).digest() != checksum:
        raise StoreError(
            f"the store's object {CONFIG} is damaged; put back a copy of it, or, where the store is not "
            "encrypted, make it again with the same settings"
        )
    return from_canonical(body)


def is_sealed(data: Buffer) -> bool:
    """Whether the object ``config`` is that of an encrypted store.

    Raises:
        StoreError: it is damaged.
    """
    try:
        value = open_config(data)
    except CorruptBlockError:
        return False
    return isinstance(value, list) and value[:1] == [SEALED_TAG]
