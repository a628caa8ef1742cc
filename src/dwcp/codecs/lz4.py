"""LZ4 blocks, fast and high-compression; one format, so one decoder.

Source: the LZ4 block format, https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
"""

from typing import cast

from lz4 import block
from msgspec import Struct

from dwcp.codecs.buffers import Buffer, byte_view
from dwcp.codecs.frame import BlockKind, pack
from dwcp.codecs.levels import check_level
from dwcp.codecs.reference import Reference
from dwcp.errors import CorruptBlockError, InputError

__all__ = ["HC_LEVELS", "Lz4", "Lz4Hc", "decompress_lz4"]

HC_LEVELS = range(1, 13)
"""Levels of the high-compression mode."""

_MAX_BLOCK_BYTES = 0x7E000000
"""``LZ4_MAX_INPUT_SIZE``."""
_MAX_EXPANSION = 255
"""A payload byte gives at most 255 bytes: each further length byte stands for 255."""


class Lz4(Struct, frozen=True):
    """LZ4's fast mode."""

    @property
    def name(self) -> str:
        """``lz4``."""
        return "lz4"

    @property
    def needs_reference(self) -> bool:
        """Never."""
        return False

    def encode(self, plain: Buffer, reference: Reference | None = None) -> bytes:  # noqa: ARG002
        """Compress one block of at most 2,113,929,216 bytes; a reference is of no use here.

        Raises:
            InputError: the block is larger.
        """
        view = _fitting(plain)
        return pack(BlockKind.LZ4, view, block.compress(view, store_size=False))


class Lz4Hc(Struct, frozen=True):
    """LZ4's high-compression mode: slow to write, as fast to read as ``lz4``.

    Attributes:
        level: 1 to 12.
    """

    level: int

    def __post_init__(self) -> None:
        """Refuse a level that does not exist."""
        check_level("lz4hc", self.level, HC_LEVELS)

    @property
    def name(self) -> str:
        """E.g. ``lz4hc-9``."""
        return f"lz4hc-{self.level}"

    @property
    def needs_reference(self) -> bool:
        """Never."""
        return False

    def encode(self, plain: Buffer, reference: Reference | None = None) -> bytes:  # noqa: ARG002
        """Compress one block of at most 2,113,929,216 bytes; a reference is of no use here.

        Raises:
            InputError: the block is larger.
        """
        view = _fitting(plain)
        payload = block.compress(view, mode="high_compression", compression=self.level, store_size=False)
        return pack(BlockKind.LZ4, view, payload)


def decompress_lz4(payload: memoryview, plain_bytes: int) -> bytes:
    """Decompress, into exactly the declared length.

    Nothing is allocated for a length that the payload cannot give.

    Raises:
        CorruptBlockError: the payload does not decode, or cannot give that length.
    """
    if plain_bytes > min(_MAX_EXPANSION * len(payload), _MAX_BLOCK_BYTES):
        raise CorruptBlockError(
            f"lz4 payload of {len(payload)} bytes cannot hold the {plain_bytes} bytes it declares; "
            "fetch it again"
        )
    try:
        return cast("bytes", block.decompress(payload, uncompressed_size=plain_bytes))
    except block.LZ4BlockError as error:
        raise CorruptBlockError(f"lz4 payload does not decode; fetch the block again ({error})") from error


def _fitting(plain: Buffer) -> memoryview:
    view = byte_view(plain)
    if len(view) > _MAX_BLOCK_BYTES:
        raise InputError(f"lz4 blocks hold at most {_MAX_BLOCK_BYTES} bytes, not {len(view)}; cut it smaller")
    return view
