"""Collection frees what nothing leads to, and touches nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dwcp.storage import Backend, FolderBackend, MemoryBackend, Store, StoredKind, StoreSettings

Grow = Callable[[int], Path]
Facts = Callable[[Path], dict[bytes, tuple[Any, ...]]]


def test_a_forgotten_snapshot_goes_and_the_other_stays(
    backend: Backend, settings: StoreSettings, small_packs: int, grow: Grow, facts: Facts, tmp_path: Path
) -> None:
    first, second = grow(1), grow(2)
    with Store.create(backend, settings) as store:
        gone, kept = store.put(first, 1), store.put(second, 2)
        size = store.stats().pack_bytes
        assert store.collect().removed_packs == 0
        store.forget(gone)
        done = store.collect()
        assert done.removed_packs > 2
        assert done.freed_bytes > 0.4 * size
        assert store.stats().pack_bytes == size - done.freed_bytes
        assert store.verify().is_clean
    with Store.open(backend) as store:
        assert [snapshot.id for snapshot in store.snapshots()] == [kept]
        store.restore(kept, tmp_path / "to")
        assert facts(tmp_path / "to" / "tree") == facts(second)
        assert store.collect().removed_packs == 0


def test_packs_that_share_a_little_are_written_anew(
    settings: StoreSettings, small_packs: int, grow: Grow, facts: Facts, tmp_path: Path
) -> None:
    backend = MemoryBackend()
    source = grow(3)
    with Store.create(backend, settings) as store:
        old = store.put(source, 1)
        for name in ("random", "text"):
            (source / name).unlink()
        kept = store.put(source, 2)
        store.forget(old)
        done = store.collect()
        assert done.moved_blocks > 0
        assert done.removed_packs > 0
        assert store.verify().is_clean
        store.restore(kept, tmp_path)
        assert facts(tmp_path / "tree") == facts(source)
        store.rebuild_index()
        assert store.verify().is_clean


def test_all_goes_when_nothing_is_kept(backend: Backend, settings: StoreSettings, grow: Grow) -> None:
    with Store.create(backend, settings) as store:
        store.forget(store.put(grow(4), 1))
        store.put_block(b"nobody's", StoredKind.CHUNK)
        store.collect()
        assert backend.names() == ["config"]
        assert store.stats().chunk_count == store.stats().node_count == 0


def test_what_was_collected_can_be_put_again(
    settings: StoreSettings, grow: Grow, facts: Facts, tmp_path: Path
) -> None:
    source = grow(5)
    with Store.create(MemoryBackend(), settings) as store:
        store.forget(store.put(source, 1))
        store.collect()
        store.restore(store.put(source, 2), tmp_path)
        assert facts(tmp_path / "tree") == facts(source)


def test_a_pack_that_was_written_by_a_collection_that_died_is_not_lost(
    settings: StoreSettings, small_packs: int, grow: Grow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes out again to the byte, so that it is found under the name it will be written to."""
    backend = MemoryBackend()
    source = grow(6)
    with Store.create(backend, settings) as store:
        old = store.put(source, 1)
        (source / "random").unlink()
        store.put(source, 2)
        store.forget(old)
        with monkeypatch.context() as patched:
            patched.setattr(backend, "remove", lambda _: (_ for _ in ()).throw(RuntimeError("killed")))
            with pytest.raises(RuntimeError, match="killed"):
                store.collect()
    for _ in range(2):
        with Store.open(backend) as store:
            store.collect()
            assert store.verify().is_clean


def test_a_reader_goes_on_while_blocks_are_moved(
    settings: StoreSettings, small_packs: int, grow: Grow, facts: Facts, tmp_path: Path
) -> None:
    backend = FolderBackend(tmp_path / "store")
    source = grow(3)
    with Store.create(backend, settings) as store:
        old = store.put(source, 1)
        for name in ("random", "text"):
            (source / name).unlink()
        kept = store.put(source, 2)
        with Store.open(backend, is_writer=False) as reader:
            store.forget(old)
            assert store.collect().moved_blocks > 0
            reader.restore(kept, tmp_path / "to")
    assert facts(tmp_path / "to" / "tree") == facts(source)


def test_a_trial_says_what_would_be_done_and_does_nothing(
    settings: StoreSettings, small_packs: int, grow: Grow
) -> None:
    backend = MemoryBackend()
    source = grow(7)
    with Store.create(backend, settings) as store:
        old = store.put(source, 1)
        for name in ("random", "text"):
            (source / name).unlink()
        store.put(source, 2)
        store.forget(old)
    names = backend.names()
    with Store.open(backend, is_writer=False) as store:
        would = store.collect(is_trial=True)
    assert backend.names() == names
    with Store.open(backend) as store:
        did = store.collect()
    assert would.removed_packs == did.removed_packs > 0
    assert would.removed_blocks == did.removed_blocks > 0
    assert would.moved_blocks == did.moved_blocks > 0
    assert would.freed_bytes == pytest.approx(did.freed_bytes, rel=0.1)
