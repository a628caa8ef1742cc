"""Blocks that lie here, and not in the destination's files: those of a store."""

from typing import Protocol

__all__ = ["BlockSource"]


class BlockSource(Protocol):
    """Where plaintexts may be had by their ids. Called from several threads; ``dwcp.storage.Store`` is one.

    It is a help and no more: what it gives is held against its id, and what it does not give is sent.
    """

    def has(self, block_id: bytes) -> bool:
        """Whether there is such a block.

        Raises:
            DwcpError: that cannot be said; it is taken for no.
        """
        ...

    def get_block(self, block_id: bytes) -> bytes:
        """Its plaintext.

        Raises:
            DwcpError: it cannot be had.
        """
        ...
