"""What a codec is. Encoding is the codec's; decoding reads from the frame which codec it was."""

from typing import Protocol

from dwcp.codecs.buffers import Buffer
from dwcp.codecs.reference import Reference

__all__ = ["Codec"]


class Codec(Protocol):
    """Turns a plaintext into a stored block. Lossless, without state, usable from many threads at once."""

    @property
    def name(self) -> str:
        """Codec and level, e.g. ``zstd-3``."""
        ...

    @property
    def needs_reference(self) -> bool:
        """Whether ``encode`` must be given a reference; others that have no use for one ignore it."""
        ...

    def encode(self, plain: Buffer, reference: Reference | None = None) -> bytes:
        """Encode one block, framed.

        Args:
            plain: the block; any contiguous buffer.
            reference: what to encode it against.

        Raises:
            InputError: the block is larger than the codec can hold, or a needed reference was not given.
        """
        ...
