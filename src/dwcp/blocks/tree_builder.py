"""Builds the node of a tree, and its root id, from entries in walk order."""

from blake3 import blake3

from dwcp.blocks.canonical import to_canonical
from dwcp.blocks.entries import Entry, FileEntry, SubdirectoryEntry, SymlinkEntry
from dwcp.blocks.link import FileLink
from dwcp.blocks.names import check_mode, check_mtime, check_name
from dwcp.blocks.nodes import DirectoryNode
from dwcp.blocks.pages import Pager, Put
from dwcp.errors import InputError

__all__ = ["MAX_DEPTH", "TreeBuilder"]

MAX_DEPTH = 512
"""Directories inside one another."""


class TreeBuilder:
    """A tree in walk order: names rise as bytes, and each directory is entered where it stands.

    It begins in the outermost directory, which has no name, mode or time of its own. Memory is bounded: one
    page a level and open directory, however many entries there are.
    """

    def __init__(self, put: Put | None = None) -> None:
        """Begin an empty tree.

        Args:
            put: takes each directory node's id and bytes, children before their parents; None to have the
                root id alone. File nodes come from a `FileBuilder`.
        """
        self._put = put
        self._open = [_OpenDirectory(b"", 0, 0, put)]

    @property
    def depth(self) -> int:
        """How many directories were entered and not left."""
        return len(self._open) - 1

    def enter(self, name: bytes, mode: int, mtime_ns: int) -> None:
        """Begin a directory; what follows lies in it until `leave`.

        Raises:
            InputError: a name that is refused or out of order, a mode or time out of range, or too deep.
        """
        check_name(name)
        check_mode(mode)
        check_mtime(mtime_ns)
        if self.depth == MAX_DEPTH:
            raise InputError(
                f"directories lie more than {MAX_DEPTH} deep in one another; this is not supported"
            )
        self._open[-1].claim(name)
        self._open.append(_OpenDirectory(name, mode, mtime_ns, self._put))

    def leave(self) -> None:
        """End the innermost directory.

        Raises:
            InputError: none was entered.
        """
        if self.depth == 0:
            raise InputError("a directory was left that was never entered; the walk is broken")
        done = self._open.pop()
        self._open[-1].append(SubdirectoryEntry(done.name, done.mode, done.mtime_ns, done.pager.finish()))

    def file(self, name: bytes, mode: int, mtime_ns: int, link: FileLink) -> None:
        """Add a regular file.

        Raises:
            InputError: a name that is refused or out of order, or a mode or time out of range.
        """
        self._add(FileEntry(name, mode, mtime_ns, link))

    def symlink(self, name: bytes, target: bytes, mtime_ns: int) -> None:
        """Add a symbolic link.

        Raises:
            InputError: a name or target that is refused, a name out of order, or a time out of range.
        """
        self._add(SymlinkEntry(name, mtime_ns, target))

    def finish(self) -> bytes:
        """The root id: of the outermost directory's node. Nothing may be added any more.

        Raises:
            InputError: a directory was entered and not left.
        """
        if self.depth:
            raise InputError(
                f"the tree ends inside the directory {self._open[-1].name!r}; the walk is broken"
            )
        return self._open[0].pager.finish()

    def _add(self, entry: Entry) -> None:
        self._open[-1].claim(entry.name)
        self._open[-1].append(entry)


class _OpenDirectory:
    """A directory that entries are still added to."""

    __slots__ = ("_last_name", "mode", "mtime_ns", "name", "pager")

    def __init__(self, name: bytes, mode: int, mtime_ns: int, put: Put | None) -> None:
        self.name = name
        self.mode = mode
        self.mtime_ns = mtime_ns
        self.pager: Pager[bytes] = Pager(DirectoryNode.TAG, b"", _later, put)
        self._last_name = b""

    def claim(self, name: bytes) -> None:
        """Take a name as the next in order; raises InputError where it is not."""
        if name <= self._last_name:
            raise InputError(
                f"the name {name!r} follows {self._last_name!r}: names must rise as bytes, none twice"
            )
        self._last_name = name

    def append(self, entry: Entry) -> None:
        """Add an entry whose name was claimed."""
        ends_page = blake3(entry.name).digest()[0] == 0
        self.pager.add(to_canonical(entry.to_fields()), ends_page, entry.name)


def _later(_: bytes, name: bytes) -> bytes:
    return name
