"""A pack as bytes: head, stored blocks, directory, trailer. See ``docs/reference/store-format.md``."""

import struct
from collections.abc import Sequence

from blake3 import blake3
from msgspec import Struct

from dwcp.codecs import Buffer
from dwcp.codecs.buffers import byte_view
from dwcp.errors import CorruptBlockError, CorruptPackError
from dwcp.storage.backends import Backend
from dwcp.storage.packs.directory import decode_directory, encode_directory
from dwcp.storage.packs.entry import PackEntry
from dwcp.storage.packs.names import pack_object

__all__ = [
    "HEAD",
    "MAX_PACK_BYTES",
    "TRAILER_BYTES",
    "encode_pack",
    "open_pack",
    "read_directory",
]

HEAD = b"DWP\x01"
"""What a pack begins with: three letters and the version of the format."""
MAX_PACK_BYTES = 64 * 1024 * 1024
"""No longer pack is read."""
_END = b"PWD\x01"
_TRAILER = struct.Struct("<Q32s4s")
TRAILER_BYTES = _TRAILER.size
"""Length of what a pack ends with: length of its directory, BLAKE3 of it, four bytes."""
_TAIL_BYTES = 64 * 1024
"""Read at once from a pack's end: it holds most directories whole."""


class _Trailer(Struct, frozen=True):
    """Where a pack's directory lies, once that was checked.

    Attributes:
        begin: of the directory in the pack: where the stored blocks end.
        end: of the directory.
        checksum: BLAKE3 of it.
    """

    begin: int
    end: int
    checksum: bytes


def encode_pack(blocks: Buffer, entries: Sequence[PackEntry]) -> bytes:
    """The bytes of a pack.

    Args:
        blocks: the head and the stored blocks, one after the other.
        entries: of the blocks, in order.
    """
    directory = encode_directory(entries)
    trailer = _TRAILER.pack(len(directory), blake3(directory).digest(), _END)
    return b"".join((blocks, directory, trailer))


def open_pack(pack: Buffer) -> list[PackEntry]:
    """What lies in a pack, from all its bytes. That each block is what it should be is not looked at.

    Raises:
        CorruptPackError: cut short, altered in its head, directory or trailer, or of another version.
    """
    view = byte_view(pack)
    _check_size(len(view))
    _check_head(view[: len(HEAD)])
    trailer = _open_trailer(view[-TRAILER_BYTES:], len(view))
    return _open_directory(view[trailer.begin : trailer.end], trailer)


def read_directory(backend: Backend, pack_id: bytes) -> list[PackEntry]:
    """What lies in a pack, without reading its blocks.

    Raises:
        ObjectNotFoundError: there is no such pack.
        CorruptPackError: cut short, altered in its head, directory or trailer, or of another version.
    """
    name = pack_object(pack_id)
    try:
        size_bytes = backend.size(name)
        _check_size(size_bytes)
        _check_head(backend.get(name, 0, len(HEAD)))
        begin = max(size_bytes - _TAIL_BYTES, 0)
        tail = backend.get(name, begin)
        trailer = _open_trailer(tail[-TRAILER_BYTES:], size_bytes)
        if trailer.begin < begin:
            tail = backend.get(name, trailer.begin, begin - trailer.begin) + tail
        return _open_directory(tail[-TRAILER_BYTES - (trailer.end - trailer.begin) : -TRAILER_BYTES], trailer)
    except CorruptPackError as error:
        raise CorruptPackError(f"{name}: {error}") from error
    except CorruptBlockError as error:
        raise CorruptPackError(str(error)) from error


def _check_size(size_bytes: int) -> None:
    if not len(HEAD) + TRAILER_BYTES < size_bytes <= MAX_PACK_BYTES:
        raise CorruptPackError(
            f"a pack has {len(HEAD) + TRAILER_BYTES + 1} to {MAX_PACK_BYTES} bytes, and this {size_bytes}: "
            "it was cut short or is no pack"
        )


def _check_head(head: Buffer) -> None:
    if head != HEAD:
        raise CorruptPackError(f"a pack begins with {HEAD.hex()}, and this one with {bytes(head).hex()}")


def _open_trailer(trailer: Buffer, size_bytes: int) -> _Trailer:
    if len(trailer) != TRAILER_BYTES:
        raise CorruptPackError("a pack ends inside its trailer; it was cut short while it was read")
    directory_bytes, checksum, magic = _TRAILER.unpack(trailer)
    if magic != _END:
        raise CorruptPackError(f"a pack ends with {_END.hex()}, and this one with {magic.hex()}")
    end = size_bytes - TRAILER_BYTES
    if directory_bytes > end - len(HEAD):
        raise CorruptPackError(f"a pack of {size_bytes} bytes has no directory of {directory_bytes} bytes")
    return _Trailer(end - directory_bytes, end, checksum)


def _open_directory(directory: Buffer, trailer: _Trailer) -> list[PackEntry]:
    if blake3(directory).digest() != trailer.checksum:
        raise CorruptPackError(
            "a pack's directory does not have its checksum; directory or trailer is damaged"
        )
    return decode_directory(directory, len(HEAD), trailer.begin)
