"""Parts of trees are walked and restored; damage is left out; leftovers are swept; all is counted."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dwcp.blocks import FileEntry, FilePart, LinkKind, SubdirectoryEntry
from dwcp.errors import BlockNotFoundError, CorruptBlockError, InputError, StorageError
from dwcp.storage import MemoryBackend, Store, StoreSettings
from dwcp.storage.packs import open_pack
from dwcp.storage.trees import NodeReader

Grow = Callable[[int], Path]
Facts = Callable[[Path], dict[bytes, tuple[Any, ...]]]


class Count:
    """Adds up what it is told."""

    def __init__(self) -> None:
        self.files = self.size_bytes = 0

    def __call__(self, files: int, size_bytes: int) -> None:
        self.files += files
        self.size_bytes += size_bytes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Count) and vars(self) == vars(other)


def flip(backend: MemoryBackend, store: Store, block_id: bytes) -> None:
    """Flip a bit of a block, wherever it lies."""
    for name in backend.names("packs"):
        data = bytearray(backend.get(name))
        for entry in open_pack(data):
            if entry.id == block_id:
                data[entry.end - 1] ^= 1
        backend.put(name, bytes(data))


def test_a_part_is_walked_with_its_whole_path(settings: StoreSettings, grow: Grow) -> None:
    with Store.create(MemoryBackend(), settings) as store:
        snapshot_id = store.put(grow(1), 0)
        whole = [visit.path for visit in store.walk(snapshot_id) if not visit.is_leaving]
        for path in (b"tree/deep", b"tree/many", b"tree/text", b"tree"):
            below = [visit.path for visit in store.walk(snapshot_id, path) if not visit.is_leaving]
            assert below == [each for each in whole if each == path or each.startswith(path + b"/")]
        for path in (b"tree/none", b"none", b"tree/text/none", b"tree//text", b"/"):
            with pytest.raises(InputError, match="there is nothing at"):
                store.walk(snapshot_id, path)


@pytest.mark.parametrize("path", [b"tree/deep/deeper", b"tree/text", b"tree/link", b"tree/many", b"tree"])
def test_a_part_is_restored_by_its_own_name(
    settings: StoreSettings, grow: Grow, facts: Facts, tmp_path: Path, path: bytes
) -> None:
    source = grow(2)
    with Store.create(MemoryBackend(), settings) as store:
        store.restore(store.put(source, 0), tmp_path / "to", path)
    restored, wanted = facts(tmp_path / "to"), facts(source)
    name = path.rpartition(b"/")[2]
    for inside, fact in wanted.items():
        below = b"tree" if inside == b"." else b"tree/" + inside
        if below == path or below.startswith(path + b"/"):
            assert restored.pop(name + below[len(path) :]) == fact
    assert list(restored) == [b"."]


def test_nothing_is_made_for_a_path_that_is_not_there(
    settings: StoreSettings, grow: Grow, tmp_path: Path
) -> None:
    store = Store.create(MemoryBackend(), settings)
    with store, pytest.raises(InputError, match="there is nothing at"):
        store.restore(store.put(grow(3), 0), tmp_path / "to", b"tree/none")
    assert not (tmp_path / "to").exists()


def test_an_error_names_the_path_where_it_was_to_be(
    settings: StoreSettings, grow: Grow, tmp_path: Path
) -> None:
    (tmp_path / "deeper" / "file 1").mkdir(parents=True)
    store = Store.create(MemoryBackend(), settings)
    with store, pytest.raises(StorageError, match=f"^{tmp_path}/deeper/file 1 cannot be written: is a dir"):
        store.restore(store.put(grow(3), 0), tmp_path, b"tree/deep/deeper")


def test_damage_ends_it_or_is_left_out(
    settings: StoreSettings, small_packs: int, grow: Grow, tmp_path: Path
) -> None:
    backend = MemoryBackend()
    with Store.create(backend, settings) as store:
        snapshot_id = store.put(grow(4), 0)
        [file] = store.entries(snapshot_id, b"tree/random")
        [folder] = [
            entry
            for entry in store.entries(snapshot_id, b"tree/deep/deeper")
            if isinstance(entry, SubdirectoryEntry)
        ]
        assert isinstance(file, FileEntry)
        assert file.link.kind is LinkKind.FILE
        part = next(iter(NodeReader(store.get_block).parts(file.link)))
        assert isinstance(part, FilePart)
        flip(backend, store, part.id)
        flip(backend, store, folder.id)
        with pytest.raises(CorruptBlockError):
            store.restore(snapshot_id, tmp_path / "first")
        skipped: dict[bytes, str] = {}
        count = Count()
        store.restore(snapshot_id, tmp_path / "to", skip=skipped.__setitem__, progress=count)
    assert list(skipped) == [b"tree/deep/deeper/deeper", b"tree/random"]
    assert all("is damaged" in why for why in skipped.values())
    assert not (tmp_path / "to" / "tree" / "random").exists()
    assert not list((tmp_path / "to").rglob(".dwcp-*"))
    assert (tmp_path / "to" / "tree" / "text").exists()
    assert (tmp_path / "to" / "tree" / "deep" / "deeper" / "file 1").exists()
    assert list((tmp_path / "to" / "tree" / "deep" / "deeper" / "deeper").iterdir()) == []


def test_a_lost_block_is_left_out_too(settings: StoreSettings, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 600)
    backend = MemoryBackend()
    with Store.create(backend, settings) as store:
        snapshot_id = store.put(tmp_path / "file", 0)
        [entry] = store.entries(snapshot_id)
        assert isinstance(entry, FileEntry)

        def get(block_id: bytes) -> bytes:
            if block_id == entry.link.id:
                raise BlockNotFoundError("it is not here")
            return Store.get_block(store, block_id)

        store.get_block = get  # type: ignore[method-assign]
        skipped: dict[bytes, str] = {}
        store.restore(snapshot_id, tmp_path / "to", skip=skipped.__setitem__)
    assert skipped == {b"file": "it is not here"}


def test_leftovers_of_a_killed_restore_are_swept(settings: StoreSettings, grow: Grow, tmp_path: Path) -> None:
    source = grow(5)
    to = tmp_path / "to"
    (to / "tree" / "many").mkdir(parents=True)
    left = [folder / f".dwcp-{'0a' * 12}" for folder in (to, to / "tree", to / "tree" / "many")]
    left[0].symlink_to("nowhere")
    for path in left[1:]:
        path.write_bytes(b"half")
    stays = [
        to / "tree" / ".dwcp",
        to / "tree" / f".dwcp-{'0A' * 12}",
        to / "tree" / f".dwcp-{'0a' * 12}.txt",
        to / "tree" / f".dwcp-{'0b' * 12}",
        to / "elsewhere" / f".dwcp-{'0a' * 12}",
    ]
    stays[-1].parent.mkdir()
    for path in stays:
        path.write_bytes(b"somebody's")
    (to / f".dwcp-{'0c' * 12}").mkdir()
    os.mkfifo(to / f".dwcp-{'0d' * 12}")
    with Store.create(MemoryBackend(), settings) as store, stays[3].open("rb") as other_restore:
        fcntl.flock(other_restore, fcntl.LOCK_EX)
        store.restore(store.put(source, 0), to)
    assert not any(path.exists() or path.is_symlink() for path in left)
    assert all(path.read_bytes() == b"somebody's" for path in stays)
    assert {path.name[6:8] for path in to.glob(".dwcp-*")} == {"0c", "0d"}


def test_what_is_put_and_restored_is_counted(settings: StoreSettings, grow: Grow, tmp_path: Path) -> None:
    source = grow(6)
    files = [path for path in source.rglob("*") if path.is_file() and not path.is_symlink()]
    put, restored, verified, collected = Count(), Count(), Count(), Count()
    with Store.create(MemoryBackend(), settings) as store:
        snapshot_id = store.put(source, 0, progress=put)
        store.restore(snapshot_id, tmp_path / "to", progress=restored)
        store.verify(progress=verified)
        no_data = Count()
        store.verify(read_data=False, progress=no_data)
        store.collect(progress=collected)
        stored_bytes = store.stats().stored_bytes
    assert (put.files, put.size_bytes) == (len(files), sum(path.stat().st_size for path in files))
    assert put == restored
    assert no_data == verified
    assert (verified.files, verified.size_bytes) == (len(files), stored_bytes)
    assert (collected.files, collected.size_bytes) == (0, stored_bytes)
