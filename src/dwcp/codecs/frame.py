"""The frame round every stored block: what it is, how long its plaintext is, and a checksum of it.

The layout is written down in ``docs/reference/block-format.md`` and pinned by ``tests/golden/codecs``.
"""

import struct
from enum import IntEnum
from typing import NamedTuple

import xxhash
from msgspec import Struct

from dwcp.codecs.buffers import Buffer, byte_view
from dwcp.errors import CorruptBlockError

__all__ = ["ID_BYTES", "MAGIC", "BlockKind", "Header", "Window", "pack", "read_header", "unpack", "verify"]

MAGIC = b"DWB\x01"
"""Three letters and the version of the format."""
ID_BYTES = 32
"""Length of a plaintext's id: BLAKE3, 256 bits."""

_FIXED = struct.Struct("<4sBQQ")
_WINDOW = struct.Struct("<QQ")


class BlockKind(IntEnum):
    """What the payload is.

    Any two differ by at least two bits, so that one flipped bit never turns a kind into another.
    """

    NONE = 0
    LZ4 = 3
    SNAPPY = 5
    ZSTD = 6
    DELTA = 9
    DELTA_WINDOW = 10
    DICTIONARY = 12
    KNOWN = 15


_NAMES_REFERENCE = frozenset(
    {BlockKind.DELTA, BlockKind.DELTA_WINDOW, BlockKind.DICTIONARY, BlockKind.KNOWN},
)


class Window(NamedTuple):
    """A part of a reference's plaintext."""

    offset_bytes: int
    length_bytes: int


class Header(Struct, frozen=True):
    """What a stored block says of itself.

    Attributes:
        kind: what the payload is.
        plain_bytes: length of the plaintext.
        checksum: xxh3-64 of the plaintext, seed 0.
        reference_id: BLAKE3 of the reference's whole plaintext; empty where there is no reference.
        window: the part of the reference that was used; None for all of it.
    """

    kind: BlockKind
    plain_bytes: int
    checksum: int
    reference_id: bytes = b""
    window: Window | None = None


def pack(
    kind: BlockKind,
    plain: Buffer,
    payload: Buffer,
    reference_id: bytes = b"",
    window: Window | None = None,
) -> bytes:
    """Frame a payload.

    Args:
        kind: what the payload is.
        plain: the plaintext, for its length and checksum.
        payload: what the codec made of it.
        reference_id: 32 bytes, for the kinds that name a reference.
        window: for ``DELTA_WINDOW``.
    """
    fixed = _FIXED.pack(MAGIC, kind, len(plain), xxhash.xxh3_64_intdigest(plain))
    part = b"" if window is None else _WINDOW.pack(*window)
    return b"".join((fixed, reference_id, part, payload))


def unpack(stored: Buffer) -> tuple[Header, memoryview]:
    """Split a stored block into its header and its payload (a view, not a copy).

    Raises:
        CorruptBlockError: not a block of this format and version, of an unknown kind, or cut short.
    """
    view = byte_view(stored)
    if len(view) < _FIXED.size:
        raise CorruptBlockError(
            f"stored block of {len(view)} bytes is shorter than its header; fetch it again"
        )
    magic, number, plain_bytes, checksum = _FIXED.unpack_from(view)
    if magic != MAGIC:
        raise CorruptBlockError(
            f"stored block begins with {magic.hex()}, not {MAGIC.hex()}: not of this format"
        )
    try:
        kind = BlockKind(number)
    except ValueError as error:
        raise CorruptBlockError(f"stored block is of the unknown kind {number}; fetch it again") from error
    rest = view[_FIXED.size :]
    reference_id, rest = _take_id(kind, rest)
    window, rest = _take_window(kind, rest)
    return Header(kind, plain_bytes, checksum, reference_id, window), rest


def read_header(stored: Buffer) -> Header:
    """What a stored block says of itself, without decoding it.

    Raises:
        CorruptBlockError: not a block of this format and version, of an unknown kind, or cut short.
    """
    return unpack(stored)[0]


def verify(header: Header, plain: Buffer) -> None:
    """Hold decoded bytes against the header.

    Raises:
        CorruptBlockError: wrong length or wrong checksum.
    """
    if len(plain) != header.plain_bytes:
        raise CorruptBlockError(
            f"{header.kind.name} block declares {header.plain_bytes} bytes and gives {len(plain)}; "
            "fetch it again"
        )
    if xxhash.xxh3_64_intdigest(plain) != header.checksum:
        raise CorruptBlockError(
            f"{header.kind.name} block of {len(plain)} bytes does not have its checksum: the stored bytes "
            "are damaged or the reference is not the one it was made with"
        )


def _take_id(kind: BlockKind, rest: memoryview) -> tuple[bytes, memoryview]:
    if kind not in _NAMES_REFERENCE:
        return b"", rest
    if len(rest) < ID_BYTES:
        raise CorruptBlockError(f"{kind.name} block ends inside its reference's id; fetch it again")
    return bytes(rest[:ID_BYTES]), rest[ID_BYTES:]


def _take_window(kind: BlockKind, rest: memoryview) -> tuple[Window | None, memoryview]:
    if kind is not BlockKind.DELTA_WINDOW:
        return None, rest
    if len(rest) < _WINDOW.size:
        raise CorruptBlockError(f"{kind.name} block ends inside its window; fetch it again")
    return Window(*_WINDOW.unpack_from(rest)), rest[_WINDOW.size :]
