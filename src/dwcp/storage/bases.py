"""Choosing what a block is stored as a delta against: candidates are looked for, checked, and tried."""

from typing import Any

from dwcp.codecs import Buffer, Delta
from dwcp.storage.block_store import BlockStore
from dwcp.storage.encoding import Encoded
from dwcp.storage.hints import StorageHints
from dwcp.storage.similar import SimilarBlocks
from dwcp.tasks.dedup.contract import USELESS_SHARE, Candidate, Context, Outcome

__all__ = ["BaseChooser"]

_DELTA = Delta(3)
_WORTH = 0.7
"""A delta is kept where it takes less than this share of what the block takes by itself.

A block that is kept as a delta is no base for its own next version. Measured over series of versions, giving
that up for less than a third costs more than it saves: see docs/decisions/weak-deltas-are-not-kept.md.
"""


class BaseChooser:
    """For the thread that writes."""

    def __init__(self, store: BlockStore, hints: StorageHints, similar: SimilarBlocks) -> None:
        """Take the store, whom it asks, and the index of what it holds."""
        self._store = store
        self._hints = hints
        self._similar = similar

    def encode(
        self, block_id: bytes, plain: Buffer, alone: Encoded, sketch: Any, after: bytes = b""
    ) -> Encoded:
        """A block as it is best stored, known to the index from now on.

        Args:
            block_id: of the block, which the store does not have.
            plain: the block.
            alone: the block by itself.
            sketch: what it looks like.
            after: id of the block before it in its file or stream; empty for none.
        """
        best = alone
        found = self._whole(self._similar.find(sketch, after))
        if found and not self._store.index.is_base(block_id):
            context = Context(block_id, False, len(plain), len(alone.stored), found)
            action = self._hints.deduplication(context)
            tried = [delta for base in action.bases if (delta := self._delta(plain, base)) is not None]
            best = min((alone, *(delta for delta in tried if _is_worth(delta, alone))), key=_stored_bytes)
            self._hints.record_deduplication(context, action, _outcome(tried, alone))
        self._similar.add(block_id, sketch, len(plain), best.base)
        return best

    def _whole(self, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        """Those that the store has, and not as deltas."""
        entries = zip(candidates, (self._store.entry_of(one.base) for one in candidates), strict=True)
        return tuple(candidate for candidate, entry in entries if entry is not None and not entry.base)

    def _delta(self, plain: Buffer, base_id: bytes) -> Encoded | None:
        """A delta; None where its base is not sound."""
        base = self._store.base_for(base_id)
        return None if base is None else Encoded(_DELTA.encode(plain, base), _DELTA.name, base_id)


def _stored_bytes(encoded: Encoded) -> int:
    return len(encoded.stored)


def _is_worth(delta: Encoded, alone: Encoded) -> bool:
    return len(delta.stored) < _WORTH * len(alone.stored)


def _outcome(tried: list[Encoded], alone: Encoded) -> Outcome:
    sizes = [len(delta.stored) for delta in tried]
    useless = sum(size >= USELESS_SHARE * len(alone.stored) for size in sizes)
    return Outcome(len(alone.stored), min(sizes, default=None), len(sizes), useless)
