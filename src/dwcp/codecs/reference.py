"""References: plaintexts that a block may be encoded against, by id."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from blake3 import blake3
from msgspec import Struct
from msgspec.structs import replace

from dwcp.codecs.buffers import Buffer, byte_view
from dwcp.codecs.frame import Window
from dwcp.errors import InputError

__all__ = ["Reference", "References", "plaintext_id", "window_round", "windows"]


def plaintext_id(plain: Buffer) -> bytes:
    """The id of a plaintext: its BLAKE3, 32 bytes."""
    return blake3(byte_view(plain)).digest()


class Reference(Struct, frozen=True):
    """A plaintext both sides have, or a window of it.

    Attributes:
        id: BLAKE3 of the whole plaintext, also when only a window of it is used.
        plain: the whole plaintext.
        window: the part to encode against; None for all of it.
    """

    id: bytes
    plain: Buffer
    window: Window | None = None

    @classmethod
    def of(cls, plain: Buffer) -> "Reference":
        """The whole plaintext as a reference; its id is computed here, once."""
        return cls(plaintext_id(plain), plain)

    def part(self, window: Window) -> "Reference":
        """The same reference, narrowed to a window of the whole plaintext.

        Raises:
            InputError: the window is not inside the plaintext.
        """
        if not _inside(window, len(byte_view(self.plain))):
            raise InputError(
                f"a window of {window.length_bytes} bytes at {window.offset_bytes} is not inside a reference "
                f"of {len(byte_view(self.plain))} bytes"
            )
        return replace(self, window=window)

    @property
    def view(self) -> memoryview:
        """The bytes to encode against, not copied."""
        whole = byte_view(self.plain)
        if self.window is None:
            return whole
        return whole[self.window.offset_bytes : self.window.offset_bytes + self.window.length_bytes]


class References(Protocol):
    """Where a decoder finds what a block names. ``ReferenceStore`` is the one in memory."""

    def pin(self, reference_id: bytes) -> AbstractContextManager[Reference]:
        """The plaintext with this id, held until the context ends.

        Raises:
            ReferenceMissingError: it is not here.
        """
        ...


def window_round(offset_bytes: int, block_bytes: int, margin_bytes: int, reference_bytes: int) -> Window:
    """The part of the previous version to encode a block against: the same place and a margin on both sides.

    Near the ends the window keeps its size where the reference is long enough: a block beyond the end of
    an object that has grown is encoded against its tail.

    Args:
        offset_bytes: where the block begins in the new version.
        block_bytes: length of the block.
        margin_bytes: how far content may have moved and still be found.
        reference_bytes: length of the previous version.
    """
    length = min(block_bytes + 2 * margin_bytes, reference_bytes)
    start = min(max(offset_bytes - margin_bytes, 0), reference_bytes - length)
    return Window(start, length)


def windows(
    plain: Buffer, reference: Reference, block_bytes: int, margin_bytes: int
) -> Iterator[tuple[memoryview, Reference]]:
    """Cut an object into blocks, each with the window of its previous version round the same offset.

    Yields:
        A block (a view, not a copy) and the reference to encode it against.
    """
    view, reference_bytes = byte_view(plain), len(byte_view(reference.plain))
    for offset in range(0, len(view), block_bytes):
        block = view[offset : offset + block_bytes]
        yield block, reference.part(window_round(offset, len(block), margin_bytes, reference_bytes))


def _inside(window: Window, whole_bytes: int) -> bool:
    return min(window) >= 0 and sum(window) <= whole_bytes
