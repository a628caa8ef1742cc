"""A stored tree in order: a directory, what lies in it, and the directory once more when it is left."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from dwcp.blocks import MAX_DEPTH, Entry, SubdirectoryEntry
from dwcp.errors import CorruptBlockError, DwcpError
from dwcp.storage.trees.nodes import NodeReader

__all__ = ["LostBelow", "Visit", "walk_tree"]

LostBelow = Callable[[bytes, DwcpError], object]
"""Told of a directory's path and of what cannot be read there; the rest of it is gone through."""


class Visit(Struct, frozen=True):
    """One step of the walk.

    Attributes:
        path: components joined by ``/``, below the outermost directory.
        entry: what lies there.
        is_leaving: whether this is a directory that was gone through.
    """

    path: bytes
    entry: Entry
    is_leaving: bool = False


def walk_tree(
    reader: NodeReader,
    root: bytes,
    lost: LostBelow | None = None,
    passes: Callable[[bytes], bool] = lambda _: False,
    path: bytes = b"",
) -> Iterator[Visit]:
    """Go through a tree. No recursion: trees may be 512 deep.

    Args:
        reader: of its nodes.
        root: id of the outermost directory's node.
        lost: told of what cannot be read; None to raise.
        passes: whether a directory, by its node's id, is neither gone into nor left.
        path: of the one entry to go through; empty for all.

    Raises:
        InputError: there is nothing at the path; raised at once, all else while walking.
        BlockNotFoundError: a node is not here.
        CorruptBlockError: a node is damaged, or directories lie more than 512 deep.
    """

    def inside(path: bytes, node_id: bytes) -> Iterator[Entry]:
        return reader.entries(node_id, None if lost is None else lambda error: lost(path, error))

    entries = iter((reader.at(root, path),)) if path else inside(b"", root)
    return _walk(entries, path.rpartition(b"/")[0], inside, passes)


def _walk(
    outermost: Iterator[Entry],
    above_all: bytes,
    inside: Callable[[bytes, bytes], Iterator[Entry]],
    passes: Callable[[bytes], bool],
) -> Iterator[Visit]:
    levels: list[tuple[Visit | None, Iterator[Entry]]] = [(None, outermost)]
    while levels:
        above, entries = levels[-1]
        entry = next(entries, None)
        if entry is None:
            levels.pop()
            if above is not None:
                yield Visit(above.path, above.entry, is_leaving=True)
            continue
        folder = above_all if above is None else above.path
        visit = Visit(b"%b/%b" % (folder, entry.name) if folder else entry.name, entry)
        yield visit
        if isinstance(entry, SubdirectoryEntry) and not passes(entry.id):
            if len(levels) > MAX_DEPTH:
                raise CorruptBlockError(f"directories lie more than {MAX_DEPTH} deep; the tree is refused")
            levels.append((visit, inside(visit.path, entry.id)))
