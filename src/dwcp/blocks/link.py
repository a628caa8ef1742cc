"""A file's link: what its content is, in 33 bytes."""

from enum import IntEnum

from msgspec import Struct

from dwcp.blocks.names import check_size
from dwcp.codecs import Buffer
from dwcp.errors import InputError

__all__ = ["ID_BYTES", "LINK_BYTES", "NO_ID", "FileLink", "LinkKind"]

ID_BYTES = 32
"""Length of an id."""
LINK_BYTES = 1 + ID_BYTES
"""Length of a file's link."""
NO_ID = bytes(ID_BYTES)
"""Stands in the link of an empty file."""


class LinkKind(IntEnum):
    """What a file's link points to."""

    CHUNK = 0
    """The one chunk that is the whole file."""
    FILE = 1
    """A file node: several chunks, or zero runs."""
    EMPTY = 2
    """Nothing: the file is empty."""


class FileLink(Struct, frozen=True):
    """A file's content, by identity: two files with equal links are equal.

    Attributes:
        kind: what the link points to.
        id: of the chunk or the node, 32 bytes; zeros for an empty file.
        size_bytes: of the file.
    """

    kind: LinkKind
    id: bytes
    size_bytes: int

    def __post_init__(self) -> None:
        """Check that the parts fit each other.

        Raises:
            InputError: the id has not 32 bytes, or the size does not fit the kind.
        """
        check_size(self.size_bytes)
        if len(self.id) != ID_BYTES:
            raise InputError(f"an id has {ID_BYTES} bytes, but a file's link was given {len(self.id)}")
        is_empty = self.kind is LinkKind.EMPTY
        if is_empty != (self.size_bytes == 0) or (is_empty and self.id != NO_ID):
            raise InputError(
                f"a link of the kind {self.kind.name} does not fit a file of {self.size_bytes} bytes "
                f"with the id {self.id.hex()}"
            )

    @classmethod
    def empty(cls) -> "FileLink":
        """The link of an empty file."""
        return cls(LinkKind.EMPTY, NO_ID, 0)

    @classmethod
    def from_bytes(cls, link: Buffer, size_bytes: int) -> "FileLink":
        """Understand a link.

        Args:
            link: as `to_bytes` gave it.
            size_bytes: of the file; a link does not hold it.

        Raises:
            InputError: it is not 33 bytes, of an unknown kind, or does not fit the size.
        """
        whole = bytes(link)
        if len(whole) != LINK_BYTES or whole[0] > max(LinkKind):
            raise InputError(f"a file's link has {LINK_BYTES} bytes, the first of them 0 to {max(LinkKind)}")
        return cls(LinkKind(whole[0]), whole[1:], size_bytes)

    def to_bytes(self) -> bytes:
        """The kind, one byte, then the id."""
        return bytes((self.kind,)) + self.id
