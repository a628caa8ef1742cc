"""The codec ``none``: the block as it is, framed."""

from msgspec import Struct

from dwcp.codecs.buffers import Buffer, byte_view
from dwcp.codecs.frame import BlockKind, pack
from dwcp.codecs.reference import Reference

__all__ = ["Uncompressed"]


class Uncompressed(Struct, frozen=True):
    """For blocks that do not compress and links faster than any codec."""

    @property
    def name(self) -> str:
        """``none``."""
        return "none"

    @property
    def needs_reference(self) -> bool:
        """Never."""
        return False

    def encode(self, plain: Buffer, reference: Reference | None = None) -> bytes:  # noqa: ARG002
        """Frame the block; a reference is of no use here."""
        view = byte_view(plain)
        return pack(BlockKind.NONE, view, view)
