"""What a store is made with and keeps: the version of its format, and how files are cut."""

from blake3 import blake3
from msgspec import Struct

from dwcp.blocks import DEFAULT_CHUNKING, Chunking
from dwcp.blocks.canonical import fields, from_canonical, to_canonical
from dwcp.codecs import Buffer
from dwcp.errors import CorruptBlockError, InputError, StoreError

__all__ = ["CONFIG", "StoreSettings"]

CONFIG = "config"
"""Name of the object that holds a store's settings."""
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
        body = to_canonical([_TAG, cut.min_bytes, cut.avg_bytes, cut.max_bytes])
        return body + blake3(body).digest()

    @classmethod
    def from_bytes(cls, data: Buffer) -> "StoreSettings":
        """Understand the object ``config``.

        Raises:
            StoreError: it is damaged, or of a newer version.
        """
        body, checksum = bytes(data[:-_CHECKSUM_BYTES]), bytes(data[-_CHECKSUM_BYTES:])
        if blake3(body).digest() != checksum:
            raise StoreError(f"the store's object {CONFIG} is damaged; make it again with the same settings")
        try:
            tag, *sizes = fields(from_canonical(body), str, int, int, int)
            chunking = Chunking(*sizes)
        except (CorruptBlockError, InputError) as error:
            raise StoreError(f"the store's object {CONFIG} is not understood: {error}") from error
        if tag != _TAG:
            raise StoreError(f"the store's format is {tag!r}, not {_TAG!r}; use the version that made it")
        return cls(chunking)
