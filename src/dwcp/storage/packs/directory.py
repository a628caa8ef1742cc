"""A pack's directory: canonical CBOR, one row a block, in the order in which they lie."""

from collections.abc import Sequence

from dwcp.blocks.canonical import fields, from_canonical, to_canonical
from dwcp.codecs import Buffer
from dwcp.errors import CorruptBlockError, CorruptPackError, InputError
from dwcp.storage.packs.entry import PackEntry, StoredKind

__all__ = ["TAG", "decode_directory", "encode_directory"]

TAG = "pack/1"
"""What a directory begins with: kind and version."""


def encode_directory(entries: Sequence[PackEntry]) -> bytes:
    """The bytes of a directory."""
    return to_canonical([TAG, [_row(entry) for entry in entries]])


def decode_directory(directory: Buffer, begin: int, end: int) -> list[PackEntry]:
    """Understand a directory whose checksum was right.

    Args:
        directory: its bytes.
        begin: where in the pack the first stored block begins.
        end: where the last one ends.

    Returns:
        Its entries; they cover the pack from `begin` to `end` without a gap, in order, no id twice.

    Raises:
        CorruptPackError: anything else.
    """
    try:
        tag, rows = fields(from_canonical(directory), str, list)
        if tag != TAG:
            raise CorruptPackError(f"a pack's directory is {tag!r}, not {TAG!r}: it is of a newer version")
        entries = [_entry(row) for row in rows]
    except (CorruptBlockError, InputError, ValueError) as error:
        raise CorruptPackError(f"a pack's directory is damaged: {error}") from error
    _check_order(entries, begin, end)
    return entries


def _row(entry: PackEntry) -> list[object]:
    return [
        entry.id,
        int(entry.kind),
        entry.offset,
        entry.stored_bytes,
        entry.plain_bytes,
        entry.codec,
        entry.base,
    ]


def _entry(row: object) -> PackEntry:
    block_id, kind, offset, stored_bytes, plain_bytes, codec, base = fields(
        row, bytes, int, int, int, int, str, bytes
    )
    return PackEntry(block_id, StoredKind(kind), offset, stored_bytes, plain_bytes, codec, base)


def _check_order(entries: Sequence[PackEntry], begin: int, end: int) -> None:
    for entry in entries:
        if entry.offset != begin:
            raise CorruptPackError(
                f"a pack's directory puts a block at {entry.offset} where {begin} is next; it is damaged"
            )
        begin = entry.end
    if begin != end:
        raise CorruptPackError(f"a pack's blocks end at {begin}, and its directory begins at {end}")
    if len({entry.id for entry in entries}) != len(entries):
        raise CorruptPackError("a pack's directory names a block twice; the pack is damaged")
