"""Following links: every node is held against what the one above says of it."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from dwcp.blocks import (
    ChildPage,
    DirectoryNode,
    Entry,
    FileEntry,
    FileLink,
    FileNode,
    FilePart,
    LinkKind,
    Node,
    SnapshotNode,
    SubdirectoryEntry,
    ZeroRun,
    decode_node,
)
from dwcp.errors import CorruptBlockError, DwcpError, InputError
from dwcp.storage.packs import StoredKind

__all__ = ["Lost", "NodeReader", "links"]

Lost = Callable[[DwcpError], object]
"""Told of a node that cannot be read; what it stands for is passed over."""
N = TypeVar("N", FileNode, DirectoryNode)


class NodeReader:
    """Reads nodes. Memory is bounded by a page a level, however long a list is."""

    def __init__(self, get: Callable[[bytes], bytes]) -> None:
        """Take what gives the bytes of a block that has the id it is asked for by."""
        self._get = get

    def node(self, node_id: bytes) -> Node:
        """One node.

        Raises:
            BlockNotFoundError: it is not here.
            CorruptBlockError: it is damaged, or no node.
        """
        return decode_node(self._get(node_id))

    def root_of(self, tree_id: bytes) -> bytes:
        """The root id of a snapshot, or of a tree whose root id this is.

        Raises:
            InputError: it is neither.
            BlockNotFoundError: it is not here.
            CorruptBlockError: it is damaged, or no node.
        """
        node = self.node(tree_id)
        if isinstance(node, SnapshotNode):
            return node.root
        if isinstance(node, DirectoryNode):
            return tree_id
        raise InputError(f"{tree_id.hex()} is neither a snapshot nor a tree; list the snapshots")

    def entries(self, directory_id: bytes, lost: Lost | None = None) -> Iterator[Entry]:
        """A directory's entries in order, through all its pages.

        Args:
            directory_id: of its node.
            lost: told of pages that cannot be read; None to raise.

        Raises:
            BlockNotFoundError: a page is not here.
            CorruptBlockError: a page is damaged, or not what the one above says.
        """
        pages: list[tuple[bytes, int | None, bytes | None]] = [(directory_id, None, None)]
        name = b""
        while pages:
            page_id, level, last_name = pages.pop()
            try:
                page = self._page(DirectoryNode, page_id, level)
                _check_names(page, name, last_name)
            except DwcpError as error:
                if lost is None:
                    raise
                lost(error)
                continue
            for entry in page.entries:
                if not isinstance(entry, ChildPage):
                    name = entry.name
                    yield entry
            pages += [
                (entry.id, page.level - 1, entry.last_name)
                for entry in reversed(page.entries)
                if isinstance(entry, ChildPage)
            ]

    def find(self, directory_id: bytes, name: bytes) -> Entry | None:
        """The entry of a name, by the pages that lead to it alone; None where there is none.

        Raises:
            BlockNotFoundError: a page is not here.
            CorruptBlockError: a page is damaged, or not what the one above says.
        """
        page = self._page(DirectoryNode, directory_id, None)
        while page.level:
            child = next((entry for entry in page.entries if entry.name >= name), None)
            if not isinstance(child, ChildPage):
                return None
            level = page.level - 1
            page = self._page(DirectoryNode, child.id, level)
            _check_names(page, b"", child.last_name)
        for entry in page.entries:
            if entry.name == name and not isinstance(entry, ChildPage):
                return entry
        return None

    def at(self, directory_id: bytes, path: bytes) -> Entry:
        """What lies at a path below a directory.

        Args:
            directory_id: of its node.
            path: components joined by ``/``.

        Raises:
            InputError: there is nothing at the path.
            BlockNotFoundError: a node is not here.
            CorruptBlockError: a node is damaged, or not what the one above says.
        """
        entry: Entry | None = None
        below: bytes | None = directory_id
        for name in path.split(b"/"):
            entry = None if below is None else self.find(below, name)
            below = entry.id if isinstance(entry, SubdirectoryEntry) else None
        if entry is None:
            shown = path.decode("utf-8", "backslashreplace")
            raise InputError(f"there is nothing at {shown} in this tree; list what lies above it")
        return entry

    def parts(self, link: FileLink, lost: Lost | None = None) -> Iterator[FilePart | ZeroRun]:
        """A file's chunks and zero runs in order, through all its pages.

        Args:
            link: of the file.
            lost: told of pages that cannot be read; None to raise.

        Raises:
            BlockNotFoundError: a page is not here.
            CorruptBlockError: a page is damaged, or not what the link or the page above says.
        """
        if link.kind is LinkKind.CHUNK:
            yield FilePart(link.size_bytes, link.id)
        if link.kind is not LinkKind.FILE:
            return
        pages: list[tuple[bytes, int | None, int]] = [(link.id, None, link.size_bytes)]
        while pages:
            page_id, level, size_bytes = pages.pop()
            try:
                page = self._page(FileNode, page_id, level)
                _check_size(page, size_bytes)
            except DwcpError as error:
                if lost is None:
                    raise
                lost(error)
                continue
            if page.level == 0:
                yield from page.parts
                continue
            pages += [
                (part.id, page.level - 1, part.size_bytes)
                for part in reversed(page.parts)
                if isinstance(part, FilePart)
            ]

    def _page(self, kind: type[N], page_id: bytes, level: int | None) -> N:
        page = self.node(page_id)
        if not isinstance(page, kind) or (level is not None and page.level != level):
            raise CorruptBlockError(f"node {page_id.hex()} is not of the kind and level that links to it say")
        return page


def links(node: Node) -> Iterator[tuple[StoredKind, bytes]]:
    """What a node links to: kind and id."""
    if isinstance(node, SnapshotNode):
        yield StoredKind.NODE, node.root
    elif isinstance(node, FileNode):
        kind = StoredKind.NODE if node.level else StoredKind.CHUNK
        yield from ((kind, part.id) for part in node.parts if isinstance(part, FilePart))
    else:
        for entry in node.entries:
            if isinstance(entry, (ChildPage, SubdirectoryEntry)):
                yield StoredKind.NODE, entry.id
            elif isinstance(entry, FileEntry) and entry.link.kind is not LinkKind.EMPTY:
                is_chunk = entry.link.kind is LinkKind.CHUNK
                yield StoredKind.CHUNK if is_chunk else StoredKind.NODE, entry.link.id


def _check_names(page: DirectoryNode, after: bytes, last_name: bytes | None) -> None:
    if last_name is not None and page.entries[-1].name != last_name:
        raise CorruptBlockError("a page of a directory does not end with the name that links to it say")
    if page.entries and page.entries[0].name <= after:
        raise CorruptBlockError("a page of a directory begins with a name that is not after the last one's")


def _check_size(page: FileNode, size_bytes: int) -> None:
    if page.size_bytes != size_bytes:
        raise CorruptBlockError(
            f"a page of a file stands for {page.size_bytes} bytes where {size_bytes} are said to be"
        )
