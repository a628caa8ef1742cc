"""Delta: a block against a reference, as a zstd prefix with long-distance matching.

Also the shortest delta there is, the block the receiver already has.
Source: zstd's ``--patch-from``, https://github.com/facebook/zstd/wiki/Zstandard-as-a-patching-engine
"""

from backports import zstd
from msgspec import Struct

from dwcp.codecs.buffers import Buffer, byte_view
from dwcp.codecs.frame import BlockKind, pack
from dwcp.codecs.levels import check_level
from dwcp.codecs.reference import Reference, plaintext_id
from dwcp.codecs.zstd import MAX_WINDOW_LOG, MIN_WINDOW_LOG, ZSTD_LEVELS, compress_zstd, decompress_zstd
from dwcp.errors import CorruptBlockError, InputError

__all__ = ["MIN_REFERENCE_BYTES", "Delta", "decompress_delta", "encode_known", "encode_prefix"]

MIN_REFERENCE_BYTES = 8
"""The shortest prefix zstd takes."""


class Delta(Struct, frozen=True):
    """A block against a reference, always: whether it pays is for the caller, or ``Hierarchy``, to say.

    Reference and block together reach as far as the window does: at most 128 MiB. Use a window of a
    larger reference.

    Attributes:
        level: zstd's, -131072 to 22.
    """

    level: int

    def __post_init__(self) -> None:
        """Refuse a level that does not exist."""
        check_level("delta", self.level, ZSTD_LEVELS)

    @property
    def name(self) -> str:
        """E.g. ``delta-3``."""
        return f"delta-{self.level}"

    @property
    def needs_reference(self) -> bool:
        """Always."""
        return True

    def encode(self, plain: Buffer, reference: Reference | None = None) -> bytes:
        """Compress one block against a reference.

        Raises:
            InputError: no reference, or one of fewer than 8 bytes.
        """
        if reference is None:
            raise InputError(f"{self.name} encodes against a reference; use plain zstd where there is none")
        view = byte_view(plain)
        payload = encode_prefix(view, reference.view, self.level)
        kind = BlockKind.DELTA if reference.window is None else BlockKind.DELTA_WINDOW
        return pack(kind, view, payload, reference.id, reference.window)


def encode_prefix(plain: Buffer, prefix: Buffer, level: int) -> bytes:
    """The payload of a delta, without its frame: one zstd frame that only decodes after the same prefix.

    Args:
        plain: the block.
        prefix: at least 8 bytes.
        level: zstd's, -131072 to 22.

    Raises:
        InputError: the prefix is shorter.
    """
    view, before = byte_view(plain), byte_view(prefix)
    if len(before) < MIN_REFERENCE_BYTES:
        raise InputError(
            f"a delta needs a reference of at least {MIN_REFERENCE_BYTES} bytes, not {len(before)}; "
            "use plain zstd"
        )
    return compress_zstd(view, _options(level, len(view) + len(before)), _as_prefix(before))


def decompress_delta(payload: memoryview, plain_bytes: int, reference: Reference) -> bytes:
    """Decompress a delta against its reference.

    Raises:
        CorruptBlockError: the payload does not decode, or the reference is too short to be the one.
    """
    reference_bytes = len(reference.view)
    if reference_bytes < MIN_REFERENCE_BYTES:
        raise CorruptBlockError(
            f"delta names a reference of {reference_bytes} bytes; none has fewer than {MIN_REFERENCE_BYTES}"
        )
    return decompress_zstd(payload, plain_bytes, _as_prefix(reference.view), reference_bytes)


def encode_known(plain: Buffer, known_id: bytes | None = None) -> bytes:
    """The frame for a block that the receiver already has: its id, and no payload.

    Args:
        plain: the block.
        known_id: its id, where the caller has computed it.
    """
    view = byte_view(plain)
    return pack(BlockKind.KNOWN, view, b"", plaintext_id(view) if known_id is None else known_id)


def _as_prefix(prefix: memoryview) -> tuple[zstd.ZstdDict, int]:
    return zstd.ZstdDict(prefix, is_raw=True).as_prefix


def _options(level: int, reach_bytes: int) -> dict[int, int]:
    parameter = zstd.CompressionParameter
    return {
        parameter.compression_level: level,
        parameter.enable_long_distance_matching: 1,
        parameter.window_log: min(max(reach_bytes.bit_length(), MIN_WINDOW_LOG), MAX_WINDOW_LOG),
    }
