import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.blocks import (
    MAX_DEPTH,
    FileEntry,
    FileLink,
    LinkKind,
    SubdirectoryEntry,
    SymlinkEntry,
    TreeBuilder,
)
from dwcp.errors import InputError

LINK = FileLink(LinkKind.CHUNK, b"c" * 32, 5)
NAMES = st.binary(min_size=1, max_size=6).filter(
    lambda name: name not in (b".", b"..") and not {0, ord("/")} & set(name)
)
LEAVES = st.tuples(st.integers(0, 0o7777), st.integers(-(2**63), 2**63 - 1)) | st.binary(
    min_size=1, max_size=5
).filter(lambda target: 0 not in target)
TREES = st.recursive(LEAVES, lambda inner: st.dictionaries(NAMES, inner, max_size=5), max_leaves=20)


def build(builder: TreeBuilder, tree: dict, mode: int = 0o755) -> None:
    for name in sorted(tree):
        what = tree[name]
        if isinstance(what, dict):
            builder.enter(name, mode, -5)
            build(builder, what)
            builder.leave()
        elif isinstance(what, tuple):
            builder.file(name, *what, LINK)
        else:
            builder.symlink(name, what, 9)


def read(store, root: bytes) -> dict:
    found: dict = {}
    for entry in store.entries(root):
        if isinstance(entry, SubdirectoryEntry):
            assert (entry.mode, entry.mtime_ns) == (0o755, -5)
            found[entry.name] = read(store, entry.id)
        elif isinstance(entry, FileEntry):
            assert entry.link == LINK
            found[entry.name] = (entry.mode, entry.mtime_ns)
        elif isinstance(entry, SymlinkEntry):
            assert entry.mtime_ns == 9
            found[entry.name] = entry.target
    return found


@settings(max_examples=60)
@given(tree=st.dictionaries(NAMES, TREES, max_size=5))
def test_a_tree_is_read_back_from_its_root(new_store, tree: dict) -> None:
    store = new_store()
    builder = TreeBuilder(store.put)
    build(builder, tree)
    root = builder.finish()
    assert read(store, root) == tree


@settings(max_examples=60)
@given(a=st.dictionaries(NAMES, TREES, max_size=4), b=st.dictionaries(NAMES, TREES, max_size=4))
def test_roots_are_equal_exactly_where_trees_are(a: dict, b: dict) -> None:
    roots = []
    for tree in (a, b):
        builder = TreeBuilder()
        build(builder, tree)
        roots.append(builder.finish())
    assert (roots[0] == roots[1]) == (a == b)


def test_every_field_counts() -> None:
    roots = set()
    for name, mode, mtime_ns, link in [
        (b"a", 0o644, 1, LINK),
        (b"b", 0o644, 1, LINK),
        (b"a", 0o645, 1, LINK),
        (b"a", 0o644, 2, LINK),
        (b"a", 0o644, 1, FileLink(LinkKind.FILE, b"c" * 32, 5)),
        (b"a", 0o644, 1, FileLink(LinkKind.CHUNK, b"c" * 32, 6)),
        (b"a", 0o644, 1, FileLink.empty()),
    ]:
        builder = TreeBuilder()
        builder.file(name, mode, mtime_ns, link)
        roots.add(builder.finish())
    assert len(roots) == 7


def test_nodes_come_before_what_links_to_them(new_store) -> None:
    seen = new_store()

    def put(node_id: bytes, node: bytes) -> None:
        seen.put(node_id, node)
        list(seen.entries(node_id))
        assert all(
            entry.id in seen for entry in seen.entries(node_id) if isinstance(entry, SubdirectoryEntry)
        )

    builder = TreeBuilder(put)
    build(builder, {b"r": {b"%04d" % n: {b"x": (0, n)} for n in range(2000)}})
    builder.finish()
    assert len(seen) > 2000


def add_file(builder: TreeBuilder, name: bytes) -> None:
    builder.file(name, 0o644, 0, LINK)


def add_symlink(builder: TreeBuilder, name: bytes) -> None:
    builder.symlink(name, b"target", 0)


def add_directory(builder: TreeBuilder, name: bytes) -> None:
    builder.enter(name, 0o755, 0)
    builder.leave()


ADDING = [add_file, add_symlink, add_directory]


@pytest.mark.parametrize("add", ADDING)
@pytest.mark.parametrize("name", [b"", b".", b"..", b"a/b", b"a\0", b"x" * 256])
def test_bad_names_are_refused(add, name: bytes) -> None:
    with pytest.raises(InputError, match="an entry"):
        add(TreeBuilder(), name)


@pytest.mark.parametrize("first", ADDING)
@pytest.mark.parametrize("add", ADDING)
@pytest.mark.parametrize("name", [b"m", b"l", b"M", b"a"])
def test_names_must_rise(first, add, name: bytes) -> None:
    builder, expected = TreeBuilder(), TreeBuilder()
    for one in (builder, expected):
        first(one, b"m")
    with pytest.raises(InputError, match="names must rise"):
        add(builder, name)
    for one in (builder, expected):
        add(one, b"ma")
        add(one, b"\xff")
    assert builder.finish() == expected.finish(), "what was refused left a trace"


def test_names_in_another_directory_have_their_own_order() -> None:
    builder = TreeBuilder()
    builder.enter(b"d", 0, 0)
    add_file(builder, b"a")
    builder.leave()
    with pytest.raises(InputError, match="names must rise"):
        add_file(builder, b"d")
    add_file(builder, b"e")


@pytest.mark.parametrize(("mode", "mtime_ns"), [(-1, 0), (0o10000, 0), (0, 2**63), (0, -(2**63) - 1)])
def test_modes_and_times_out_of_range_are_refused(mode: int, mtime_ns: int) -> None:
    with pytest.raises(InputError):
        TreeBuilder().file(b"a", mode, mtime_ns, LINK)
    with pytest.raises(InputError):
        TreeBuilder().enter(b"a", mode, mtime_ns)


def test_a_walk_that_does_not_add_up_is_refused() -> None:
    builder = TreeBuilder()
    with pytest.raises(InputError, match="never entered"):
        builder.leave()
    builder.enter(b"d", 0, 0)
    assert builder.depth == 1
    with pytest.raises(InputError, match="ends inside the directory b'd'"):
        builder.finish()


def test_depth_has_a_limit() -> None:
    builder = TreeBuilder()
    for _ in range(MAX_DEPTH):
        builder.enter(b"d", 0, 0)
    with pytest.raises(InputError, match="more than 512 deep"):
        builder.enter(b"d", 0, 0)
    for _ in range(MAX_DEPTH):
        builder.leave()
    assert len(builder.finish()) == 32
