"""Runs of neighbouring blocks among interleaved reads, and steady strides within a region.

A run is known by the number it expects next, so any number of them may be interleaved (stream buffers:
Jouppi, ISCA 1990). A stride is known by its region and needs two equal steps (reference prediction tables:
Chen and Baer, 1995).
"""

from collections import OrderedDict

from dwcp.tasks.prefetch.candidate import Candidate
from dwcp.tasks.prefetch.contract import MOST_BLOCKS

__all__ = ["Streams", "StreamsState"]

StreamsState = tuple[list[tuple[int, int]], list[tuple[int, int]], list[tuple[int, int, int, int]]]

_MOST = 4096
_REGION_BITS = 10
_LONGEST_RUN = 64
_MOST_STEPS = 7


class Streams:
    """Follows runs upwards and downwards, and strides; blocks are numbers."""

    def __init__(self) -> None:
        self._up: OrderedDict[int, int] = OrderedDict()
        self._down: OrderedDict[int, int] = OrderedDict()
        self._strides: OrderedDict[int, tuple[int, int, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._up) + len(self._down) + len(self._strides)

    def learn(self, block: int) -> list[Candidate]:
        """Take in the next read; what lies ahead on the ways that lead through it."""
        up = _run(self._up, block, 1)
        down = _run(self._down, block, -1)
        found = _ahead(block, 1, ("up", 0, up.bit_length()))
        if down > 1:
            found += _ahead(block, -1, ("down", 0, down.bit_length()))
        stride, steps = self._stride(block)
        if steps and abs(stride) > 1:
            found += _ahead(block, stride, ("stride", 0, steps.bit_length()))
        return found

    def snapshot(self) -> StreamsState:
        """What is followed, as JSON values."""
        strides = [(region, *known) for region, known in self._strides.items()]
        return list(self._up.items()), list(self._down.items()), strides

    def restore(self, state: StreamsState) -> None:
        """Continue from a snapshot."""
        up, down, strides = state
        self._up, self._down = OrderedDict((*row,) for row in up), OrderedDict((*row,) for row in down)
        self._strides = OrderedDict((row[0], (row[1], row[2], row[3])) for row in strides)

    def _stride(self, block: int) -> tuple[int, int]:
        """The region's last step, and how often it was taken again."""
        region = block >> _REGION_BITS
        last, stride, steps = self._strides.pop(region, (block, 0, 0))
        if step := block - last:
            stride, steps = step, min(steps + 1, _MOST_STEPS) if step == stride else 0
        self._strides[region] = (block, stride, steps)
        if len(self._strides) > _MOST:
            self._strides.popitem(last=False)
        return stride, steps


def _run(runs: OrderedDict[int, int], block: int, step: int) -> int:
    """How long the run is that the block belongs to."""
    length = min(runs.pop(block, 0) + 1, _LONGEST_RUN)
    runs[block + step] = length
    if len(runs) > _MOST:
        runs.popitem(last=False)
    return length


def _ahead(block: int, step: int, ground: tuple[str, int, int]) -> list[Candidate]:
    return [Candidate(block + step * depth, (*ground, depth)) for depth in range(1, MOST_BLOCKS + 1)]
