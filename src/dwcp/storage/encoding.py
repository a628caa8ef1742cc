"""From a plaintext to what is stored, and back: compressed where that pays, checked whenever it is read."""

from msgspec import Struct

from dwcp.codecs import (
    Buffer,
    Codec,
    Delta,
    Reference,
    References,
    Uncompressed,
    decode,
    plaintext_id,
    read_header,
)
from dwcp.errors import CorruptBlockError, DwcpError
from dwcp.storage.packs import PackEntry

__all__ = ["Encoded", "encode_block", "encode_delta", "open_block"]

_PAYS = 0.9
"""Encoded bytes are kept only where there are fewer than this share of what they stand in for."""
_MIN_BASE_BYTES = 8
"""The shortest reference that a delta can be made against."""


class Encoded(Struct, frozen=True):
    """A block as it is stored.

    Attributes:
        stored: its frame.
        codec: name of the codec that was kept.
        base: id of what it is a delta against; empty where it is none.
    """

    stored: bytes
    codec: str
    base: bytes = b""


def encode_block(plain: Buffer, codec: Codec) -> Encoded:
    """Compress a block, or leave it as it is where less than a tenth is gained.

    Args:
        plain: the block.
        codec: one that needs no reference.
    """
    stored = codec.encode(plain)
    if len(stored) < _PAYS * len(plain):
        return Encoded(stored, codec.name)
    nothing = Uncompressed()
    return Encoded(nothing.encode(plain), nothing.name)


def encode_delta(plain: Buffer, base: Reference, level: int, alone: Encoded) -> Encoded:
    """A block against another, or by itself where less than a tenth is gained by that.

    Args:
        plain: the block.
        base: the other block, whole.
        level: zstd's.
        alone: the block by itself.
    """
    if len(base.view) < _MIN_BASE_BYTES:
        return alone
    delta = Delta(level)
    stored = delta.encode(plain, base)
    return Encoded(stored, delta.name, base.id) if len(stored) < _PAYS * len(alone.stored) else alone


def open_block(entry: PackEntry, stored: Buffer, bases: References) -> bytes:
    """The plaintext of a stored block, which has the id and the length that the entry says.

    Args:
        entry: what the pack's directory says of it.
        stored: its frame, as it was read.
        bases: where a delta finds what it was made against.

    Raises:
        CorruptBlockError: it is damaged, or not the block it should be.
    """
    if len(stored) != entry.stored_bytes:
        raise CorruptBlockError(
            f"block {entry.id.hex()} is stored in {entry.stored_bytes} bytes, and {len(stored)} were read"
        )
    try:
        if read_header(stored).reference_id != entry.base:
            raise CorruptBlockError("it was made against another base")
        plain = decode(stored, entry.plain_bytes, bases)
    except DwcpError as error:
        raise CorruptBlockError(f"block {entry.id.hex()} is damaged: {error}") from error
    if len(plain) != entry.plain_bytes or plaintext_id(plain) != entry.id:
        raise CorruptBlockError(f"block {entry.id.hex()} is damaged: another plaintext was read in its place")
    return plain
