"""Nodes: files, directories and snapshots as canonical CBOR whose links are ids.

The id of a node is the BLAKE3 of its bytes, so a root's id commits to everything below it. The format is
written down in ``docs/reference/blocks.md``. Depth and parents are derived, never stored.
"""

from itertools import pairwise
from typing import ClassVar, TypeAlias

from msgspec import Struct

from dwcp.blocks.canonical import fields, from_canonical, to_canonical
from dwcp.blocks.chunking import MAX_CHUNK_BYTES
from dwcp.blocks.entries import ChildPage, Entry, FilePart, ZeroRun, check_id, entry_of, part_of
from dwcp.blocks.names import check_size
from dwcp.codecs import Buffer
from dwcp.errors import CorruptBlockError, InputError

__all__ = [
    "MAX_NODE_BYTES",
    "DirectoryNode",
    "FileNode",
    "Node",
    "SnapshotNode",
    "decode_node",
    "encode_node",
]

MAX_NODE_BYTES = 128 * 1024
"""No node is longer."""
_MAX_LEVEL = 31
_MAX_TEXT_BYTES = 255
_MAX_TAGS = 256


class FileNode(Struct, frozen=True):
    """A file's content, or a page of it.

    Attributes:
        level: 0 where the parts are chunks and zero runs; else they are pages of the level below.
        parts: in order, at least one.
    """

    TAG: ClassVar[str] = "file/1"
    level: int
    parts: tuple[FilePart | ZeroRun, ...]

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            InputError: one is out of range or out of order.
        """
        _check_level(self.level)
        if not self.parts:
            raise InputError("a file node has at least one part, but was given none")
        check_size(self.size_bytes)
        if self.level > 0 and any(isinstance(part, ZeroRun) for part in self.parts):
            raise InputError("a file node above level 0 has pages alone, but was given a zero run")
        if self.level == 0:
            _check_leaf(self.parts)

    @property
    def size_bytes(self) -> int:
        """Of what the node stands for."""
        return sum(part.length_bytes if isinstance(part, ZeroRun) else part.size_bytes for part in self.parts)

    def to_fields(self) -> list[object]:
        """The canonical form, before encoding."""
        return [self.TAG, self.level, [part.to_fields() for part in self.parts]]


class DirectoryNode(Struct, frozen=True):
    """A directory, or a page of one.

    Attributes:
        level: 0 where the entries are files, directories and links; else they are pages of the level below.
        entries: in the order of their names as bytes; none only in an empty directory.
    """

    TAG: ClassVar[str] = "directory/1"
    level: int
    entries: tuple[Entry, ...] | tuple[ChildPage, ...]

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            InputError: one is out of range or out of order.
        """
        _check_level(self.level)
        if any(isinstance(entry, ChildPage) != (self.level > 0) for entry in self.entries):
            raise InputError(f"a directory node of level {self.level} was given entries of another level")
        if self.level > 0 and not self.entries:
            raise InputError("a directory node above level 0 has at least one page, but was given none")
        if any(a.name >= b.name for a, b in pairwise(self.entries)):
            raise InputError("a directory's names must rise, and none may occur twice; these do not")

    def to_fields(self) -> list[object]:
        """The canonical form, before encoding."""
        return [self.TAG, self.level, [entry.to_fields() for entry in self.entries]]


class SnapshotNode(Struct, frozen=True):
    """A tree as it stood at a time.

    Attributes:
        root: id of the outermost directory node.
        time_ns: since 1970; may be negative.
        host: where it was taken; may be empty.
        tags: in order, none twice.
    """

    TAG: ClassVar[str] = "snapshot/1"
    root: bytes
    time_ns: int
    host: str
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            InputError: one is out of range or out of order.
        """
        check_id(self.root)
        if not -(2**63) <= self.time_ns < 2**63:
            raise InputError(
                f"a snapshot's time must fit a signed number of 64 bits, but is {self.time_ns} ns"
            )
        for text in (self.host, *self.tags):
            _check_text(text)
        if len(self.tags) > _MAX_TAGS:
            raise InputError(f"a snapshot has at most {_MAX_TAGS} tags, but was given {len(self.tags)}")
        if any(a.encode() >= b.encode() for a, b in pairwise(self.tags)):
            raise InputError("a snapshot's tags must rise as UTF-8, and none may occur twice; these do not")

    def to_fields(self) -> list[object]:
        """The canonical form, before encoding."""
        return [self.TAG, self.root, self.time_ns, self.host, list(self.tags)]


Node: TypeAlias = FileNode | DirectoryNode | SnapshotNode
"""Anything that is linked by id and has links of its own."""


def encode_node(node: Node) -> bytes:
    """The canonical bytes of a node; its id is their `dwcp.codecs.plaintext_id`.

    Raises:
        InputError: it would be longer than a node may be.
    """
    data = to_canonical(node.to_fields())
    if len(data) > MAX_NODE_BYTES:
        raise InputError(f"a node has {len(data)} bytes, more than {MAX_NODE_BYTES}: split it into pages")
    return data


def decode_node(data: Buffer) -> Node:
    """Understand the bytes of a node.

    Raises:
        CorruptBlockError: too long, not canonical, of no known kind, out of limits, or out of order.
    """
    if len(data) > MAX_NODE_BYTES:
        raise CorruptBlockError(
            f"a node of {len(data)} bytes is refused: at most {MAX_NODE_BYTES} are accepted"
        )
    value = from_canonical(data)
    try:
        return _node_of(value)
    except InputError as error:
        raise CorruptBlockError(f"a node is damaged: {error}") from error


def _node_of(value: object) -> Node:
    tag = value[0] if isinstance(value, list) and value else None
    if tag == FileNode.TAG:
        _, level, parts = fields(value, str, int, list)
        return FileNode(level, tuple(map(part_of, parts)))
    if tag == DirectoryNode.TAG:
        _, level, entries = fields(value, str, int, list)
        if level > 0:
            return DirectoryNode(level, tuple(ChildPage(*fields(page, bytes, bytes)) for page in entries))
        return DirectoryNode(level, tuple(map(entry_of, entries)))
    if tag == SnapshotNode.TAG:
        _, root, time_ns, host, tags = fields(value, str, bytes, int, str, list)
        return SnapshotNode(root, time_ns, host, tuple(fields(tags, *[str] * len(tags))))
    raise CorruptBlockError("a node is of no known kind; it is damaged, or of a newer version")


def _check_level(level: int) -> None:
    if not 0 <= level <= _MAX_LEVEL:
        raise InputError(f"a node's level is 0 to {_MAX_LEVEL}, but is {level}")


def _check_leaf(parts: tuple[FilePart | ZeroRun, ...]) -> None:
    if any(isinstance(part, FilePart) and part.size_bytes > MAX_CHUNK_BYTES for part in parts):
        raise InputError(f"a chunk has at most {MAX_CHUNK_BYTES} bytes, but a file node has a longer one")
    if any(isinstance(a, ZeroRun) and isinstance(b, ZeroRun) for a, b in pairwise(parts)):
        raise InputError("a file node has two zero runs side by side, which are one")


def _check_text(text: str) -> None:
    try:
        length = len(text.encode())
    except UnicodeEncodeError as error:
        raise InputError("a snapshot's host and tags are UTF-8 texts; these cannot be encoded") from error
    if length > _MAX_TEXT_BYTES:
        raise InputError(f"a snapshot's host and tags have at most {_MAX_TEXT_BYTES} bytes; one has {length}")
