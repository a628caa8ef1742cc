"""A bucket holds to the protocol; each writer's index is its own, and catches up with what others did."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dwcp.errors import BlockNotFoundError, StoreLockedError
from dwcp.storage import Backend, Store, StoredKind, StoreSettings
from dwcp.storage.backends.conformance import CHECKS

Grow = Callable[[int], Path]
Facts = Callable[[Path], dict[bytes, tuple[Any, ...]]]
At = Callable[..., Any]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("host", ["", "here"])
def test_conformance(check: Callable[[Backend], None], host: str, at: At) -> None:
    check(at(host))


def test_equal_to_the_byte_from_two_machines(
    at: At, settings: StoreSettings, small_packs: int, grow: Grow, facts: Facts, tmp_path: Path
) -> None:
    first, second = grow(1), grow(2)
    with Store.create(at("here"), settings) as store:
        one = store.put(first, 1)
    with Store.open(at("there")) as store:
        other = store.put(second, 2)
        assert store.verify().is_clean
    for host in ("here", "there", "elsewhere", ""):
        with Store.open(at(host), is_writer=False) as store:
            assert store.verify().is_clean
            for snapshot_id, source in ((one, first), (other, second)):
                store.restore(snapshot_id, tmp_path / "to")
                assert facts(tmp_path / "to" / "tree") == facts(source)
                (tmp_path / "to" / "tree" / "many").chmod(0o755)
                shutil.rmtree(tmp_path / "to")


def test_what_was_collected_elsewhere_is_forgotten_here(
    at: At, settings: StoreSettings, small_packs: int, grow: Grow, facts: Facts, tmp_path: Path
) -> None:
    """Else a block would be taken for kept that no pack holds any more."""
    source = grow(3)
    with Store.create(at("here"), settings) as store:
        old = store.put(source, 1)
        for name in ("random", "text"):
            (source / name).unlink()
        kept = store.put(source, 2)
    reader = Store.open(at("reading"), is_writer=False)
    with Store.open(at("there")) as store:
        store.forget(old)
        assert store.collect().moved_blocks > 0
    reader.restore(kept, tmp_path)
    assert facts(tmp_path / "tree") == facts(source)
    reader.close()
    with Store.open(at("here")) as store:
        assert store.verify().is_clean
        assert store.gone_packs == frozenset()
        again = store.put(source, 3)
        store.rebuild_index()
        assert store.verify().is_clean
        assert again in {snapshot.id for snapshot in store.snapshots()}


def test_a_pack_that_is_lost_is_said(at: At, settings: StoreSettings, grow: Grow) -> None:
    backend = at("here")
    with Store.create(backend, settings) as store:
        block_id = store.put_block(b"content", StoredKind.CHUNK)
        store.put(grow(4), 1)
    for name in backend.names("packs"):
        backend._objects.remove(name)
    with Store.open(backend, is_writer=False) as store:
        assert store.verify().touched
        with pytest.raises(BlockNotFoundError, match=block_id.hex()):
            store.get_block(block_id)


def test_reading_beside_a_writer_from_the_same_folder(at: At, settings: StoreSettings, grow: Grow) -> None:
    with Store.create(at("here"), settings) as writer:
        snapshot_id = writer.put(grow(5), 1)
        with Store.open(at("here"), is_writer=False) as reader:
            assert list(reader.entries(snapshot_id))
        with pytest.raises(StoreLockedError):
            Store.open(at("here"))


def test_building_the_index_reads_no_whole_pack(
    at: At, settings: StoreSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import random

    (tmp_path / "file").write_bytes(random.Random(1).randbytes(8_000_000))
    with Store.create(at("here"), settings) as store:
        store.put(tmp_path / "file", 1)
        pack_bytes = store.stats().pack_bytes
    backend = at("there")
    read: list[int] = []
    get = backend.get
    monkeypatch.setattr(backend, "get", lambda *args: (data := get(*args), read.append(len(data)))[0])
    with Store.open(backend, is_writer=False) as store:
        assert len(store.index.pack_ids()) == len(store.packs())
    assert sum(read) < pack_bytes / 8
