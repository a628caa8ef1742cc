"""How long lists fall into pages, seen through what builders put into a store."""

import tracemalloc
from random import Random

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.blocks import (
    MAX_NODE_BYTES,
    ZERO_RUN_BYTES,
    ChildPage,
    DirectoryNode,
    FileBuilder,
    FileLink,
    FileNode,
    FilePart,
    LinkKind,
    TreeBuilder,
)
from dwcp.codecs import plaintext_id

MIB = ZERO_RUN_BYTES
MANY = 20_000
RNG = Random(11)
CHUNKS = [(RNG.randrange(1, 300_000), RNG.randbytes(32)) for _ in range(MANY)]
FILES = {b"%08x" % RNG.getrandbits(32): (RNG.randrange(1, 10**9), RNG.randbytes(32)) for _ in range(MANY)}


def file_link(chunks, put=None) -> FileLink:
    builder = FileBuilder(put)
    builder.chunks(b"".join(chunk_id for _, chunk_id in chunks), [length for length, _ in chunks])
    return builder.finish()


def directory_id(files, put=None) -> bytes:
    builder = TreeBuilder(put)
    for name in sorted(files):
        size, chunk_id = files[name]
        builder.file(name, 0o644, size, FileLink(LinkKind.CHUNK, chunk_id, size))
    return builder.finish()


def test_every_chunk_is_found_again_through_the_pages(store) -> None:
    link = file_link(CHUNKS, store.put)
    assert [(part.size_bytes, part.id) for part in store.parts(link)] == CHUNKS
    assert link.size_bytes == sum(length for length, _ in CHUNKS)
    assert store.read(link.id).level == 1


def test_every_entry_is_found_again_through_the_pages(store) -> None:
    root = directory_id(FILES, store.put)
    assert [entry.name for entry in store.entries(root)] == sorted(FILES)
    assert store.read(root).level == 1


def pages_of(store, level: int):
    nodes = [store.read(node_id) for node_id in store]
    return [node for node in nodes if node.level == level]


def key_of(item) -> bytes:
    return item.id if isinstance(item, FilePart | ChildPage) else plaintext_id(item.name)


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_pages_end_by_the_rule(kind: str, store) -> None:
    if kind == "file":
        file_link(CHUNKS, store.put)
    else:
        directory_id(FILES, store.put)
    pages = [node.parts if isinstance(node, FileNode) else node.entries for node in pages_of(store, 0)]
    for items in pages[:-1]:
        assert len(items) >= 16
        assert key_of(items[-1])[0] == 0 or sum(map(encoded_length, items)) >= 65_536
    for items in pages:
        assert not any(key_of(item)[0] == 0 for item in items[15:-1])
        assert sum(map(encoded_length, items[:-1])) < 65_536
    assert 200 < MANY / len(pages) < 350
    assert max(map(len, store.values())) < MAX_NODE_BYTES


Item = tuple[list[object], bytes, int]
"""Fields, key and size of a file's part."""


def root_by_the_book(items: list[Item], level: int = 0) -> bytes:
    """The id of a file's node, with the whole list at hand, as the format is written down."""
    pages, page = [], []
    for item in items:
        page.append(item)
        taken = sum(len(cbor2.dumps(fields, canonical=True)) for fields, _, _ in page)
        if (len(page) >= 16 and item[1][:1] == b"\0") or taken >= 65_536:
            pages.append(page)
            page = []
    if page:
        pages.append(page)
    above: list[Item] = []
    for page in pages:
        size = sum(size for _, _, size in page)
        page_id = plaintext_id(
            cbor2.dumps(["file/1", level, [fields for fields, _, _ in page]], canonical=True)
        )
        above.append(([size, page_id], page_id, size))
    return above[0][1] if len(above) == 1 else root_by_the_book(above, level + 1)


@settings(max_examples=40, deadline=None)
@given(
    runs=st.lists(
        st.tuples(st.sampled_from([0, 0, 1, 9]), st.integers(1, 40), st.integers(1, 8 * MIB)),
        min_size=2,
        max_size=60,
    )
)
def test_nodes_are_those_that_are_written_down(runs: list[tuple[int, int, int]]) -> None:
    items: list[Item] = []
    builder = FileBuilder()
    for key, count, length in runs:
        for _ in range(count):
            chunk_id = bytes([key]) + len(items).to_bytes(31, "big")
            items.append(([length, chunk_id], chunk_id, length))
            builder.chunks(chunk_id, [length])
    assert builder.finish().id == root_by_the_book(items)


def encoded_length(item) -> int:
    return len(cbor2.dumps(item.to_fields(), canonical=True))


@pytest.mark.parametrize("at", [0, 1, 777, MANY // 2, MANY - 1, MANY])
@pytest.mark.parametrize("removed", [0, 1, 3])
def test_few_pages_change_with_some_chunks(at: int, removed: int, new_store) -> None:
    before, after = new_store(), new_store()
    file_link(CHUNKS, before.put)
    file_link([*CHUNKS[:at], (4096, bytes(range(1, 33))), *CHUNKS[at + removed :]], after.put)
    assert 2 <= len(after.keys() - before.keys()) <= 4


@pytest.mark.parametrize("at", [0, 5000, MANY - 1])
def test_few_pages_change_with_a_file(at: int, new_store) -> None:
    before, added, changed, removed = (new_store() for _ in range(4))
    directory_id(FILES, before.put)
    name = sorted(FILES)[at]
    directory_id({**FILES, name + b"!": (1, bytes(32))}, added.put)
    directory_id({**FILES, name: (1, bytes(32))}, changed.put)
    directory_id({other: what for other, what in FILES.items() if other != name}, removed.put)
    for after in (added, changed, removed):
        assert 2 <= len(after.keys() - before.keys()) <= 4


def test_what_never_ends_a_page_by_its_key_ends_it_by_length(store) -> None:
    chunks = [(70_000, b"\x01" * 32)] * 10_000
    link = file_link(chunks, store.put)
    assert len(list(store.parts(link))) == 10_000
    full = [len(node.parts) for node in pages_of(store, 0)]
    assert full == [1639, 10_000 - 6 * 1639], "pages that are equal are one node"


def test_what_always_ends_a_page_by_its_key_still_fills_it_somewhat(store) -> None:
    link = file_link([(70_000, bytes(32))] * 10_000, store.put)
    assert len(list(store.parts(link))) == 10_000
    assert {len(node.parts) for node in pages_of(store, 0)} == {16}


def test_long_entries_end_pages_early(store) -> None:
    builder = TreeBuilder(store.put)
    for number in range(100):
        builder.symlink(b"%03d" % number + b"n" * 252, b"t" * 4095, 0)
    root = builder.finish()
    assert len(list(store.entries(root))) == 100
    assert max(map(len, store.values())) < 65_536 + 4500
    assert {len(node.entries) for node in pages_of(store, 0)} <= set(range(1, 17))


@pytest.mark.parametrize("count", [2, 15, 16, 17])
def test_a_list_that_ends_where_its_page_does_has_no_page_above(count: int, store) -> None:
    link = file_link([(5, b"\x01" * 32)] * (count - 1) + [(5, bytes(32))], store.put)
    assert list(store) == [link.id]
    assert store.read(link.id).level == 0


def test_a_page_that_is_left_alone_is_the_node(store) -> None:
    link = file_link([(5, b"\x01" * 32)] * 15 + [(5, bytes(32)), (6, bytes(32))], store.put)
    assert [len(store.read(node_id).parts) for node_id in store] == [16, 1, 2]
    assert list(store)[-1] == link.id


def test_an_empty_directory_is_one_node(store) -> None:
    root = TreeBuilder(store.put).finish()
    assert store == {root: b"\x83\x6bdirectory/1\x00\x80"}
    assert store.read(root) == DirectoryNode(0, ())


def test_a_directory_of_100000_files_takes_little_memory() -> None:
    link = FileLink(LinkKind.CHUNK, bytes(32), 5)
    tracemalloc.start()
    builder = TreeBuilder()
    for number in range(100_000):
        builder.file(b"a name of some length %08d" % number, 0o644, 7, link)
    builder.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 512 * 1024


def test_the_list_of_a_huge_file_takes_little_memory() -> None:
    rng = Random(1)
    tracemalloc.start()
    builder = FileBuilder()
    for _ in range(200):
        builder.chunks(rng.randbytes(32 * 500), [8 * 1024 * 1024] * 500)
        builder.zeros(5 * 1024**3)
    link = builder.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert link.size_bytes > 10**12
    assert peak < 512 * 1024
