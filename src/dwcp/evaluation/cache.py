"""A cache of blocks, simulated: what prefetching adds to the hits of plain LRU, and what it wastes.

Least recently used goes first (Mattson et al., "Evaluation techniques for storage hierarchies", 1970). A
prefetched block enters at the recent end, as a read one does; reading it makes it an ordinary block. Reading
takes no time unless ``fetch_accesses`` says how many accesses pass until a prefetched block is there.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from dwcp.errors import InputError

__all__ = ["CacheCounts", "LruCache"]

BlockT = TypeVar("BlockT", bound=Hashable)

_USED = -1


@dataclass(slots=True)
class CacheCounts:
    """What happened in a cache; differences of two counts tell of a stretch of time.

    Attributes:
        accesses: blocks read.
        hits: reads of a block that was there.
        prefetch_hits: of these, reads that found a prefetched block for the first time.
        late_hits: of these, reads that came before the block could have been there.
        fetched: prefetched blocks that were not there yet.
        dropped: of these, blocks that left without being read.
    """

    accesses: int = 0
    hits: int = 0
    prefetch_hits: int = 0
    late_hits: int = 0
    fetched: int = 0
    dropped: int = 0

    def __sub__(self, earlier: "CacheCounts") -> "CacheCounts":
        return CacheCounts(
            self.accesses - earlier.accesses,
            self.hits - earlier.hits,
            self.prefetch_hits - earlier.prefetch_hits,
            self.late_hits - earlier.late_hits,
            self.fetched - earlier.fetched,
            self.dropped - earlier.dropped,
        )

    @property
    def hit_rate(self) -> float:
        """Share of reads that found their block; 0 without reads."""
        return self.hits / self.accesses if self.accesses else 0.0

    @property
    def precision(self) -> float:
        """Of prefetched blocks whose fate is known, the share that was read; 1 where none was fetched."""
        known = self.prefetch_hits + self.dropped
        return self.prefetch_hits / known if known else 1.0

    @property
    def coverage(self) -> float:
        """Of reads that would have missed, the share that found a prefetched block; 0 without such reads."""
        wanted = self.prefetch_hits + self.accesses - self.hits
        return self.prefetch_hits / wanted if wanted else 0.0


class LruCache(Generic[BlockT]):
    """Holds a number of blocks of one size, and counts.

    Args:
        capacity_blocks: how many, at least 1.
        fetch_accesses: how many accesses pass until a prefetched block is there.

    Raises:
        InputError: there is no room for a block.
    """

    def __init__(self, capacity_blocks: int, fetch_accesses: int = 0) -> None:
        if capacity_blocks < 1:
            raise InputError(f"a cache holds one block or more, not {capacity_blocks}")
        self._capacity_blocks = capacity_blocks
        self._fetch_accesses = fetch_accesses
        self._held: OrderedDict[BlockT, int] = OrderedDict()
        self._counts = CacheCounts()

    def __contains__(self, block: BlockT) -> bool:
        return block in self._held

    def __len__(self) -> int:
        return len(self._held)

    def counts(self) -> CacheCounts:
        """A copy of the counts so far."""
        return self._counts - CacheCounts()

    def access(self, block: BlockT) -> bool:
        """Read a block, fetching it if it is not there; whether it was."""
        counts, held = self._counts, self._held
        counts.accesses += 1
        since = held.get(block)
        if since is None:
            self._admit(block, _USED)
            return False
        held.move_to_end(block)
        counts.hits += 1
        if since != _USED:
            held[block] = _USED
            counts.prefetch_hits += 1
            counts.late_hits += counts.accesses - since <= self._fetch_accesses
        return True

    def prefetch(self, block: BlockT) -> bool:
        """Fetch a block that nobody asked for yet, unless it is there; whether it was fetched."""
        if block in self._held:
            return False
        self._counts.fetched += 1
        self._admit(block, self._counts.accesses)
        return True

    def _admit(self, block: BlockT, since: int) -> None:
        self._held[block] = since
        if len(self._held) > self._capacity_blocks:
            self._counts.dropped += self._held.popitem(last=False)[1] != _USED
