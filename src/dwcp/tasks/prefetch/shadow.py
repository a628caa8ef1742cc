"""What a plain cache would hold, and which expected blocks have not come yet."""

from collections import OrderedDict
from collections.abc import Sequence

from dwcp.tasks.prefetch.candidate import Candidate, Ground
from dwcp.tasks.prefetch.contract import Block
from dwcp.tasks.prefetch.evidence import Evidence

__all__ = ["Expected", "Shadow"]

ExpectedState = list[tuple[Block, int, list[list[str | int]]]]

_LONGEST_WAIT = 1024
"""Reads after which a block that has not come counts as not coming."""

_MOST_EXPECTED = 16_384


class Shadow:
    """A cache of least recently used blocks without any prefetching, in which only ids are kept."""

    def __init__(self) -> None:
        self._read_at: OrderedDict[Block, int] = OrderedDict()
        self.oldest_read = 0
        """When the block was read that would be dropped next; 0 while there is room."""

    def __contains__(self, block: Block) -> bool:
        return block in self._read_at

    def __len__(self) -> int:
        return len(self._read_at)

    def read(self, block: Block, now: int, capacity: int) -> bool:
        """Read a block at a time, a count of reads; whether it was not there."""
        held = self._read_at
        missed = block not in held
        held[block] = now
        held.move_to_end(block)
        while len(held) > capacity:
            held.popitem(last=False)
        self.oldest_read = next(iter(held.values())) if len(held) >= capacity else 0
        return missed

    def snapshot(self) -> list[tuple[Block, int]]:
        """What is held, as JSON values."""
        return list(self._read_at.items())

    def restore(self, state: Sequence[tuple[Block, int]]) -> None:
        """Continue from a snapshot."""
        self._read_at = OrderedDict((block, now) for block, now in state)


class Expected:
    """Blocks that were named, since when and on what grounds, whether they were fetched or not."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[Block, tuple[int, list[Ground]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, candidate: Candidate, now: int) -> None:
        """Expect a block from now on; each ground is on trial once until the block comes or does not."""
        waiting = self._waiting.get(candidate.block)
        if waiting is None:
            self._waiting[candidate.block] = (now, [candidate.ground])
        elif candidate.ground not in waiting[1]:
            waiting[1].append(candidate.ground)

    def resolve(self, block: Block, now: int, oldest_read: int, evidence: Evidence) -> None:
        """Note success for the block that came, and failure for those a cache would have dropped by now."""
        came = self._waiting.pop(block, None)
        for ground in came[1] if came else ():
            evidence.note(ground, True)
        given_up = max(now - _LONGEST_WAIT, oldest_read)
        while self._waiting:
            first = next(iter(self._waiting))
            since, grounds = self._waiting[first]
            if since >= given_up and len(self._waiting) <= _MOST_EXPECTED:
                return
            del self._waiting[first]
            for ground in grounds:
                evidence.note(ground, False)

    def snapshot(self) -> ExpectedState:
        """What is waited for, as JSON values."""
        return [
            (block, since, [list(ground) for ground in grounds])
            for block, (since, grounds) in self._waiting.items()
        ]

    def restore(self, state: ExpectedState) -> None:
        """Continue from a snapshot."""
        self._waiting = OrderedDict(
            (block, (since, [tuple(ground) for ground in grounds]))  # type: ignore[misc]
            for block, since, grounds in state
        )
