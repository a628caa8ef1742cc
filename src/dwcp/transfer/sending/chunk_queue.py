"""The queue between reading and encoding: what was catalogued, what the receiver wants of it, what is away.

What is wanted is kept as spans of sequence numbers, in order; bytes are kept for as much as the budget allows
and read again for the rest. Chunks that are to be sent again go first.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable

from msgspec import Struct

from dwcp.codecs import Buffer
from dwcp.errors import ProtocolError
from dwcp.transfer.protocol import Span
from dwcp.transfer.sending.ledger import Ledger
from dwcp.transfer.sending.part import FileKey, Part
from dwcp.transfer.sending.retained import Retained
from dwcp.transfer.sending.spans import overlap, spans_of, split, without

__all__ = ["BUDGET_BYTES", "ChunkQueue", "Fits", "Flight", "Taken"]

BUDGET_BYTES = 32 * 1024 * 1024
"""Plaintext that is kept at most."""
_MOST_PARTS = 2048
_MOST_CHUNKS = 4096
_MOST_REPEATED = 16
"""Chunks may be asked for again so many times in the mean, and a few more."""
_FEW = 10_000

Fits = Callable[[list[Part], int, Part], int]
"""Told a bundle's parts so far, their bytes, and the next part: how many bytes of it go along; 0 for none."""


class Flight(Struct):
    """A bundle that was taken and is not acknowledged.

    Attributes:
        spans: its chunks.
        plain_bytes: of them.
        origin: of the reference it was encoded against; None where there was none.
    """

    spans: tuple[Span, ...]
    plain_bytes: int
    origin: Hashable | None = None


class Taken(Struct):
    """What a bundle is to be made of.

    Attributes:
        number: of the bundle.
        parts: in order.
        again: these were sent before: no reference.
    """

    number: int
    parts: list[Part]
    again: bool


class ChunkQueue:
    """Safe to use from several threads. The reader adds, the receiver's words move, encoders take.

    Args:
        ledger: where every sequence number can be found again.
        budget_bytes: plaintext that is kept at most.
    """

    def __init__(self, ledger: Ledger, budget_bytes: int = BUDGET_BYTES) -> None:
        self._ledger = ledger
        self._budget_bytes = budget_bytes
        self._retained = Retained()
        self._wanted: deque[Span] = deque()
        self._again: deque[Span] = deque()
        self._flights: dict[int, Flight] = {}
        self._retracted: list[Span] = []
        self._retracted_bytes = 0
        self._answered = 0
        self._wanted_bytes = 0
        self._again_chunks = 0
        self._bundles = 0
        self._ended = False
        self._closed = False
        self.changed = threading.Condition()

    def add(self, file: FileKey, offset: int, lengths: list[int], ids: bytes, data: Buffer | None) -> Part:
        """Chunks that were catalogued; their bytes are kept where there is room."""
        first = self._ledger.add(file, offset, lengths, ids)
        part = Part(first, file, offset, lengths, ids, data)
        if data is not None:
            with self.changed:
                if self._retained.held_bytes < self._budget_bytes:
                    self._retained.add(part)
        return part

    def want(self, upto: int, missing: Iterable[Span]) -> list[Span]:
        """The receiver's word, or ours where it has nothing.

        Args:
            upto: every chunk below this was looked up.
            missing: in order; below the last `upto` those that are to be sent again.

        Returns:
            Those that are to be sent again.

        Raises:
            ProtocolError: numbers that were not given, or the same chunks again and again.
        """
        with self.changed:
            if upto > self._ledger.chunks:
                raise ProtocolError(
                    f"WANT speaks of chunk {upto - 1}, and there are {self._ledger.chunks} so far"
                )
            answered, upto = self._answered, max(upto, self._answered)
            again, new = split(missing, answered)
            if new and sum(new[-1]) > upto:
                raise ProtocolError(f"WANT names chunk {sum(new[-1]) - 1}, which is not below {upto}")
            self._repeat(again)
            for first, count in new:
                self._unwanted(answered, first)
                self._append(first, first + count)
                answered = first + count
            self._unwanted(answered, upto)
            self._answered = upto
            self.changed.notify_all()
        return again

    def retract(self, first: int, end: int) -> None:
        """Forget chunks of a file that changed: those not taken are not sent, whoever wants them."""
        with self.changed:
            self._retracted.append((first, end - first))
            self._retracted_bytes += self._bytes_of((first, end - first))
            self._retained.drop(first, end)
            gone = ((first, end - first),)
            self._wanted = deque(without(self._wanted, gone))
            self._again = deque(without(sorted(self._again), gone))
            self._wanted_bytes = sum(map(self._bytes_of, (*self._wanted, *self._again)))
            self.changed.notify_all()

    def end(self) -> None:
        """No more chunks will be added."""
        with self.changed:
            self._ended = True
            self.changed.notify_all()

    def close(self) -> None:
        """Let everybody go."""
        with self.changed:
            self._closed = True
            self.changed.notify_all()

    def forget(self) -> None:
        """Let go of what was kept to be sent: the next session reads it again."""
        with self.changed:
            self._retained = Retained()

    def take(self, fits: Fits) -> Taken | None:
        """Take chunks for a bundle, first come, first served; None where nothing is wanted."""
        with self.changed:
            again = bool(self._again)
            spans = self._again if again else self._wanted
            parts: list[Part] = []
            taken_bytes = chunks = 0
            while spans and len(parts) < _MOST_PARTS and chunks < _MOST_CHUNKS:
                part = self._next_part(spans[0], _MOST_CHUNKS - chunks)
                room = fits(parts, taken_bytes, part)
                if room <= 0 or (parts and part.first < parts[-1].end):
                    break
                part = part.cut(part.first, part.fitting(room))
                self._pass(spans, part)
                parts.append(part)
                taken_bytes += part.plain_bytes
                chunks += len(part.lengths)
            if not parts:
                return None
            self._wanted_bytes = max(self._wanted_bytes - taken_bytes, 0) if self.has_wanted else 0
            number = self._bundles
            self._bundles += 1
            self._flights[number] = Flight(spans_of(parts), taken_bytes)
            self.changed.notify_all()
        return Taken(number, parts, again)

    def set_origin(self, number: int, origin: Hashable) -> None:
        """Note against what a bundle was encoded."""
        with self.changed:
            if number in self._flights:
                self._flights[number].origin = origin

    def acknowledged(self, number: int) -> Flight | None:
        """A bundle arrived; gives what it was, None where it was not on the way.

        Raises:
            ProtocolError: there never was such a bundle.
        """
        with self.changed:
            if number >= self._bundles:
                raise ProtocolError(f"ACK names bundle {number}, and there are {self._bundles} so far")
            flight = self._flights.pop(number, None)
            self.changed.notify_all()
        return flight

    def lost(self, number: int) -> None:
        """A bundle did not arrive: its chunks go again, first of all."""
        with self.changed:
            flight = self._flights.pop(number, None)
            if flight is not None:
                left = list(without(flight.spans, self._retracted))
                self._again.extendleft(reversed(left))
                self._wanted_bytes += sum(map(self._bytes_of, left))
            self.changed.notify_all()

    def discard(self, number: int) -> None:
        """A bundle that is not sent after all."""
        with self.changed:
            self._flights.pop(number, None)
            self.changed.notify_all()

    def held_at_receiver(self, first: int, end: int) -> bool:
        """Whether the receiver surely has these chunks: before all that is wanted, and not on the way."""
        with self.changed:
            if end > (self._wanted[0][0] if self._wanted else self._answered):
                return False
            spans = (*self._again, *(span for flight in self._flights.values() for span in flight.spans))
        return not any(overlap(span, first, end) for span in spans)

    def take_origins(self, spans: list[Span]) -> list[Hashable]:
        """Against what bundles on the way were encoded that hold any of these chunks; told once."""
        found = []
        with self.changed:
            for flight in self._flights.values():
                if flight.origin is None:
                    continue
                if any(
                    overlap(span, first, first + count) for span in flight.spans for first, count in spans
                ):
                    found.append(flight.origin)
                    flight.origin = None
        return found

    def is_retracted(self, number: int) -> bool:
        """Whether the chunk is of a file that changed and was read again."""
        with self.changed:
            return any(overlap(span, number, number + 1) for span in self._retracted)

    @property
    def wanted_bytes(self) -> int:
        """Plain bytes that wait to be taken; exact but for entries that are wanted in part."""
        return self._wanted_bytes

    @property
    def has_wanted(self) -> bool:
        """Whether anything waits to be taken."""
        return bool(self._wanted or self._again)

    @property
    def has_room(self) -> bool:
        """Whether the reader may go on: bytes find room, or the encoders have little to do without it."""
        if self._closed or self._retained.held_bytes < self._budget_bytes:
            return True
        return 2 * self._wanted_bytes <= self._budget_bytes and self._answered < self._ledger.chunks

    def await_room(self) -> None:
        """Wait until the reader may go on."""
        with self.changed:
            self.changed.wait_for(lambda: self.has_room)

    @property
    def is_catalogued(self) -> bool:
        """Whether no more chunks will be added."""
        return self._ended

    @property
    def is_closed(self) -> bool:
        """Whether everybody is to go."""
        return self._closed

    @property
    def is_ended(self) -> bool:
        """Whether all that can be wanted is known: the catalogue is complete and answered."""
        return self._ended and self._answered >= self._ledger.chunks

    @property
    def is_done(self) -> bool:
        """Whether all that was wanted is acknowledged, and nothing more can be wanted but for again."""
        return self.is_ended and not (self._wanted or self._again or self._flights)

    @property
    def held_bytes(self) -> int:
        """Plaintext that is kept."""
        return self._retained.held_bytes

    def settled_bytes(self) -> int:
        """Plain bytes of chunks that the receiver has."""
        with self.changed:
            away = sum(flight.plain_bytes for flight in self._flights.values())
            open_bytes = self._wanted_bytes + away + self._retracted_bytes
            return max(self._ledger.plain_before(self._answered) - open_bytes, 0)

    def _repeat(self, again: list[Span]) -> None:
        self._again_chunks += sum(count for _, count in again)
        if self._again_chunks > _MOST_REPEATED * self._ledger.chunks + _FEW:
            raise ProtocolError("the receiver asks for the same chunks again and again")
        waiting = (*self._wanted, *self._again, *self._retracted)
        left = list(without(again, sorted(waiting)))
        self._again.extend(left)
        self._wanted_bytes += sum(map(self._bytes_of, left))

    def _append(self, first: int, end: int) -> None:
        for span in without(((first, end - first),), self._retracted):
            self._wanted_bytes += self._bytes_of(span)
            if self._wanted and sum(self._wanted[-1]) == span[0]:
                before = self._wanted.pop()
                span = (before[0], before[1] + span[1])
            self._wanted.append(span)

    def _unwanted(self, first: int, end: int) -> None:
        if first < end:
            self._retained.done(first, end)

    def _next_part(self, span: Span, most_chunks: int) -> Part:
        first, count = span
        part = self._retained.find(first) or self._ledger.part(first)
        return part.cut(first, min(part.end, first + min(count, most_chunks)))

    def _pass(self, spans: deque[Span], part: Part) -> None:
        first, count = spans.popleft()
        left = first + count - part.end
        if left:
            spans.appendleft((part.end, left))
        if spans is self._wanted:
            self._retained.done(part.first, part.end)

    def _bytes_of(self, span: Span) -> int:
        first, count = span
        return self._ledger.plain_before(first + count) - self._ledger.plain_before(first)
