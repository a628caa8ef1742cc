"""Where in an older version of a file a part of the new version probably came from."""

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Place", "Region", "find_region"]

_MARGIN_BYTES = 256 * 1024
"""How far content may have moved and still be found where there is no better sign."""
_STRETCH = 4
"""Between two anchors at most so many times as much is taken as there is in the new version, and a margin."""


class Place(NamedTuple):
    """One chunk of a file."""

    offset: int
    length: int
    chunk_id: bytes

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.offset + self.length


class Region(NamedTuple):
    """Chunks of the older version, those round them, and by how much content there has moved, if that shows.

    What lies round them, the nearest first, may hold content that went from one place to another.
    """

    places: list[Place]
    around: list[Place]
    shift: int | None


def find_region(begin: int, end: int, new: Sequence[Place], old: Sequence[Place], shift: int) -> Region:
    """The chunks of the older version to encode a range of the new one against.

    Chunks that both versions have are anchors: between the last before the range and the first after it lies
    the older version of the range. Where there is but one, it is the same distance from that; where there is
    none, the same place but for the shift, and a margin.

    Args:
        begin: of the range, in the new version.
        end: of the range.
        new: chunks of the new version round the range, in order.
        old: chunks of the older version where the range is expected, in order; only these are taken.
        shift: offset in the older version less offset in the new one, as last seen.
    """
    by_id = {place.chunk_id: place for place in old}
    before = next((place for place in reversed(new) if place.end <= begin and place.chunk_id in by_id), None)
    after = next((place for place in new if place.offset >= end and place.chunk_id in by_id), None)
    left = None if before is None else by_id[before.chunk_id].offset - before.offset
    right = None if after is None else by_id[after.chunk_id].offset - after.offset
    low = _low(begin, before, left, right, shift)
    high = _high(end, after, right, left, shift)
    longest = _STRETCH * (end - begin) + 2 * _MARGIN_BYTES
    high = min(high, low + longest)
    places = [place for place in old if place.end > low and place.offset < high]
    around = [place for place in old if place.end <= low or place.offset >= high]
    around.sort(key=lambda place: max(low - place.end, place.offset - high))
    return Region(places, around, right if left is None else left)


def _low(begin: int, before: Place | None, left: int | None, right: int | None, shift: int) -> int:
    """Right after the anchor before, or a margin before the place."""
    if before is not None and left is not None:
        return max(before.end + left, begin + left - _MARGIN_BYTES)
    return begin + (shift if right is None else right) - _MARGIN_BYTES


def _high(end: int, after: Place | None, right: int | None, left: int | None, shift: int) -> int:
    """Right before the anchor after, or a margin behind the place."""
    if after is not None and right is not None:
        return min(after.offset + right, end + right + _MARGIN_BYTES)
    return end + (shift if left is None else left) + _MARGIN_BYTES
