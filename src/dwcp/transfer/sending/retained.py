"""Plaintext that was read and may be wanted: kept within a budget, so that it need not be read again."""

from bisect import bisect_right

from dwcp.transfer.sending.part import Part

__all__ = ["Retained"]

_PART_BYTES = 1024
"""What keeping a part costs beside its bytes."""
_COMPACT = 1024


class Retained:
    """Parts with their bytes, by sequence number. Not safe to use from several threads at once.

    A part is let go of when each of its chunks was used or found not to be wanted.

    Attributes:
        held_bytes: of all parts, with what keeping them costs.
    """

    def __init__(self) -> None:
        self.held_bytes = 0
        self._firsts: list[int] = []
        self._parts: list[Part | None] = []
        self._open: list[int] = []
        self._gone = 0

    def add(self, part: Part) -> None:
        """Keep a part; its numbers are higher than those of all before."""
        self._firsts.append(part.first)
        self._parts.append(part)
        self._open.append(len(part.lengths))
        self.held_bytes += _cost(part)

    def find(self, number: int) -> Part | None:
        """The part that a sequence number is in; None where it is not kept."""
        place = bisect_right(self._firsts, number) - 1
        part = self._parts[place] if place >= 0 else None
        return part if part is not None and number < part.end else None

    def done(self, first: int, end: int) -> None:
        """These sequence numbers, none of them before, were used or are not wanted."""
        place = max(bisect_right(self._firsts, first) - 1, 0)
        while place < len(self._firsts) and self._firsts[place] < end:
            part = self._parts[place]
            if part is not None:
                self._open[place] -= max(min(part.end, end) - max(part.first, first), 0)
                if self._open[place] <= 0:
                    self._drop(place, part)
            place += 1
        if self._gone > _COMPACT and 2 * self._gone > len(self._parts):
            self._compact()

    def drop(self, first: int, end: int) -> None:
        """Let go of every part that begins in a range, whatever of it was used."""
        place = bisect_right(self._firsts, first - 1)
        while place < len(self._firsts) and self._firsts[place] < end:
            part = self._parts[place]
            if part is not None:
                self._drop(place, part)
            place += 1

    def _drop(self, place: int, part: Part) -> None:
        self.held_bytes -= _cost(part)
        self._parts[place] = None
        self._gone += 1

    def _compact(self) -> None:
        kept = [place for place, part in enumerate(self._parts) if part is not None]
        self._firsts = [self._firsts[place] for place in kept]
        self._open = [self._open[place] for place in kept]
        self._parts = [self._parts[place] for place in kept]
        self._gone = 0


def _cost(part: Part) -> int:
    return _PART_BYTES + (len(part.data) if part.data is not None else 0)
