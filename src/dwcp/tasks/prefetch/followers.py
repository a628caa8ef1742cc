"""Which blocks come after which: counts, bounded in memory.

With a window of one this is a first-order Markov table, with a longer one it holds association rules. Few
followers are kept of each block; when there are too many, every count goes down by one and empty ones go
(Misra and Gries, "Finding repeated elements", 1982).
"""

from collections import OrderedDict, deque

from dwcp.tasks.prefetch.contract import Block

__all__ = ["Followers", "FollowersState"]

FollowersState = tuple[list[tuple[Block, int, list[tuple[Block, int]]]], list[Block]]

_MOST_FOLLOWERS = 8


class Followers:
    """Counts what is read within so many reads after each block.

    Args:
        window: how many reads after a block count as following it.
        capacity: how many blocks are remembered; the one not read for longest is forgotten first.
    """

    def __init__(self, window: int = 1, capacity: int = 1 << 16) -> None:
        self._capacity = capacity
        self._latest: deque[Block] = deque(maxlen=window)
        self._times: OrderedDict[Block, int] = OrderedDict()
        self._after: dict[Block, dict[Block, int]] = {}

    def __len__(self) -> int:
        return len(self._times)

    def learn(self, block: Block) -> None:
        """Take in the next read."""
        for earlier in self._latest:
            if (after := self._after.get(earlier)) is not None:
                _count(after, block)
        self._times[block] = self._times.pop(block, 0) + 1
        self._after.setdefault(block, {})
        self._latest.append(block)
        if len(self._times) > self._capacity:
            del self._after[self._times.popitem(last=False)[0]]

    def of(self, block: Block) -> tuple[int, list[tuple[Block, int]]]:
        """How often the block was read, and what followed how often, most often first; itself left out."""
        after = self._after.get(block)
        if not after:
            return 0, []
        ranked = sorted(after.items(), key=_by_count, reverse=True)
        return self._times[block], [entry for entry in ranked if entry[0] != block]

    def snapshot(self) -> FollowersState:
        """What is remembered, as JSON values."""
        rows = [(block, times, list(self._after[block].items())) for block, times in self._times.items()]
        return rows, list(self._latest)

    def restore(self, state: FollowersState) -> None:
        """Continue from a snapshot."""
        rows, latest = state
        self._times = OrderedDict((block, times) for block, times, _ in rows)
        self._after = {block: dict(after) for block, _, after in rows}
        self._latest = deque(latest, self._latest.maxlen)


def _count(after: dict[Block, int], block: Block) -> None:
    after[block] = after.get(block, 0) + 1
    if len(after) > _MOST_FOLLOWERS:
        for known in list(after):
            after[known] -= 1
            if not after[known]:
                del after[known]


def _by_count(entry: tuple[Block, int]) -> int:
    return entry[1]
