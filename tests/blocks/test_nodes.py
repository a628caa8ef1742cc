from itertools import pairwise

import cbor2
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dwcp.blocks import (
    MAX_NODE_BYTES,
    ZERO_RUN_BYTES,
    ChildPage,
    DirectoryNode,
    FileEntry,
    FileLink,
    FileNode,
    FilePart,
    LinkKind,
    SnapshotNode,
    SubdirectoryEntry,
    SymlinkEntry,
    ZeroRun,
    decode_node,
    encode_node,
)
from dwcp.blocks.canonical import array_head
from dwcp.errors import CorruptBlockError, InputError

ID = bytes(range(32))
MIB = ZERO_RUN_BYTES

IDS = st.binary(min_size=32, max_size=32)
NAMES = st.binary(min_size=1, max_size=255).filter(
    lambda name: name not in (b".", b"..") and not {0, ord("/")} & set(name)
)
MODES, TIMES = st.integers(0, 0o7777), st.integers(-(2**63), 2**63 - 1)
LINKS = st.just(FileLink.empty()) | st.builds(
    FileLink, st.sampled_from([LinkKind.CHUNK, LinkKind.FILE]), IDS, st.integers(1, 2**63 - 1)
)
CHUNKS = st.builds(FilePart, st.integers(1, 8 * MIB), IDS)
ZEROS = st.builds(ZeroRun, st.integers(1, 2**40).map(lambda pages: pages * MIB))
PAGES = st.builds(FilePart, st.integers(1, 2**50), IDS)
TARGETS = st.binary(min_size=1, max_size=60).filter(lambda target: 0 not in target)
ENTRIES = (
    st.builds(FileEntry, NAMES, MODES, TIMES, LINKS)
    | st.builds(SubdirectoryEntry, NAMES, MODES, TIMES, IDS)
    | st.builds(SymlinkEntry, NAMES, TIMES, TARGETS)
)
TEXTS = st.text(max_size=60)


def ordered(entries):
    return st.lists(entries, max_size=30, unique_by=lambda entry: entry.name).map(
        lambda found: tuple(sorted(found, key=lambda entry: entry.name))
    )


def without_neighbouring_zeros(parts) -> bool:
    return not any(isinstance(a, ZeroRun) and isinstance(b, ZeroRun) for a, b in pairwise(parts))


FILE_NODES = st.builds(
    FileNode,
    st.just(0),
    st.lists(CHUNKS | ZEROS, min_size=1, max_size=30).map(tuple).filter(without_neighbouring_zeros),
) | st.builds(FileNode, st.integers(1, 31), st.lists(PAGES, min_size=1, max_size=30).map(tuple))
DIRECTORY_NODES = st.builds(DirectoryNode, st.just(0), ordered(ENTRIES)) | st.builds(
    DirectoryNode, st.integers(1, 31), ordered(st.builds(ChildPage, NAMES, IDS)).filter(bool)
)
SNAPSHOT_NODES = st.builds(
    SnapshotNode,
    IDS,
    TIMES,
    TEXTS,
    st.sets(TEXTS, max_size=10).map(lambda tags: tuple(sorted(tags, key=str.encode))),
)
NODES = FILE_NODES | DIRECTORY_NODES | SNAPSHOT_NODES


@given(NODES)
def test_a_node_comes_back_from_its_bytes(node) -> None:
    data = encode_node(node)
    assert decode_node(data) == node
    assert decode_node(memoryview(data)) == node
    assert cbor2.dumps(cbor2.loads(data), canonical=True) == data


@settings(max_examples=300)
@given(node=NODES, at=st.integers(0, 10**6), value=st.integers(0, 255), data=st.data())
def test_damage_is_refused_or_another_node(node, at: int, value: int, data) -> None:
    good = bytearray(encode_node(node))
    at %= len(good)
    assume(good[at] != value)
    good[at] = value
    try:
        found = decode_node(good)
    except CorruptBlockError:
        return
    assert found != node
    assert encode_node(found) == good


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptBlockError):
        decode_node(data)


@given(st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.binary(max_size=40) | TEXTS
    | st.sampled_from(["file/1", "directory/1", "snapshot/1", ID]),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXTS, inner, max_size=3)
    | st.lists(inner, max_size=4).map(lambda rest: ["directory/1", 0, rest]),
))  # fmt: skip
def test_only_nodes_are_read(value) -> None:
    data = cbor2.dumps(value, canonical=True)
    try:
        found = decode_node(data)
    except CorruptBlockError:
        return
    assert encode_node(found) == data


CHUNK = [5, ID]
FILE = [b"f", 0, 0o644, 7, 5, b"\x00" + ID]
DIRECTORY = [b"d", 1, 0o755, -7, ID]
SYMLINK = [b"s", 2, 7, b"target"]


@pytest.mark.parametrize(
    "value",
    [
        ["file/1", 0, [CHUNK, MIB, CHUNK]],
        ["file/1", 1, [[2**40, ID]]],
        ["directory/1", 0, []],
        ["directory/1", 0, [DIRECTORY, FILE, SYMLINK]],
        ["directory/1", 3, [[b"d", ID], [b"da", ID]]],
        ["snapshot/1", ID, -1, "", []],
        ["snapshot/1", ID, 1, "host", ["a", "b"]],
    ],
)
def test_good_nodes_are_read(value) -> None:
    data = cbor2.dumps(value, canonical=True)
    assert encode_node(decode_node(data)) == data


@pytest.mark.parametrize(
    "value",
    [
        [],
        ["file/1"],
        ["file/2", 0, [CHUNK]],
        ["file/1", 0, []],
        ["file/1", 0, [CHUNK], 1],
        ["file/1", -1, [CHUNK]],
        ["file/1", 32, [CHUNK]],
        ["file/1", False, [CHUNK]],
        ["file/1", 0, [[0, ID]]],
        ["file/1", 0, [[-1, ID]]],
        ["file/1", 0, [[True, ID]]],
        ["file/1", 0, [[1.0, ID]]],
        ["file/1", 0, [[8 * MIB + 1, ID]]],
        ["file/1", 0, [[5, ID[:31]]]],
        ["file/1", 0, [[5, "x" * 32]]],
        ["file/1", 0, [[5, ID, 1]]],
        ["file/1", 0, [0]],
        ["file/1", 0, [-MIB]],
        ["file/1", 0, [MIB + 1]],
        ["file/1", 0, [MIB, MIB]],
        ["file/1", 0, [False]],
        ["file/1", 0, [2**63]],
        ["file/1", 1, [MIB]],
        ["file/1", 1, [[2**62, ID], [2**62, ID]]],
        ["directory/1", 0, [FILE, FILE]],
        ["directory/1", 0, [FILE, DIRECTORY]],
        ["directory/1", 0, [[b"f", ID]]],
        ["directory/1", 1, [FILE]],
        ["directory/1", 1, []],
        ["directory/1", 1, [[b"d", ID], [b"d", ID]]],
        ["directory/1", 1, [[b"/", ID]]],
        ["directory/1", 0, [["f", *FILE[1:]]]],
        ["directory/1", 0, [[b"..", *FILE[1:]]]],
        ["directory/1", 0, [[b"f", 3, 7, b"x"]]],
        ["directory/1", 0, [[b"f", False, 0o644, 7, 5, b"\x00" + ID]]],
        ["directory/1", 0, [[b"f", 0, 0o10000, 7, 5, b"\x00" + ID]]],
        ["directory/1", 0, [[b"f", 0, 0o644, 2**63, 5, b"\x00" + ID]]],
        ["directory/1", 0, [[b"f", 0, 0o644, 7, 0, b"\x00" + ID]]],
        ["directory/1", 0, [[b"f", 0, 0o644, 7, 5, b"\x02" + bytes(32)]]],
        ["directory/1", 0, [[b"f", 0, 0o644, 7, 5, b"\x03" + ID]]],
        ["directory/1", 0, [[b"d", 1, 0o755, -7, ID[:31]]]],
        ["directory/1", 0, [[b"s", 2, 7, b""]]],
        ["directory/1", 0, [[b"s", 2, 7, b"a\0"]]],
        ["directory/1", 0, [[b"s", 2, 7, "text"]]],
        ["directory/1", 0, [[]]],
        ["directory/1", 0, ["f"]],
        ["snapshot/1", ID[1:], 1, "host", []],
        ["snapshot/1", ID, 2**63, "host", []],
        ["snapshot/1", ID, 1, "x" * 256, []],
        ["snapshot/1", ID, 1, "host", ["b", "a"]],
        ["snapshot/1", ID, 1, "host", ["a", "a"]],
        ["snapshot/1", ID, 1, "host", [1]],
        ["snapshot/1", ID, 1, b"host", []],
        ["snapshot/1", ID, 1, "host", [f"{n:03}" for n in range(257)]],
        {"file/1": 0},
        "file/1",
        None,
    ],
    ids=str,
)
def test_bad_nodes_are_refused(value) -> None:
    with pytest.raises(CorruptBlockError):
        decode_node(cbor2.dumps(value, canonical=True))


GOOD = bytes.fromhex("83") + b"\x66file/1" + b"\x00\x81\x82\x05\x58\x20" + ID


@pytest.mark.parametrize(
    "data",
    [
        GOOD + b"\x00",
        GOOD[:-1],
        b"",
        GOOD.replace(b"\x82\x05", b"\x82\x18\x05"),
        GOOD.replace(b"\x00\x81", b"\x18\x00\x81"),
        GOOD.replace(b"\x58\x20", b"\x59\x00\x20"),
        GOOD.replace(b"\x81\x82", b"\x98\x01\x82"),
        GOOD.replace(b"\x81\x82", b"\x9f\x82") + b"\xff",
        GOOD.replace(b"\x58\x20" + ID, b"\x5f\x58\x20" + ID + b"\xff"),
        GOOD.replace(b"\x66file/1", b"\x78\x06file/1"),
        GOOD.replace(b"\x82\x05", b"\x82\xc2\x41\x05"),
        b"\xd9\xd9\xf7" + GOOD,
        b"\x81" * 1000 + b"\x00",
    ],
    ids=lambda data: data[:16].hex(),
)
def test_any_other_form_of_the_same_value_is_refused(data: bytes) -> None:
    assert encode_node(decode_node(GOOD)) == GOOD
    with pytest.raises(CorruptBlockError):
        decode_node(data)


def test_a_node_has_a_greatest_length() -> None:
    parts = tuple(FilePart(8 * MIB, bytes(32)) for _ in range(MAX_NODE_BYTES // 40 + 1))
    node = FileNode(0, parts)
    with pytest.raises(InputError, match="split it into pages"):
        encode_node(node)
    with pytest.raises(CorruptBlockError, match="at most 131072 are accepted"):
        decode_node(cbor2.dumps(node.to_fields(), canonical=True))


def test_a_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be encoded"):
        SnapshotNode(ID, 0, "\ud800")


@given(st.integers(0, 65535))
def test_heads_of_arrays_are_canonical(count: int) -> None:
    assert cbor2.dumps([None] * count, canonical=True).startswith(array_head(count))
    assert len(array_head(count)) == (1 if count < 24 else 2 if count < 256 else 3)
