"""The pack that is being filled, in memory until it is whole."""

from blake3 import blake3
from msgspec import Struct

from dwcp.codecs import Buffer
from dwcp.storage.packs.entry import PackEntry, StoredKind
from dwcp.storage.packs.format import HEAD, encode_pack

__all__ = ["PACK_BYTES", "PackWriter", "WrittenPack"]

PACK_BYTES = 16 * 1024 * 1024
"""A pack that has so many bytes of blocks, or more, is closed."""


class WrittenPack(Struct, frozen=True):
    """A pack that is whole.

    Attributes:
        id: BLAKE3 of its bytes.
        data: its bytes.
        entries: of its blocks, in order.
    """

    id: bytes
    data: bytes
    entries: list[PackEntry]


class PackWriter:
    """Collects stored blocks; at most `PACK_BYTES` and one block more are held."""

    def __init__(self) -> None:
        """Begin an empty pack."""
        self._blocks = bytearray(HEAD)
        self._entries: dict[bytes, PackEntry] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no block was added."""
        return not self._entries

    @property
    def is_full(self) -> bool:
        """Whether it is time to close it."""
        return len(self._blocks) >= PACK_BYTES

    def find(self, block_id: bytes) -> PackEntry | None:
        """The entry of a block that was added."""
        return self._entries.get(block_id)

    def read(self, entry: PackEntry) -> bytes:
        """A stored block that was added."""
        return bytes(self._blocks[entry.offset : entry.end])

    def add(
        self, block_id: bytes, kind: StoredKind, stored: Buffer, plain_bytes: int, codec: str, base: bytes
    ) -> None:
        """Append a block that is not in it.

        Args:
            block_id: of the block.
            kind: chunk or node.
            stored: its frame.
            plain_bytes: length of its plaintext.
            codec: name of what encoded it.
            base: id of what it is a delta against, or empty.

        Raises:
            InputError: a length is out of range.
        """
        entry = PackEntry(block_id, kind, len(self._blocks), len(stored), plain_bytes, codec, base)
        self._blocks += stored
        self._entries[block_id] = entry

    def whole(self) -> WrittenPack:
        """The pack of what was added so far. Nothing changes: asked again, it gives the same."""
        entries = list(self._entries.values())
        data = encode_pack(self._blocks, entries)
        return WrittenPack(blake3(data).digest(), data, entries)
