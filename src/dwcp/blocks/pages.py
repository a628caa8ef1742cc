"""Paging: long lists become nodes of bounded size, cut by content, so that a small change changes few.

The rule is that of content-defined chunking, with entries in place of bytes: whether a page ends after an
entry depends on that entry, so an insertion moves few other pages' ends. See ``docs/reference/blocks.md``.
"""

from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

from dwcp.blocks.canonical import array_head, to_canonical
from dwcp.codecs import plaintext_id

__all__ = ["PAGE_BYTES", "PAGE_ENTRIES_MIN", "Pager", "Put"]

PAGE_ENTRIES_MIN = 16
"""A page of fewer entries does not end by their keys."""
PAGE_BYTES = 64 * 1024
"""A page ends with the entry that makes its entries so long, whatever the key."""

Put: TypeAlias = Callable[[bytes, bytes], object]
"""Takes a node's id and bytes, children before their parents."""
S = TypeVar("S", int, bytes)


class Pager(Generic[S]):
    """Turns a list of any length into pages, pages of pages, and one root. One page a level is in memory.

    Each page is told to the level above by a summary, what its entries amount to, and its id.
    """

    def __init__(self, tag: str, nothing: S, combine: Callable[[S, S], S], put: Put | None) -> None:
        """Begin an empty list.

        Args:
            tag: names the kind of node.
            nothing: the summary of no entries.
            combine: the summary of two neighbours.
            put: takes each node; None to have the root's id alone.
        """
        self._tag = to_canonical(tag)
        self._nothing: S = nothing
        self._combine: Callable[[S, S], S] = combine
        self._put = put
        self._levels: list[_OpenPage[S]] = [_OpenPage(nothing)]

    def add(self, entry: bytes, ends_page: bool, summary: S) -> None:
        """Append an entry.

        Args:
            entry: in canonical CBOR.
            ends_page: whether its key begins with a zero byte.
            summary: of this entry.
        """
        self._add(0, entry, ends_page, summary)

    def finish(self) -> bytes:
        """The root's id; nothing may be added any more."""
        level = 0
        while level + 1 < len(self._levels):
            if self._levels[level].count:
                self._close(level)
            level += 1
        top = self._levels[level]
        return top.last_id if level > 0 and top.count == 1 else self._node(level)

    def _add(self, level: int, entry: bytes, ends_page: bool, summary: S) -> None:
        page = self._levels[level]
        page.entries += entry
        page.count += 1
        page.summary = self._combine(page.summary, summary)
        if (ends_page and page.count >= PAGE_ENTRIES_MIN) or len(page.entries) >= PAGE_BYTES:
            self._close(level)

    def _close(self, level: int) -> None:
        summary, node_id = self._levels[level].summary, self._node(level)
        self._levels[level] = _OpenPage(self._nothing)
        if level + 1 == len(self._levels):
            self._levels.append(_OpenPage(self._nothing))
        self._levels[level + 1].last_id = node_id
        self._add(level + 1, to_canonical([summary, node_id]), node_id[0] == 0, summary)

    def _node(self, level: int) -> bytes:
        page = self._levels[level]
        head = array_head(3) + self._tag + to_canonical(level) + array_head(page.count)
        node = head + page.entries
        node_id = plaintext_id(node)
        if self._put is not None:
            self._put(node_id, node)
        return node_id


class _OpenPage(Generic[S]):
    """A page that entries are still added to."""

    __slots__ = ("count", "entries", "last_id", "summary")

    def __init__(self, summary: S) -> None:
        self.entries = bytearray()
        self.count = 0
        self.summary: S = summary
        self.last_id = b""
