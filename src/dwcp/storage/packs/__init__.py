"""Packs: many stored blocks in one object, with a directory that says where each lies."""

from dwcp.storage.packs.directory import decode_directory, encode_directory
from dwcp.storage.packs.entry import MAX_BLOCK_BYTES, PackEntry, StoredKind
from dwcp.storage.packs.format import MAX_PACK_BYTES, encode_pack, open_pack, read_directory
from dwcp.storage.packs.names import PACKS, pack_id_of, pack_object
from dwcp.storage.packs.writer import PACK_BYTES, PackWriter, WrittenPack

__all__ = [
    "MAX_BLOCK_BYTES",
    "MAX_PACK_BYTES",
    "PACKS",
    "PACK_BYTES",
    "PackEntry",
    "PackWriter",
    "StoredKind",
    "WrittenPack",
    "decode_directory",
    "encode_directory",
    "encode_pack",
    "open_pack",
    "pack_id_of",
    "pack_object",
    "read_directory",
]
