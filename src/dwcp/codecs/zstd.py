"""Zstandard: plain blocks, and the frames that deltas and dictionaries are made of.

Source: RFC 8878.
"""

from collections.abc import Mapping
from typing import TypeAlias

from backports import zstd
from msgspec import Struct

from dwcp.codecs.buffers import Buffer, byte_view
from dwcp.codecs.frame import BlockKind, pack
from dwcp.codecs.levels import check_level
from dwcp.codecs.reference import Reference
from dwcp.errors import CodecError, CorruptBlockError

__all__ = [
    "MAX_WINDOW_LOG",
    "MIN_WINDOW_LOG",
    "ZSTD_LEVELS",
    "Dictionary",
    "Zstd",
    "compress_zstd",
    "decompress_zstd",
    "plain_exceeds",
]

ZSTD_LEVELS = range(-131072, 23)
"""All levels; below 1 ratio is traded for speed, and 0 is the library's default, 3."""
MIN_WINDOW_LOG, MAX_WINDOW_LOG = 10, 27
"""Smallest window of the format, and the largest that is ever written or accepted (128 MiB)."""

Dictionary: TypeAlias = zstd.ZstdDict | tuple[zstd.ZstdDict, int]
"""A dictionary, or a dictionary and how to use it: as a prefix, digested or not."""

_ACCEPTED_WINDOW_LOG = 23
"""Windows up to 8 MiB are accepted for blocks of any size, as RFC 8878 (3.1.1.1.2) asks of decoders."""
_MAX_EXPANSION = 32 * 1024
"""A zstd block gives at most 128 KiB and takes at least 4 bytes."""
_CHUNK_BYTES = 128 * 1024
"""Length of a zstd block, after which the compressor gives something out."""


class Zstd(Struct, frozen=True):
    """Plain zstd.

    Attributes:
        level: -131072 to 22.
    """

    level: int

    def __post_init__(self) -> None:
        """Refuse a level that does not exist."""
        check_level("zstd", self.level, ZSTD_LEVELS)

    @property
    def name(self) -> str:
        """E.g. ``zstd-3``, or ``zstd--5`` for a negative level."""
        return f"zstd-{self.level}"

    @property
    def needs_reference(self) -> bool:
        """Never."""
        return False

    def encode(self, plain: Buffer, reference: Reference | None = None) -> bytes:  # noqa: ARG002
        """Compress one block; a reference is of no use here."""
        view = byte_view(plain)
        payload = compress_zstd(view, {zstd.CompressionParameter.compression_level: self.level})
        return pack(BlockKind.ZSTD, view, payload)


def compress_zstd(
    plain: memoryview, options: Mapping[int, int], dictionary: Dictionary | None = None
) -> bytes:
    """One zstd frame that holds its content's size and no checksum: the block's own frame has one.

    Raises:
        CodecError: the library cannot compress this.
    """
    try:
        return zstd.compress(plain, options=options, zstd_dict=dictionary)
    except zstd.ZstdError as error:
        raise CodecError(f"zstd cannot compress a block of {len(plain)} bytes: {error}") from error


def decompress_zstd(
    payload: memoryview, plain_bytes: int, dictionary: Dictionary | None = None, reference_bytes: int = 0
) -> bytes:
    """Decompress one frame, of which nothing past the declared length is ever produced.

    Memory is a small multiple of what the payload really gives, and at most of the declared length, plus
    the window, which is bounded by what a block of this length may need.

    Args:
        payload: one whole zstd frame and nothing more.
        plain_bytes: the declared length.
        dictionary: what it was compressed with.
        reference_bytes: length of the prefix, which the window has to cover as well.

    Raises:
        CorruptBlockError: the payload does not decode, is cut short, or gives more than was declared.
    """
    if plain_bytes > _MAX_EXPANSION * len(payload):
        raise CorruptBlockError(
            f"zstd payload of {len(payload)} bytes cannot hold the {plain_bytes} bytes it declares; "
            "fetch it again"
        )
    window_log = min(max((plain_bytes + reference_bytes).bit_length(), _ACCEPTED_WINDOW_LOG), MAX_WINDOW_LOG)
    try:
        decompressor = zstd.ZstdDecompressor(
            zstd_dict=dictionary, options={zstd.DecompressionParameter.window_log_max: window_log}
        )
        plain = decompressor.decompress(payload, plain_bytes + 1)
    except zstd.ZstdError as error:
        raise CorruptBlockError(f"zstd payload does not decode; fetch the block again ({error})") from error
    if len(plain) > plain_bytes or not decompressor.eof or decompressor.unused_data:
        raise CorruptBlockError(
            f"zstd payload is not one whole frame of the {plain_bytes} bytes declared; fetch it again"
        )
    return plain


def plain_exceeds(plain: memoryview, limit_bytes: int, level: int) -> bool:
    """Whether plain zstd makes more than this many bytes of a block, found out with no more work than needed.

    The compressor is fed 128 KiB at a time and stopped once it has given out more than the limit. Fed so,
    it may split its blocks otherwise than in one go (1% measured): what passes the limit by less than 1/8
    is not said to exceed it.
    """
    enough = limit_bytes + limit_bytes // 8
    compressor = zstd.ZstdCompressor(level)
    compressor.set_pledged_input_size(len(plain))
    produced = 0
    for start in range(0, len(plain), _CHUNK_BYTES):
        produced += len(compressor.compress(plain[start : start + _CHUNK_BYTES]))
        if produced > enough:
            return True
    return produced + len(compressor.flush()) > enough
