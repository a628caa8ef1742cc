"""An encrypted store: opened by its passphrase alone, readable by nobody behind it, and damage is named."""

import random
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dwcp.errors import CorruptBlockError, InputError, StoreError
from dwcp.storage import (
    Backend,
    FaultKind,
    FolderBackend,
    KeyCost,
    MemoryBackend,
    Store,
    StoredKind,
    StoreSettings,
)
from dwcp.storage.sealing.backend import SealedBackend
from dwcp.storage.snapshots import snapshot_object
from dwcp.storage.verification import Verified

Grow = Callable[[int], Path]
Facts = Callable[[Path], dict[bytes, tuple[Any, ...]]]
SECRET, OTHER = "correct horse", "battery staple"
CHEAP = KeyCost(16 * 1024, 1, 1)
create = partial(Store.create, passphrase=SECRET, cost=CHEAP)
open_store = partial(Store.open, passphrase=SECRET)


@pytest.fixture(params=["memory", "folder"])
def behind(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """What whoever keeps the store sees."""
    return MemoryBackend() if request.param == "memory" else FolderBackend(tmp_path / "store")


def outer(store: Store, name: str) -> str:
    assert isinstance(store.backend, SealedBackend)
    return store.backend.keys.seal_name(name)


def test_equal_to_the_byte(
    behind: Backend, settings: StoreSettings, small_packs: int, grow: Grow, facts: Facts, tmp_path: Path
) -> None:
    source = grow(1)
    with create(behind, settings) as store:
        snapshot_id = store.put(source, 5, "host", ["tag"])
        assert store.settings == settings
    with open_store(behind, is_writer=False) as store:
        assert store.verify().is_clean
        store.restore(snapshot_id, tmp_path / "restored")
    assert facts(tmp_path / "restored" / "tree") == facts(source)
    with open_store(behind) as store:
        store.rebuild_index()
        store.forget(snapshot_id)
        assert store.collect().removed_packs > 3
    assert behind.names() == ["config"]


def test_nothing_is_read_behind_it(behind: Backend, tmp_path: Path) -> None:
    (tmp_path / "a-file-name").write_bytes(b"a content that compresses not at all")
    with create(behind) as store:
        snapshot_id = store.put(tmp_path / "a-file-name", 5, "a-host", ["a-tag"])
        chunk_id = store.put_block(b"another content", StoredKind.CHUNK)
        assert isinstance(store.backend, SealedBackend)
        data_key = store.backend.keys.data_key
        packs = store.packs()
    seen = b"".join(name.encode() + behind.get(name) for name in behind.names())
    if isinstance(behind, FolderBackend):
        files = [path for path in behind.path.rglob("*") if path.is_file()]
        seen += b"".join(str(path).encode() + path.read_bytes() for path in files)
        assert "index.sqlite" not in {path.name for path in files}
    secrets = [b"a-file-name", b"a content", b"a-host", b"a-tag", b"another", SECRET.encode(), data_key]
    for identity in (snapshot_id, chunk_id, *packs):
        secrets += [identity, identity.hex().encode()]
    assert [secret for secret in secrets if secret in seen] == []


def test_the_index_is_where_this_user_keeps_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with create(FolderBackend(tmp_path / "store")):
        pass
    [index] = tmp_path.rglob("index.sqlite")
    assert index.is_relative_to(tmp_path / "cache" / "dwcp" / "stores")
    assert index.parent.stat().st_mode & 0o777 == 0o700
    index.unlink()
    with open_store(FolderBackend(tmp_path / "store")) as store:
        assert store.verify().is_clean


def test_who_must_give_a_passphrase_and_who_must_not(behind: Backend) -> None:
    create(behind).close()
    with pytest.raises(InputError, match="this is not the passphrase of the store in"):
        Store.open(behind, passphrase=OTHER)
    with pytest.raises(InputError, match="is encrypted; give its passphrase"):
        Store.open(behind)
    with pytest.raises(StoreError, match="holds a store already"):
        create(behind)
    plain = MemoryBackend()
    Store.create(plain).close()
    with pytest.raises(InputError, match="is not encrypted; open it without"):
        Store.open(plain, passphrase=SECRET)
    with pytest.raises(InputError, match="at least one character"):
        Store.create(MemoryBackend(), passphrase="")


def test_a_plain_store_in_its_place_is_noticed(behind: Backend) -> None:
    """Whoever keeps the store cannot make us write to one that is not encrypted."""
    create(behind).close()
    behind.put("config", StoreSettings().to_bytes())
    with pytest.raises(InputError, match="is not encrypted"):
        open_store(behind)


def test_another_passphrase_opens_what_the_old_one_sealed(behind: Backend) -> None:
    with create(behind) as store:
        block_id = store.put_block(b"content", StoredKind.CHUNK)
        before = {name: behind.get(name) for name in behind.names()}
        store.change_passphrase(OTHER, CHEAP)
        store.flush()
    with pytest.raises(InputError, match="not the passphrase"):
        open_store(behind)
    with Store.open(behind, passphrase=OTHER) as store:
        assert store.get_block(block_id) == b"content"
        for wrong in ("", "\ud800"):
            with pytest.raises(InputError):
                store.change_passphrase(wrong, CHEAP)
    reader = Store.open(behind, is_writer=False, passphrase=OTHER)
    with reader, pytest.raises(StoreError, match="open to read alone"):
        reader.change_passphrase(SECRET, CHEAP)
    changed = {name for name, data in before.items() if behind.get(name) != data}
    assert changed == {"config"}
    plain = Store.create(MemoryBackend())
    with plain, pytest.raises(InputError, match="is not encrypted; make one that is"):
        plain.change_passphrase(OTHER, CHEAP)


def test_killed_while_making_or_changing(mortal: Any) -> None:
    death_kind, mortal_backend = mortal

    class Killed(Exception):  # noqa: N818 - nothing went wrong
        pass

    def killed() -> None:
        raise Killed

    for at_step in range(1, 20):
        memory = MemoryBackend()
        dying = mortal_backend(memory, death_kind(at_step, killed))
        try:
            with create(dying) as store:
                store.change_passphrase(OTHER, CHEAP)
        except Killed:
            dying.lock.release()
        else:
            assert at_step == 5
            return
        if "config" not in memory.names():
            create(memory).close()
        opened = []
        for passphrase in (SECRET, OTHER):
            try:
                Store.open(memory, passphrase=passphrase).close()
            except InputError:
                continue
            opened.append(passphrase)
        assert len(opened) == 1, "exactly one of them opens it, at any time"
    raise AssertionError("it never came to an end")


@pytest.fixture
def filled(settings: StoreSettings, small_packs: int, grow: Grow) -> MemoryBackend:
    memory = MemoryBackend()
    with create(memory, settings) as store:
        source = grow(1)
        store.put(source, 1)
        (source / "text").write_bytes(b"another text")
        store.put(source, 2)
    return memory


def named(verified: Verified, kind: FaultKind) -> set[str]:
    return {fault.subject for fault in verified.faults if fault.kind is kind}


def test_a_flip_in_a_pack_is_named_with_its_blocks_and_files(filled: MemoryBackend) -> None:
    rng = random.Random(1)
    with open_store(filled) as store:
        places = {pack: store.index.entries_in(pack) for pack in store.index.pack_ids()}
        for name in store.backend.names("packs"):
            sealed = outer(store, name)
            whole = filled.get(sealed)
            for _ in range(3):
                altered = bytearray(whole)
                altered[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
                filled.put(sealed, altered)
                verified = store.verify()
                assert named(verified, FaultKind.PACK) == {name}
                lost = set()
                for entry in places[bytes.fromhex(name[-64:])]:
                    try:
                        store.get_block(entry.id)
                    except CorruptBlockError as error:
                        assert entry.id.hex() in str(error)  # noqa: PT017 - not all are lost
                        lost.add(entry.id.hex())
                assert named(verified, FaultKind.BLOCK) >= lost
                assert verified.touched or not lost
            filled.put(sealed, whole)
        assert store.verify().is_clean


@pytest.mark.parametrize("read_data", [True, False])
def test_swapped_and_cut_packs_are_named(filled: MemoryBackend, read_data: bool) -> None:
    with open_store(filled) as store:
        one, other = store.backend.names("packs")[:2]
        whole = {name: filled.get(outer(store, name)) for name in (one, other)}
        filled.put(outer(store, one), whole[other])
        filled.put(outer(store, other), whole[one])
        assert named(store.verify(read_data), FaultKind.PACK) == {one, other}
        filled.put(outer(store, other), whole[other])
        for length in (0, 10, 36, 1000, len(whole[one]) - 1):
            filled.put(outer(store, one), whole[one][:length])
            verified = store.verify(read_data)
            assert named(verified, FaultKind.PACK) == {one}
            assert store.stats().pack_count > 2
            with suppress(StoreError):  # where a node is lost, nobody knows what may go
                store.collect()
            assert outer(store, one) in filled.names(), "what cannot be read is not thrown away"
        filled.put(outer(store, one), whole[one])
        filled.remove(outer(store, one))
        assert named(store.verify(read_data), FaultKind.PACK) == {one}


def test_a_damaged_pack_in_a_store_that_is_opened_anew(filled: MemoryBackend) -> None:
    with open_store(filled) as store:
        name = store.backend.names("packs")[0]
        sealed = outer(store, name)
    filled.put(sealed, filled.get(sealed)[:-1])
    with open_store(filled) as store:
        verified = store.verify()
        assert named(verified, FaultKind.PACK) == {name}
        assert verified.touched


def test_swapped_and_altered_snapshots_are_named(filled: MemoryBackend) -> None:
    with open_store(filled) as store:
        one, other = [snapshot_object(snapshot.id) for snapshot in store.snapshots()]
        sealed_one, sealed_other = outer(store, one), outer(store, other)
        first, second = filled.get(sealed_one), filled.get(sealed_other)
        filled.put(sealed_one, second)
        filled.put(sealed_other, first)
        assert named(store.verify(), FaultKind.SNAPSHOT) == {one, other}
        with pytest.raises(CorruptBlockError, match="was damaged or altered"):
            store.snapshots()
        filled.put(sealed_other, second)
        for altered in (first[:-1], b"", bytes(len(first)), first + b"x"):
            filled.put(sealed_one, altered)
            verified = store.verify()
            assert named(verified, FaultKind.SNAPSHOT) == {one}
            assert [touched.path for touched in verified.touched] == [b""]
            with pytest.raises(StoreError, match="run verify"):
                store.collect()


def test_a_node_that_was_replaced_by_another_store_is_not_taken(settings: StoreSettings) -> None:
    """Two stores of one passphrase have different keys."""
    one, other = MemoryBackend(), MemoryBackend()
    for memory in (one, other):
        with create(memory, settings) as store:
            store.put_block(b"content", StoredKind.CHUNK)
    [name_of_one], [name_of_other] = one.names("packs"), other.names("packs")
    assert name_of_one != name_of_other
    one.put(name_of_one, other.get(name_of_other))
    one.put(name_of_other, other.get(name_of_other))
    with open_store(one) as store:
        assert len(store.packs()) == 1
        assert not store.verify().is_clean
