"""What stands in a node: parts of a file, entries of a directory, and their canonical form."""

from typing import ClassVar, TypeAlias

from msgspec import Struct

from dwcp.blocks.canonical import fields
from dwcp.blocks.link import ID_BYTES, FileLink
from dwcp.blocks.names import check_mode, check_mtime, check_name, check_size, check_target
from dwcp.blocks.zeros import ZERO_RUN_BYTES
from dwcp.errors import CorruptBlockError, InputError

__all__ = [
    "ChildPage",
    "Entry",
    "FileEntry",
    "FilePart",
    "SubdirectoryEntry",
    "SymlinkEntry",
    "ZeroRun",
    "check_id",
    "entry_of",
    "part_of",
]


class FilePart(Struct, frozen=True):
    """A chunk, or a page of a file's long list.

    Attributes:
        size_bytes: of the chunk, or of all that the page stands for.
        id: of the chunk or the page.
    """

    size_bytes: int
    id: bytes

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            InputError: one is out of range.
        """
        check_id(self.id)
        check_size(self.size_bytes)
        if self.size_bytes == 0:
            raise InputError("a part of a file has at least one byte, but one of none was given")

    def to_fields(self) -> list[object]:
        """The canonical form, before encoding."""
        return [self.size_bytes, self.id]


class ZeroRun(Struct, frozen=True):
    """Zeros in a file.

    Attributes:
        length_bytes: a multiple of `ZERO_RUN_BYTES`.
    """

    length_bytes: int

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            InputError: one is out of range.
        """
        check_size(self.length_bytes)
        if self.length_bytes == 0 or self.length_bytes % ZERO_RUN_BYTES:
            raise InputError(f"a zero run is a multiple of {ZERO_RUN_BYTES} bytes, not {self.length_bytes}")

    def to_fields(self) -> int:
        """The canonical form, before encoding."""
        return self.length_bytes


class FileEntry(Struct, frozen=True):
    """A regular file in a directory.

    Attributes:
        name: one path component.
        mode: permission bits, 0 to 0o7777.
        mtime_ns: last change, since 1970; may be negative.
        link: its content.
    """

    KIND: ClassVar[int] = 0
    name: bytes
    mode: int
    mtime_ns: int
    link: FileLink

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            InputError: one is out of range.
        """
        check_name(self.name)
        check_mode(self.mode)
        check_mtime(self.mtime_ns)

    def to_fields(self) -> list[object]:
        """The canonical form, before encoding."""
        link = self.link
        return [self.name, self.KIND, self.mode, self.mtime_ns, link.size_bytes, link.to_bytes()]


class SubdirectoryEntry(Struct, frozen=True):
    """A directory in a directory.

    Attributes:
        name: one path component.
        mode: permission bits, 0 to 0o7777.
        mtime_ns: last change, since 1970; may be negative.
        id: of its node.
    """

    KIND: ClassVar[int] = 1
    name: bytes
    mode: int
    mtime_ns: int
    id: bytes

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            InputError: one is out of range.
        """
        check_name(self.name)
        check_mode(self.mode)
        check_mtime(self.mtime_ns)
        check_id(self.id)

    def to_fields(self) -> list[object]:
        """The canonical form, before encoding."""
        return [self.name, self.KIND, self.mode, self.mtime_ns, self.id]


class SymlinkEntry(Struct, frozen=True):
    """A symbolic link in a directory.

    Attributes:
        name: one path component.
        mtime_ns: last change, since 1970; may be negative.
        target: what it points to, never followed.
    """

    KIND: ClassVar[int] = 2
    name: bytes
    mtime_ns: int
    target: bytes

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            InputError: one is out of range.
        """
        check_name(self.name)
        check_mtime(self.mtime_ns)
        check_target(self.target)

    def to_fields(self) -> list[object]:
        """The canonical form, before encoding."""
        return [self.name, self.KIND, self.mtime_ns, self.target]


class ChildPage(Struct, frozen=True):
    """A page of a big directory.

    Attributes:
        last_name: of the entries that the page stands for.
        id: of the page.
    """

    last_name: bytes
    id: bytes

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            InputError: one is out of range.
        """
        check_name(self.last_name)
        check_id(self.id)

    @property
    def name(self) -> bytes:
        """What the order of pages goes by."""
        return self.last_name

    def to_fields(self) -> list[object]:
        """The canonical form, before encoding."""
        return [self.last_name, self.id]


Entry: TypeAlias = FileEntry | SubdirectoryEntry | SymlinkEntry
"""Anything that has a name in a directory."""


def check_id(block_id: bytes) -> None:
    """Refuse what is no id.

    Raises:
        InputError: it has not 32 bytes.
    """
    if len(block_id) != ID_BYTES:
        raise InputError(f"an id has {ID_BYTES} bytes, but one of {len(block_id)} was given")


def part_of(value: object) -> FilePart | ZeroRun:
    """Understand one item of a file node.

    Raises:
        CorruptBlockError: it is neither form.
        InputError: a field is out of range.
    """
    if type(value) is int:
        return ZeroRun(value)
    return FilePart(*fields(value, int, bytes))


def entry_of(value: object) -> Entry:
    """Understand one item of a directory node of level 0.

    Raises:
        CorruptBlockError: it is none of the forms.
        InputError: a field is out of range.
    """
    kind = value[1] if isinstance(value, list) and len(value) > 1 and type(value[1]) is int else None
    if kind == FileEntry.KIND:
        name, _, mode, mtime_ns, size_bytes, link = fields(value, bytes, int, int, int, int, bytes)
        return FileEntry(name, mode, mtime_ns, FileLink.from_bytes(link, size_bytes))
    if kind == SubdirectoryEntry.KIND:
        name, _, mode, mtime_ns, node_id = fields(value, bytes, int, int, int, bytes)
        return SubdirectoryEntry(name, mode, mtime_ns, node_id)
    if kind == SymlinkEntry.KIND:
        name, _, mtime_ns, target = fields(value, bytes, int, int, bytes)
        return SymlinkEntry(name, mtime_ns, target)
    raise CorruptBlockError("a directory has an entry of no known kind; it is damaged, or of a newer version")
