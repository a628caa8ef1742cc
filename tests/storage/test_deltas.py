"""Deltas: one deep, only where they pay, and their bases stay."""

import random

import pytest

from dwcp.blocks import FileBuilder, LinkKind, SnapshotNode, TreeBuilder, encode_node
from dwcp.codecs import plaintext_id
from dwcp.errors import CorruptBlockError
from dwcp.storage import Backend, MemoryBackend, Store, StoredKind
from dwcp.storage.snapshots import keep_snapshot

BASE = random.Random(3).randbytes(20_000)
LIKE = BASE[:9000] + b"changed" + BASE[9000:]
OTHER = random.Random(4).randbytes(20_000)


def entry_of(store: Store, block_id: bytes):
    entry = store.entry_of(block_id)
    assert entry is not None
    return entry


@pytest.mark.parametrize("flushed", [False, True])
def test_a_delta_is_small_and_comes_back(backend: Backend, flushed: bool) -> None:
    with Store.create(backend) as store:
        base_id = store.put_block(BASE, StoredKind.CHUNK)
        if flushed:
            store.flush()
        block_id = store.put_delta(LIKE, base_id)
        assert block_id == plaintext_id(LIKE)
        entry = entry_of(store, block_id)
        assert (entry.base, entry.codec) == (base_id, "delta-3")
        assert entry.stored_bytes < 500
        assert store.get_block(block_id) == LIKE
    with Store.open(backend) as store:
        store.rebuild_index()
        assert store.get_block(block_id) == LIKE
        assert (store.stats().delta_count, store.verify().is_clean) == (1, True)


def test_one_that_does_not_pay_is_kept_whole() -> None:
    with Store.create(MemoryBackend()) as store:
        base_id = store.put_block(BASE, StoredKind.CHUNK)
        tiny_id = store.put_block(b"tiny", StoredKind.CHUNK)
        for plain, against in ((OTHER, base_id), (LIKE, tiny_id), (LIKE + b"1", bytes(32))):
            block_id = store.put_delta(plain, against)
            assert (entry_of(store, block_id).base, store.get_block(block_id)) == (b"", plain)


def test_no_delta_against_a_delta() -> None:
    with Store.create(MemoryBackend()) as store:
        base_id = store.put_block(BASE, StoredKind.CHUNK)
        first_id = store.put_delta(LIKE, base_id)
        second_id = store.put_delta(LIKE + b"more", first_id)
        assert (entry_of(store, first_id).base, entry_of(store, second_id).base) == (base_id, b"")


def test_a_base_that_was_lost_never_comes_back_as_a_delta() -> None:
    backend = MemoryBackend()
    with Store.create(backend) as store:
        base_id = store.put_block(BASE, StoredKind.CHUNK)
        store.flush()
        [name] = backend.names("packs")
        block_id = store.put_delta(LIKE, base_id)
        store.flush()
        backend.remove(name)
    with Store.open(backend) as store:
        with pytest.raises(CorruptBlockError, match=base_id.hex()):
            store.get_block(block_id)
        other_id = store.put_block(BASE + b"!", StoredKind.CHUNK)
        store.put_delta(BASE, other_id)
        assert entry_of(store, base_id).base == b""
        assert store.get_block(block_id) == LIKE


def test_a_damaged_base_takes_its_deltas_with_it() -> None:
    backend = MemoryBackend()
    with Store.create(backend) as store:
        base_id = store.put_block(BASE, StoredKind.CHUNK)
        block_id = store.put_delta(LIKE, base_id)
        store.flush()
        [name] = backend.names("packs")
        data = bytearray(backend.get(name))
        data[9000] ^= 1
        backend.put(name, data)
        subjects = {fault.subject for fault in store.verify().faults}
        assert subjects == {name, base_id.hex(), block_id.hex()}
        with pytest.raises(CorruptBlockError, match=base_id.hex()):
            store.get_block(block_id)


def test_collection_keeps_the_base_of_what_is_live(small_packs: int) -> None:
    backend = MemoryBackend()
    rng = random.Random(9)
    with Store.create(backend) as store:
        base_id = store.put_block(BASE[:4000], StoredKind.CHUNK)
        for _ in range(30):
            store.put_block(rng.randbytes(4000), StoredKind.CHUNK)
        store.flush()
        plain = BASE[:2000] + b"x" + BASE[2000:4000]
        block_id = store.put_delta(plain, base_id)
        builder = FileBuilder()
        builder.chunks(block_id, [len(plain)])
        link = builder.finish()
        assert link.kind is LinkKind.CHUNK
        tree = TreeBuilder(lambda node_id, node: store.put_block(node, StoredKind.NODE, node_id))
        tree.file(b"file", 0o644, 0, link)
        node = encode_node(SnapshotNode(tree.finish(), 0, ""))
        store.put_block(node, StoredKind.NODE)
        store.flush()
        keep_snapshot(backend, node)
        done = store.collect()
        assert done.removed_packs >= 6
        assert (entry_of(store, block_id).base, entry_of(store, base_id).base) == (base_id, b"")
        assert store.get_block(block_id) == plain
        assert store.stats().chunk_count == 2
        assert store.verify().is_clean
