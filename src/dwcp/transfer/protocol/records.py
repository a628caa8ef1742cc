"""Records of the catalogue: the sender's tree in walk order.

A walk goes through a directory's entries in the order of their names as bytes, and into each directory where
it stands. The root comes first. A file's chunks follow its record; each chunk gets the next sequence number
of the session, zero runs get none.
"""

from typing import TypeAlias

from msgspec import Struct

__all__ = [
    "Chunks",
    "EndDirectory",
    "EndFile",
    "EnterDirectory",
    "File",
    "Keep",
    "Record",
    "Retract",
    "Symlink",
    "Zeros",
]


class EnterDirectory(Struct, frozen=True):
    """A directory begins; what follows lies in it."""

    name: bytes
    mode: int
    mtime_ns: int


class EndDirectory(Struct, frozen=True):
    """The innermost directory is complete."""


class File(Struct, frozen=True):
    """A regular file begins.

    Attributes:
        name: one path component.
        mode: permission bits, 0 to 0o7777.
        mtime_ns: last change.
        size_bytes: as the sender's system told before reading.
    """

    name: bytes
    mode: int
    mtime_ns: int
    size_bytes: int


class Chunks(Struct, frozen=True):
    """The next chunks of the file.

    Attributes:
        ids: 32 bytes each, one after the other.
        lengths: plain bytes of each.
    """

    ids: bytes
    lengths: tuple[int, ...]


class Zeros(Struct, frozen=True):
    """The next bytes of the file are zeros: a run that is a multiple of 1 MiB, at such an offset."""

    length_bytes: int


class EndFile(Struct, frozen=True):
    """The file is complete: it was read to its end and did not change meanwhile."""


class Keep(Struct, frozen=True):
    """A regular file that the receiver already has, as LISTING told: mode and time may differ.

    Attributes:
        name: one path component.
        mode: permission bits.
        mtime_ns: last change.
        size_bytes: of the file.
        content: as LISTING told.
    """

    name: bytes
    mode: int
    mtime_ns: int
    size_bytes: int
    content: bytes


class Retract(Struct, frozen=True):
    """The file that has begun changed while it was read: forget it. Its chunks' numbers stay used."""


class Symlink(Struct, frozen=True):
    """A symbolic link.

    Attributes:
        name: one path component.
        target: what it points to, never followed.
        mtime_ns: last change.
    """

    name: bytes
    target: bytes
    mtime_ns: int


Record: TypeAlias = EnterDirectory | EndDirectory | File | Chunks | Zeros | EndFile | Keep | Retract | Symlink
"""One line of the catalogue."""
