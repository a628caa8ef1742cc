"""Whatever bit is flipped, verify finds it, names it, and names the files it touches."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dwcp.blocks import FileEntry, FileLink, FilePart, LinkKind, SnapshotNode, TreeBuilder, encode_node
from dwcp.errors import DwcpError, StoreError
from dwcp.storage import FaultKind, FolderBackend, MemoryBackend, Store, StoreSettings
from dwcp.storage.packs import StoredKind, open_pack
from dwcp.storage.snapshots import keep_snapshot
from dwcp.storage.trees import NodeReader, walk_tree

Grow = Callable[[int], Path]


@pytest.fixture
def filled(settings: StoreSettings, small_packs: int, grow: Grow) -> MemoryBackend:
    backend = MemoryBackend()
    with Store.create(backend, settings) as store:
        source = grow(1)
        store.put(source, 1)
        (source / "text").write_bytes(b"another text")
        store.put(source, 2)
    return backend


def flipped(backend: MemoryBackend, name: str, place: int, bit: int = 0) -> bytes:
    """Flip a bit; gives what was there."""
    old = backend.get(name)
    new = bytearray(old)
    new[place] ^= 1 << bit
    backend.put(name, new)
    return old


def files_by_chunk(store: Store) -> dict[bytes, set[bytes]]:
    """The paths that each chunk and each file node is needed for."""
    users: dict[bytes, set[bytes]] = {}
    reader = NodeReader(store.get_block)
    for snapshot in store.snapshots():
        for visit in walk_tree(reader, snapshot.node.root):
            if isinstance(visit.entry, FileEntry):
                users.setdefault(visit.entry.link.id, set()).add(visit.path)
                for part in reader.parts(visit.entry.link):
                    if isinstance(part, FilePart):
                        users.setdefault(part.id, set()).add(visit.path)
    return users


def is_named(path: bytes, touched: set[bytes]) -> bool:
    """Whether a file is named as touched, or a folder above it whose own list is lost."""
    above = [path[:end] for end in range(len(path) + 1) if path[end : end + 1] in (b"/", b"")]
    return not touched.isdisjoint({b"", *above})


def test_a_sound_store_is_clean(filled: MemoryBackend) -> None:
    with Store.open(filled) as store:
        for read_data in (True, False):
            verified = store.verify(read_data)
            assert verified.is_clean
            assert verified.pack_count == len(filled.names("packs")) > 3
            assert verified.block_count == store.stats().chunk_count + store.stats().node_count


def test_a_flip_in_a_block_is_found_and_its_files_named(filled: MemoryBackend) -> None:
    rng = random.Random(5)
    store = Store.open(filled)
    users = files_by_chunk(store)
    snapshots = {snapshot.id for snapshot in store.snapshots()}
    named = 0
    for name in filled.names("packs"):
        for entry in rng.sample(open_pack(filled.get(name)), 4):
            old = flipped(filled, name, rng.randrange(entry.offset, entry.end), rng.randrange(8))
            verified = store.verify()
            assert (FaultKind.PACK, name) in {(fault.kind, fault.subject) for fault in verified.faults}
            try:
                store.get_block(entry.id)
            except DwcpError:
                subjects = {fault.subject for fault in verified.faults if fault.kind is FaultKind.BLOCK}
                assert entry.id.hex() in subjects
                touched = {path.path for path in verified.touched}
                assert touched or entry.id in snapshots, "a snapshot is an object of its own too"
                assert touched >= users.get(entry.id, set())
                if entry.id in users:
                    assert touched == users[entry.id]
                    named += 1
            filled.put(name, old)
    assert named > 5
    assert store.verify().is_clean
    store.close()


@pytest.mark.parametrize("read_data", [True, False])
def test_a_flip_in_head_directory_or_trailer_is_found(filled: MemoryBackend, read_data: bool) -> None:
    rng = random.Random(6)
    name = filled.names("packs")[0]
    entries = open_pack(filled.get(name))
    size = filled.size(name)
    places = [0, 3, entries[-1].end, size - 45, *range(size - 44, size)]
    places += [rng.randrange(entries[-1].end, size) for _ in range(20)]
    with Store.open(filled) as store:
        for place in places:
            old = flipped(filled, name, place, rng.randrange(8))
            verified = store.verify(read_data)
            assert (FaultKind.PACK, name) in {(fault.kind, fault.subject) for fault in verified.faults}
            assert not verified.touched, "what the index knows can still be read"
            filled.put(name, old)


def test_a_pack_that_cannot_be_opened_is_found_and_its_files_named(filled: MemoryBackend) -> None:
    name = filled.names("packs")[0]
    entries = open_pack(filled.get(name))
    with Store.open(filled) as store:
        users = files_by_chunk(store)
    flipped(filled, name, filled.size(name) - 1)
    with Store.open(filled) as store:
        verified = store.verify()
    subjects = {(fault.kind, fault.subject) for fault in verified.faults}
    assert (FaultKind.PACK, name) in subjects
    touched = {path.path for path in verified.touched}
    for path in set().union(*(users.get(entry.id, set()) for entry in entries)):
        assert is_named(path, touched)


def test_a_pack_that_is_gone_is_named_with_its_blocks_and_files(filled: MemoryBackend) -> None:
    store = Store.open(filled)
    users = files_by_chunk(store)
    name = filled.names("packs")[1]
    lost = open_pack(filled.get(name))
    filled.remove(name)
    verified = store.verify()
    store.close()
    subjects = {(fault.kind, fault.subject) for fault in verified.faults}
    assert (FaultKind.PACK, name) in subjects
    assert {(FaultKind.BLOCK, entry.id.hex()) for entry in lost} <= subjects
    touched = {path.path for path in verified.touched}
    for path in set().union(*(users.get(entry.id, set()) for entry in lost)):
        assert is_named(path, touched)


def test_a_damaged_snapshot_is_named(filled: MemoryBackend) -> None:
    name = filled.names("snapshots")[0]
    flipped(filled, name, 20)
    with Store.open(filled) as store:
        verified = store.verify()
        assert [(fault.kind, fault.subject) for fault in verified.faults] == [(FaultKind.SNAPSHOT, name)]
        assert [path.path for path in verified.touched] == [b""]
        with pytest.raises(StoreError, match="run verify"):
            store.collect()


def test_nothing_is_collected_while_a_node_is_lost(filled: MemoryBackend) -> None:
    with Store.open(filled) as store:
        root = store.snapshots()[0].node.root
        entry = store.entry_of(root)
        assert entry is not None
        [name] = [
            name for name in filled.names("packs") if root in {e.id for e in open_pack(filled.get(name))}
        ]
        flipped(filled, name, entry.offset + 30)
        before = filled.names()
        with pytest.raises(StoreError, match=root.hex()):
            store.collect()
        assert filled.names() == before


def test_a_pack_that_cannot_be_opened_is_not_thrown_away() -> None:
    """Nothing is known of what lies in it, and yet all of it may be live."""
    backend = MemoryBackend()
    with Store.create(backend) as store:
        chunk_id = store.put_block(b"live", StoredKind.CHUNK)
        store.flush()
        [name] = backend.names("packs")
        tree = TreeBuilder(lambda node_id, node: store.put_block(node, StoredKind.NODE, node_id))
        tree.file(b"file", 0o644, 0, FileLink(LinkKind.CHUNK, chunk_id, 4))
        node = encode_node(SnapshotNode(tree.finish(), 0, ""))
        store.put_block(node, StoredKind.NODE)
        store.flush()
        keep_snapshot(backend, node)
    flipped(backend, name, backend.size(name) - 1)
    with Store.open(backend) as store:
        assert [path.path for path in store.verify().touched] == [b"file"]
        assert store.collect().removed_packs == 0
        assert name in backend.names()


@pytest.mark.slow
def test_flips_in_the_index_are_found_or_do_no_harm(
    settings: StoreSettings, grow: Grow, tmp_path: Path, small_packs: int
) -> None:
    """Every other byte of the head, and some everywhere else."""
    backend = FolderBackend(tmp_path / "store")
    with Store.create(backend, settings) as store:
        store.put(grow(1), 1)
        sound = {pack_id: store.index.entries_in(pack_id) for pack_id in store.index.pack_ids()}
    path = tmp_path / "store" / "index.sqlite"
    kept = path.read_bytes()
    assert not path.with_name("index.sqlite-wal").exists()
    rng = random.Random(8)
    places = [*range(0, 100, 2), *(rng.randrange(len(kept)) for _ in range(60))]
    found = harmless = 0
    for place in places:
        altered = bytearray(kept)
        altered[place] ^= 1 << rng.randrange(8)
        path.write_bytes(altered)
        with Store.open(backend) as store:
            verified = store.verify()
            if verified.is_clean:
                now = {pack_id: store.index.entries_in(pack_id) for pack_id in store.index.pack_ids()}
                assert now == sound
                harmless += 1
            else:
                assert {fault.kind for fault in verified.faults} >= {FaultKind.INDEX}
                found += 1
            store.rebuild_index()
            assert store.verify().is_clean
    assert found > 5
    assert harmless > 5


def test_an_index_of_other_packs_is_found(settings: StoreSettings, grow: Grow, tmp_path: Path) -> None:
    one, other = (FolderBackend(tmp_path / name) for name in ("one", "other"))
    for seed, backend in enumerate((one, other)):
        with Store.create(backend, settings) as store:
            store.put(grow(seed + 1), 1)
    shutil.copy(other.path / "index.sqlite", one.path / "index.sqlite")
    with Store.open(one) as store:
        verified = store.verify()
        assert FaultKind.PACK in {fault.kind for fault in verified.faults}
        store.rebuild_index()
        assert store.verify().is_clean
