"""How much a store holds, and in what form."""

from msgspec import Struct

from dwcp.storage.block_store import BlockStore
from dwcp.storage.packs import StoredKind, pack_object
from dwcp.storage.snapshots import snapshot_ids

__all__ = ["CodecTotals", "StoreStats", "store_stats"]


class CodecTotals(Struct, frozen=True):
    """The blocks that one codec encoded.

    Attributes:
        codec: its name.
        block_count: how many there are.
        plain_bytes: of their plaintexts.
        stored_bytes: of their frames.
    """

    codec: str
    block_count: int
    plain_bytes: int
    stored_bytes: int


class StoreStats(Struct, frozen=True):
    """What is flushed, whether anything leads to it or not.

    Attributes:
        snapshot_count: snapshots that are kept.
        pack_count: packs that are there.
        pack_bytes: of all packs, directories and trailers included.
        chunk_count: blocks of content.
        node_count: blocks that are nodes.
        delta_count: blocks that are kept as deltas.
        plain_bytes: of all blocks' plaintexts, each counted once.
        stored_bytes: of their frames.
        codecs: the same by codec, in order of their names.
    """

    snapshot_count: int
    pack_count: int
    pack_bytes: int
    chunk_count: int
    node_count: int
    delta_count: int
    plain_bytes: int
    stored_bytes: int
    codecs: tuple[CodecTotals, ...]


def store_stats(store: BlockStore) -> StoreStats:
    """Count what a store holds.

    Raises:
        CorruptIndexError: the index is damaged.
        StorageError: the disk fails or may not be read.
    """
    packs = store.packs()
    counts = dict.fromkeys(StoredKind, 0)
    codecs: dict[str, CodecTotals] = {}
    for kind, codec, block_count, plain_bytes, stored_bytes in store.index.totals():
        counts[kind] += block_count
        old = codecs.get(codec, CodecTotals(codec, 0, 0, 0))
        codecs[codec] = CodecTotals(
            codec,
            old.block_count + block_count,
            old.plain_bytes + plain_bytes,
            old.stored_bytes + stored_bytes,
        )
    return StoreStats(
        snapshot_count=len(snapshot_ids(store.backend)),
        pack_count=len(packs),
        pack_bytes=sum(store.backend.size(pack_object(pack_id)) for pack_id in packs),
        chunk_count=counts[StoredKind.CHUNK],
        node_count=counts[StoredKind.NODE],
        delta_count=store.index.delta_count(),
        plain_bytes=sum(total.plain_bytes for total in codecs.values()),
        stored_bytes=sum(total.stored_bytes for total in codecs.values()),
        codecs=tuple(codecs[name] for name in sorted(codecs)),
    )
