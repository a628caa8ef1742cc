"""What a pack's directory says of one block."""

from enum import IntEnum

from msgspec import Struct

from dwcp.blocks import ID_BYTES, MAX_CHUNK_BYTES
from dwcp.errors import InputError

__all__ = ["MAX_BLOCK_BYTES", "PackEntry", "StoredKind"]

MAX_BLOCK_BYTES = MAX_CHUNK_BYTES
"""No block has a longer plaintext."""
_FRAME_BYTES = 128
"""More than any frame adds to a plaintext."""
_MAX_CODEC_CHARACTERS = 32


class StoredKind(IntEnum):
    """What a block is to the store."""

    CHUNK = 0
    """Content: nothing is linked from it."""
    NODE = 1
    """A file's, a directory's or a snapshot's node."""


class PackEntry(Struct, frozen=True):
    """One block in a pack.

    Attributes:
        id: BLAKE3 of the plaintext, 32 bytes.
        kind: chunk or node.
        offset: of the stored block in the pack, in bytes.
        stored_bytes: length of the stored block, frame included.
        plain_bytes: length of the plaintext.
        codec: name of what encoded it, e.g. ``zstd-3``; nothing that is needed for decoding.
        base: id of the block that it is a delta against; empty where it is none.
    """

    id: bytes
    kind: StoredKind
    offset: int
    stored_bytes: int
    plain_bytes: int
    codec: str
    base: bytes = b""

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            InputError: one is out of range.
        """
        if len(self.id) != ID_BYTES or len(self.base) not in (0, ID_BYTES) or self.base == self.id:
            raise InputError("a stored block has an id of 32 bytes, and no base or another block's id")
        if not 0 <= self.plain_bytes <= MAX_BLOCK_BYTES:
            raise InputError(f"a block has at most {MAX_BLOCK_BYTES} bytes, not {self.plain_bytes}")
        if not 0 < self.stored_bytes <= self.plain_bytes + _FRAME_BYTES or self.offset < 0:
            raise InputError(
                f"a block of {self.plain_bytes} bytes is not stored in {self.stored_bytes} at {self.offset}"
            )
        if not (1 <= len(self.codec) <= _MAX_CODEC_CHARACTERS and self.codec.isascii()):
            raise InputError(f"a codec's name has 1 to {_MAX_CODEC_CHARACTERS} ASCII characters")

    @property
    def end(self) -> int:
        """Of the stored block in the pack: where the next one begins."""
        return self.offset + self.stored_bytes
