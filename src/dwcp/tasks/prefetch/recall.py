"""What came after the last time that the present came: long repeated sequences, each stored once.

The reads are kept in one ring with an index of where each block, and each pair of blocks, came last. How many
reads before that place equal the latest ones tells how sure the recollection is (temporal streaming: Wenisch
et al., ISCA 2005; prediction by the longest match: Ehrenfeucht and Mycielski, 1992).
"""

from collections.abc import Iterator

from dwcp.tasks.prefetch.candidate import Candidate
from dwcp.tasks.prefetch.contract import MOST_BLOCKS, Block

__all__ = ["Recall", "RecallState"]

RecallState = tuple[list[Block], int]

_LONGEST_MATCH = 8
_MATCH_CLASSES = (0, 0, 1, 2, 2, 3, 3, 3, 4)


class Recall:
    """Remembers so many reads, and what followed where.

    Args:
        capacity: how many reads are remembered.
    """

    def __init__(self, capacity: int = 1 << 16) -> None:
        self._capacity = capacity
        self._forget_all(0)

    def __len__(self) -> int:
        return len(self._ring)

    def learn(self, block: Block) -> list[Candidate]:
        """Take in the next read; what followed when it came before."""
        before = self._last.get(block)
        pair = (self._at(self._count - 1), block) if self._ring else None
        pair_before = None if pair is None else self._last_pair.get(pair)
        self._store(block, pair)
        if before is None:
            return []
        places = [before] if pair_before in (None, before) else [pair_before, before]
        found: dict[Block, Candidate] = {}
        for rank, place in enumerate(places):
            kind = rank if len(places) > 1 else 2
            for candidate in self._after(place, kind):
                found.setdefault(candidate.block, candidate)
        found.pop(block, None)
        return list(found.values())

    def snapshot(self) -> RecallState:
        """The remembered reads, oldest first, and how many there ever were."""
        kept = len(self._ring)
        return [self._at(place) for place in range(self._count - kept, self._count)], self._count

    def restore(self, state: RecallState) -> None:
        """Continue from a snapshot."""
        blocks, count = state
        self._forget_all(count - len(blocks))
        for block in blocks:
            self.learn(block)

    def _after(self, place: int, kind: int) -> Iterator[Candidate]:
        match = _MATCH_CLASSES[self._match(place)]
        for depth in range(1, min(MOST_BLOCKS, self._count - 1 - place) + 1):
            yield Candidate(self._at(place + depth), ("recall", kind, match, depth))

    def _match(self, place: int) -> int:
        """How many reads up to this place equal the latest ones, `_LONGEST_MATCH` at most."""
        oldest, newest = self._count - len(self._ring), self._count - 1
        length = 1
        while (
            length < _LONGEST_MATCH
            and place - length >= oldest
            and self._at(place - length) == self._at(newest - length)
        ):
            length += 1
        return length

    def _at(self, place: int) -> Block:
        return self._ring[(place - self._first) % self._capacity]

    def _store(self, block: Block, pair: tuple[Block, Block] | None) -> None:
        place = self._count
        if len(self._ring) < self._capacity:
            self._ring.append(block)
        else:
            self._forget(place - self._capacity)
            self._ring[(place - self._first) % self._capacity] = block
        self._last[block] = place
        if pair is not None:
            self._last_pair[pair] = place
        self._count += 1

    def _forget_all(self, count: int) -> None:
        self._ring: list[Block] = []
        self._first = self._count = count
        self._last: dict[Block, int] = {}
        self._last_pair: dict[tuple[Block, Block], int] = {}

    def _forget(self, place: int) -> None:
        """Drop what the index says of the oldest read, and of the pair that it begins."""
        oldest, second = self._at(place), self._at(place + 1)
        if self._last[oldest] == place:
            del self._last[oldest]
        if self._last_pair.get((oldest, second)) == place + 1:
            del self._last_pair[oldest, second]
