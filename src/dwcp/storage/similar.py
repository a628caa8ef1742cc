"""The protocol of an index of blocks that are alike. Whoever opens a store brings one, or does without."""

from typing import Any, Protocol

from dwcp.codecs import Buffer
from dwcp.tasks.dedup.contract import Candidate

__all__ = ["SimilarBlocks"]


class SimilarBlocks(Protocol):
    """Finds likely bases. What it says is only where to look: a store checks every block before it uses it.

    `sketch` is called from many threads at once, the rest from one at a time.
    """

    def sketch(self, plain: Buffer) -> Any | None:
        """What a block looks like, for `find` and `add`; None for a block that nothing can be said of."""
        ...

    def find(self, of: Any, after: bytes) -> tuple[Candidate, ...]:
        """Blocks that are alike, the likest first.

        Args:
            of: what the block looks like.
            after: id of the block before it in its file or stream; empty for none.
        """
        ...

    def add(self, block_id: bytes, of: Any, size_bytes: int, base: bytes) -> None:
        """Know a block.

        Args:
            block_id: of the block.
            of: what it looks like.
            size_bytes: of its plaintext.
            base: id of what it is a delta against; empty where it is stored whole.
        """
        ...

    def save(self) -> None:
        """Keep what is known for the next time, as far as that can be done; never raises for the disk."""
        ...
