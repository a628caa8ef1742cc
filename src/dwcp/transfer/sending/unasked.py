"""What a receiver that has nothing wants: every chunk, but each content once."""

from dwcp.transfer.protocol import Span
from dwcp.transfer.sending.chunk_queue import ChunkQueue
from dwcp.transfer.sending.counters import Counters
from dwcp.transfer.sending.ledger import Ledger
from dwcp.transfer.sending.part import ID_BYTES, Part
from dwcp.transfer.sending.seen import SeenIds

__all__ = ["Unasked"]


class Unasked:
    """Says in the receiver's place what is wanted. For one thread.

    Args:
        queue: is told.
        ledger: knows the ids of chunks.
        counters: count what is left out.
    """

    def __init__(self, queue: ChunkQueue, ledger: Ledger, counters: Counters) -> None:
        self._queue, self._ledger, self._counters = queue, ledger, counters
        self._seen = SeenIds()
        self._spans: list[Span] = []

    def add(self, part: Part) -> None:
        """Chunks were catalogued."""
        first, ids = part.first, part.ids
        meet = self._seen.meet
        repeats = [
            place
            for place in range(len(part.lengths))
            if meet(ids[place * ID_BYTES : (place + 1) * ID_BYTES])
        ]
        begin = first
        for place in repeats:
            self._extend(begin, first + place)
            begin = first + place + 1
            self._counters.repeated_bytes += part.lengths[place]
        self._extend(begin, part.end)

    def retract(self, first: int, end: int) -> None:
        """Chunks were taken back: their contents do not count as met."""
        self._spans = [span for span in self._spans if span[0] < first]
        if self._spans and sum(self._spans[-1]) > first:
            begin, _ = self._spans[-1]
            self._spans[-1] = (begin, first - begin)
        for part in self._ledger.parts(first, end):
            for place in range(len(part.lengths)):
                self._seen.forget(part.id_of(place))

    def publish(self, end: int) -> None:
        """All chunks below a number are at the receiver's, or on the way to it ahead of what follows.

        Only these: a bundle that came before its chunks were named would wait for their names, and on the
        stream that brings them it would wait for ever.
        """
        spans, self._spans = self._spans, [span for span in self._spans if sum(span) > end]
        named = [span for span in spans if sum(span) <= end]
        if self._spans and self._spans[0][0] < end:
            first, count = self._spans[0]
            named.append((first, end - first))
            self._spans[0] = (end, first + count - end)
        self._queue.want(end, named)

    def _extend(self, first: int, end: int) -> None:
        if first == end:
            return
        if self._spans and sum(self._spans[-1]) == first:
            begin, count = self._spans[-1]
            self._spans[-1] = (begin, count + end - first)
        else:
            self._spans.append((first, end - first))
