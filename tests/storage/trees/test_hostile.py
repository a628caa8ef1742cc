"""Nothing is written outside of the destination, whatever lies there and whatever the tree says."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dwcp.blocks import (
    DirectoryNode,
    FileEntry,
    FileLink,
    FileNode,
    FilePart,
    LinkKind,
    SubdirectoryEntry,
    TreeBuilder,
    encode_node,
)
from dwcp.blocks.entries import ChildPage
from dwcp.errors import BlockNotFoundError, CorruptBlockError, StorageError
from dwcp.storage import MemoryBackend, Store, StoredKind


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def kept(store: Store, *nodes: object) -> bytes:
    """The id of the last of some nodes, all put."""
    return [store.put_block(encode_node(node), StoredKind.NODE) for node in nodes][-1]  # type: ignore[arg-type]


def one_file(store: Store, link: FileLink) -> bytes:
    return kept(store, DirectoryNode(0, (FileEntry(b"file", 0o644, 0, link),)))


def test_links_in_the_destination_are_not_followed(tmp_path: Path) -> None:
    source, outside, to = tmp_path / "tree", tmp_path / "outside", tmp_path / "to"
    for folder in (source / "folder", outside, to / "tree"):
        folder.mkdir(parents=True)
    (source / "folder" / "file").write_bytes(b"new")
    (source / "top").write_bytes(b"new")
    (outside / "file").write_bytes(b"old")
    (to / "tree" / "top").symlink_to(outside / "file")
    with Store.create(MemoryBackend()) as store:
        snapshot_id = store.put(source, 0)
        (to / "tree" / "folder").symlink_to(outside)
        with pytest.raises(StorageError, match="tree/folder cannot be written"):
            store.restore(snapshot_id, to)
        (to / "tree" / "folder").unlink()
        store.restore(snapshot_id, to)
    assert (outside / "file").read_bytes() == b"old"
    assert names_in(outside) == ["file"]
    assert not (to / "tree" / "top").is_symlink()
    assert (to / "tree" / "top").read_bytes() == b"new"


def test_a_link_in_the_tree_is_not_written_through(tmp_path: Path) -> None:
    """A link, then a folder of the same name: the canonical order of names forbids both in one tree."""
    outside = tmp_path / "outside"
    outside.mkdir()
    with Store.create(MemoryBackend()) as store:
        builder = TreeBuilder(lambda node_id, node: store.put_block(node, StoredKind.NODE, node_id))
        builder.symlink(b"way", os.fsencode(outside), 0)
        store.restore(builder.finish(), tmp_path / "to")
        builder = TreeBuilder(lambda node_id, node: store.put_block(node, StoredKind.NODE, node_id))
        builder.enter(b"way", 0o755, 0)
        builder.file(b"file", 0o644, 0, FileLink.empty())
        builder.leave()
        with pytest.raises(StorageError):
            store.restore(builder.finish(), tmp_path / "to")
    assert names_in(outside) == []


def test_a_folder_in_the_way_of_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "to" / "file").mkdir(parents=True)
    (tmp_path / "file").write_bytes(b"x")
    with Store.create(MemoryBackend()) as store:
        snapshot_id = store.put(tmp_path / "file", 0)
        with pytest.raises(StorageError, match="to/file cannot be written"):
            store.restore(snapshot_id, tmp_path / "to")
    assert names_in(tmp_path / "to") == ["file"]


def wrong_size(store: Store) -> bytes:
    chunk_id = store.put_block(b"12345", StoredKind.CHUNK)
    return one_file(store, FileLink(LinkKind.CHUNK, chunk_id, 4))


def missing_chunk(store: Store) -> bytes:
    return one_file(store, FileLink(LinkKind.CHUNK, bytes(31) + b"x", 4))


def file_size_that_lies(store: Store) -> bytes:
    chunk_id = store.put_block(b"12345", StoredKind.CHUNK)
    node_id = kept(store, FileNode(0, (FilePart(5, chunk_id), FilePart(5, chunk_id))))
    return one_file(store, FileLink(LinkKind.FILE, node_id, 11))


def page_of_another_kind(store: Store) -> bytes:
    inner = kept(store, DirectoryNode(0, ()))
    return one_file(store, FileLink(LinkKind.FILE, inner, 5))


def page_that_skips_a_level(store: Store) -> bytes:
    leaf = kept(
        store, DirectoryNode(0, (SubdirectoryEntry(b"a", 0o755, 0, kept(store, DirectoryNode(0, ()))),))
    )
    return kept(store, DirectoryNode(2, (ChildPage(b"a", leaf),)))


def page_with_another_last_name(store: Store) -> bytes:
    leaf = kept(store, DirectoryNode(0, (FileEntry(b"a", 0o644, 0, FileLink.empty()),)))
    return kept(store, DirectoryNode(1, (ChildPage(b"b", leaf),)))


def pages_that_overlap(store: Store) -> bytes:
    one, other = (
        kept(store, DirectoryNode(0, tuple(FileEntry(name, 0o644, 0, FileLink.empty()) for name in names)))
        for names in ((b"a", b"m"), (b"b", b"z"))
    )
    return kept(store, DirectoryNode(1, (ChildPage(b"m", one), ChildPage(b"z", other))))


def too_deep(store: Store) -> bytes:
    node_id = kept(store, DirectoryNode(0, ()))
    for _ in range(514):
        node_id = kept(store, DirectoryNode(0, (SubdirectoryEntry(b"d", 0o755, 0, node_id),)))
    return node_id


@pytest.mark.parametrize(
    "make",
    [
        wrong_size,
        missing_chunk,
        file_size_that_lies,
        page_of_another_kind,
        page_that_skips_a_level,
        page_with_another_last_name,
        pages_that_overlap,
        too_deep,
    ],
)
def test_a_tree_that_lies_is_refused(make: Callable[[Store], bytes], tmp_path: Path) -> None:
    with Store.create(MemoryBackend()) as store:
        root = make(store)
        with pytest.raises((CorruptBlockError, BlockNotFoundError)):
            store.restore(root, tmp_path / "to")
    assert not (tmp_path / "to" / "file").exists()
    left = [name for _, _, names in os.walk(tmp_path / "to") for name in names]
    assert not [name for name in left if name.startswith(".dwcp")]
