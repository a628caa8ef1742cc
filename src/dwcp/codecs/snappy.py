"""Snappy, raw format.

Source: https://github.com/google/snappy/blob/main/format_description.txt
"""

import cramjam
from msgspec import Struct

from dwcp.codecs.buffers import Buffer, byte_view
from dwcp.codecs.frame import BlockKind, pack
from dwcp.codecs.reference import Reference
from dwcp.errors import CorruptBlockError, InputError

__all__ = ["Snappy", "decompress_snappy"]

_MAX_BLOCK_BYTES = 2**32 - 1
_MAX_EXPANSION = 22
"""The densest element copies 64 bytes and takes 3."""


class Snappy(Struct, frozen=True):
    """Snappy, which has no levels."""

    @property
    def name(self) -> str:
        """``snappy``."""
        return "snappy"

    @property
    def needs_reference(self) -> bool:
        """Never."""
        return False

    def encode(self, plain: Buffer, reference: Reference | None = None) -> bytes:  # noqa: ARG002
        """Compress one block of less than 4 GiB; a reference is of no use here.

        Raises:
            InputError: the block is larger.
        """
        view = byte_view(plain)
        if len(view) > _MAX_BLOCK_BYTES:
            raise InputError(
                f"snappy blocks hold at most {_MAX_BLOCK_BYTES} bytes, not {len(view)}; cut it smaller"
            )
        return pack(BlockKind.SNAPPY, view, memoryview(cramjam.snappy.compress_raw(view)))


def decompress_snappy(payload: memoryview, plain_bytes: int) -> bytes:
    """Decompress, into exactly the declared length.

    Nothing is allocated for a length that the payload cannot give, whatever its own header says.

    Raises:
        CorruptBlockError: the payload does not decode, or is of another length.
    """
    if plain_bytes > _MAX_EXPANSION * len(payload):
        raise CorruptBlockError(
            f"snappy payload of {len(payload)} bytes cannot hold the {plain_bytes} bytes it declares; "
            "fetch it again"
        )
    plain = bytearray(plain_bytes)
    try:
        written = cramjam.snappy.decompress_raw_into(payload, plain)
    except cramjam.DecompressionError as error:
        raise CorruptBlockError(f"snappy payload does not decode; fetch the block again ({error})") from error
    return bytes(memoryview(plain)[:written])
