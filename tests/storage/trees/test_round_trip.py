"""A folder that was put is restored to the byte, with modes, times, links and holes; and it is listed."""

import os
import random
import socket
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from dwcp.blocks import FileEntry, SnapshotNode, SubdirectoryEntry, SymlinkEntry
from dwcp.errors import InputError, ObjectNotFoundError, SourceChangedError
from dwcp.storage import Backend, MemoryBackend, Store, StoreSettings
from dwcp.storage.chunks import ChunkWriter
from dwcp.storage.packs import StoredKind

Grow = Callable[[int], Path]
Facts = Callable[[Path], dict[bytes, tuple[Any, ...]]]


def test_equal_to_the_byte(
    backend: Backend, settings: StoreSettings, small_packs: int, grow: Grow, facts: Facts, tmp_path: Path
) -> None:
    source = grow(1)
    with Store.create(backend, settings) as store:
        snapshot_id = store.put(source, 5, "host", ["b", "a", "b"])
        assert store.verify().is_clean
    with Store.open(backend, is_writer=False) as store:
        store.restore(snapshot_id, tmp_path / "restored")
        assert facts(tmp_path / "restored" / "tree") == facts(source)
        [snapshot] = store.snapshots()
        assert snapshot.id == snapshot_id
        assert snapshot.node == SnapshotNode(snapshot.node.root, 5, "host", ("a", "b"))
        store.restore(snapshot.node.root, tmp_path / "again")
        assert facts(tmp_path / "again") != {}
    sparse = tmp_path / "restored" / "tree" / "sparse"
    assert sparse.stat().st_blocks * 512 < sparse.stat().st_size / 2


def test_restoring_twice_repairs_and_keeps_what_else_is_there(
    settings: StoreSettings, grow: Grow, facts: Facts, tmp_path: Path
) -> None:
    source = grow(2)
    with Store.create(MemoryBackend(), settings) as store:
        snapshot_id = store.put(source, 0)
        store.restore(snapshot_id, tmp_path)
        changed = tmp_path / "tree"
        (changed / "text").write_bytes(b"changed")
        (changed / "link").unlink()
        (changed / "link").write_bytes(b"a file now")
        (tmp_path / "else").write_bytes(b"stays")
        store.restore(snapshot_id, tmp_path)
        assert facts(changed) == facts(source)
        assert (tmp_path / "else").read_bytes() == b"stays"


def test_the_same_content_costs_nothing_more(settings: StoreSettings, grow: Grow) -> None:
    source = grow(3)
    with Store.create(MemoryBackend(), settings) as store:
        store.put(source, 1)
        before = store.stats()
        store.put(source, 2)
        after = store.stats()
    assert after.chunk_count == before.chunk_count
    assert after.node_count == before.node_count + 1
    assert (before.snapshot_count, after.snapshot_count) == (1, 2)


def test_big_files_and_folders_have_pages(settings: StoreSettings, facts: Facts, tmp_path: Path) -> None:
    source = tmp_path / "big"
    source.mkdir()
    (source / "file").write_bytes(random.Random(5).randbytes(3_000_000))
    for number in range(2500):
        (source / f"{number * 7919 % 2500:05} with a name that is rather long").touch()
    with Store.create(MemoryBackend(), settings) as store:
        snapshot_id = store.put(source, 0)
        store.restore(snapshot_id, tmp_path / "restored")
        assert facts(tmp_path / "restored" / "big") == facts(source)
        listed = [entry.name for entry in store.entries(snapshot_id, b"big")]
        assert listed == sorted(os.fsencode(path.name) for path in source.iterdir())
        for name in (listed[0], listed[1234], listed[-1]):
            [entry] = store.entries(snapshot_id, b"big/" + name)
            assert entry.name == name
        for name in (b"0", b"zzz", b"00001"):
            with pytest.raises(InputError, match="nothing at big/"):
                store.entries(snapshot_id, b"big/" + name)
        assert store.verify().is_clean


def test_listing(settings: StoreSettings, grow: Grow) -> None:
    with Store.create(MemoryBackend(), settings) as store:
        snapshot_id = store.put(grow(4), 0)
        [top] = store.entries(snapshot_id)
        assert isinstance(top, SubdirectoryEntry)
        assert top.name == b"tree"
        kinds = {entry.name: type(entry) for entry in store.entries(snapshot_id, b"tree")}
        assert (kinds[b"deep"], kinds[b"text"], kinds[b"link"]) == (
            SubdirectoryEntry,
            FileEntry,
            SymlinkEntry,
        )
        assert [entry.name for entry in store.entries(snapshot_id, b"tree/deep/deeper")] == [
            b"deeper",
            b"file 1",
        ]
        for path in (b"no", b"tree/text/x", b"tree//deep", b"tree/"):
            with pytest.raises(InputError):
                store.entries(snapshot_id, path)
        chunk_id = store.put_block(b"\x80", StoredKind.CHUNK)
        file = next(iter(store.entries(snapshot_id, b"tree/random")))
        assert isinstance(file, FileEntry)
        with pytest.raises(InputError, match="neither a snapshot nor a tree"):
            store.entries(file.link.id)
        assert store.has(chunk_id)


@pytest.mark.parametrize("kind", ["file", "empty", "link", "folder"])
def test_one_entry_alone(kind: str, facts: Facts, tmp_path: Path) -> None:
    source = tmp_path / "it"
    if kind == "link":
        source.symlink_to("/etc/passwd")
    elif kind == "folder":
        source.mkdir()
    else:
        source.write_bytes(b"content" if kind == "file" else b"")
    with Store.create(MemoryBackend()) as store:
        snapshot_id = store.put(source, 0)
        store.restore(snapshot_id, tmp_path / "to")
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["it"]
    for path in (source, tmp_path / "to" / "it"):
        assert path.is_symlink() == (kind == "link")
    if kind != "link":
        assert source.stat().st_mtime_ns == (tmp_path / "to" / "it").stat().st_mtime_ns
        assert source.stat().st_mode == (tmp_path / "to" / "it").stat().st_mode


def test_deep_folders(settings: StoreSettings, tmp_path: Path) -> None:
    folder = tmp_path / "deep"
    folder.mkdir()
    current = os.open(folder, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("a" * 30, dir_fd=current)
        inner = os.open("a" * 30, os.O_RDONLY, dir_fd=current)
        os.close(current)
        current = inner
    os.close(current)
    with Store.create(MemoryBackend(), settings) as store:
        snapshot_id = store.put(folder, 0)
        store.restore(snapshot_id, tmp_path / "to")
        assert store.verify().is_clean
        assert store.stats().node_count == 303


def test_what_cannot_be_kept_is_told(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_bytes(b"x")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(source / "socket"))
        told: list[tuple[bytes, str]] = []
        with Store.create(MemoryBackend()) as store:
            with pytest.raises(InputError, match="source/socket cannot be put"):
                store.put(source, 0)
            snapshot_id = store.put(source, 0, skip=lambda path, why: told.append((path, why)))
            assert [entry.name for entry in store.entries(snapshot_id, b"source")] == [b"file"]
    assert told == [(b"source/socket", "it is no file, folder or symbolic link")]


def test_a_file_that_changes_all_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "file"
    source.write_bytes(b"0")
    with Store.create(MemoryBackend()) as store:
        put, sizes = ChunkWriter.put, count(2)
        monkeypatch.setattr(
            ChunkWriter, "put", lambda *args: (source.write_bytes(bytes(next(sizes))), put(*args))[1]
        )
        with pytest.raises(SourceChangedError, match="file cannot be put: it changed"):
            store.put(source, 0)
        monkeypatch.undo()
        snapshot_id = store.put(source, 0)
        store.restore(snapshot_id, tmp_path / "to")
    assert (tmp_path / "to" / "file").read_bytes() == source.read_bytes()


def test_there_is_nothing_there(tmp_path: Path) -> None:
    with Store.create(MemoryBackend()) as store:
        for path in (tmp_path / "none", tmp_path / "none" / "below"):
            with pytest.raises(InputError):
                store.put(path, 0)
        with pytest.raises(InputError, match="no name"):
            store.put(Path("/"), 0)
        with pytest.raises(ObjectNotFoundError):
            store.forget(bytes(32))


def test_a_path_that_goes_up_is_named_by_what_it_leads_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here" / "below")
    with Store.create(MemoryBackend()) as store:
        for path, name in ((Path(".."), b"here"), (Path(), b"below"), (Path("../below"), b"below")):
            assert [entry.name for entry in store.entries(store.put(path, 0))] == [name]
