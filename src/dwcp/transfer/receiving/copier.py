"""Filling from what lies here: read, verified, written where it is needed, while the rest travels.

Whether a file may stay as it lies is known with its last record, and that is late for a large one. Until then
its chunks are verified where they would stay, so that nothing is left to be done if it does.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from threading import Thread
from typing import NamedTuple

from blake3 import blake3

from dwcp.errors import DwcpError, StorageError, TransferError
from dwcp.transfer.receiving.batch import Run
from dwcp.transfer.receiving.chunk_log import ChunkRow
from dwcp.transfer.receiving.entries import Entry, Flag
from dwcp.transfer.receiving.ledger import LOCAL, REPEAT, VERIFIED, Ledger
from dwcp.transfer.receiving.places import Place, Places
from dwcp.transfer.receiving.runs import Cut, joined
from dwcp.transfer.receiving.session_log import SessionLog
from dwcp.transfer.receiving.wants import Wants
from dwcp.transfer.receiving.writer import Writer

__all__ = ["Copier"]

_PAGE = 512
_READ_BYTES = 4 * 1024 * 1024


class _Part(NamedTuple):
    """A chunk in hand, the file it belongs to, and where it should lie."""

    number: int
    row: ChunkRow
    entry: Entry
    place: Place | None


class Copier:
    """One thread that works through the chunks that lie here, in order.

    Chunks to be found here go first; repeats of chunks that are still to come wait until those are verified.
    """

    def __init__(self, log: SessionLog, ledger: Ledger, places: Places, writer: Writer, wants: Wants) -> None:
        """Have copied nothing; `start` begins."""
        self._log = log
        self._ledger = ledger
        self._places = places
        self._writer = writer
        self._wants = wants
        self._thread = Thread(target=self._run, name="dwcp-copier", daemon=True)
        self._last: tuple[Place, int, bytes] | None = None
        self._ahead = range(0)
        self._is_ahead_wrong = False

    def start(self) -> None:
        """Begin. The thread ends when the session fails or is stopped (`Ledger.fail`)."""
        self._thread.start()

    def join(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join()

    def _run(self) -> None:
        failure: DwcpError = TransferError("filling from local files ended in a way that it should not")
        try:
            while True:
                self._ledger.wait_for_work()
                while self._step(LOCAL) or self._step(REPEAT) or self._look_ahead():
                    pass
        except DwcpError as error:
            failure = error
        except OSError as error:
            said = (error.strerror or str(error)).lower()
            failure = StorageError.of(error, f"the destination's own files fail: {said}; check the disk")
        finally:
            self._ledger.fail(failure)

    def _step(self, state: int) -> bool:
        """Work through some chunks of this state; False where there are none that can be."""
        first = self._ledger.next_of(state)
        if first < 0:
            return False
        states = self._ledger.states(first, _PAGE)
        count = len(states) - len(states.lstrip(bytes((state,))))
        rows = self._log.chunks.read(first, count)
        ready = self._ready(rows, state)
        if not ready:
            return state == REPEAT and self._drop(first, rows[0])
        rows = rows[:ready]
        numbers = range(first, first + ready)
        if self._ledger.claim_local(numbers, state):
            self._fill(numbers, rows)
        return True

    def _ready(self, rows: Sequence[ChunkRow], state: int) -> int:
        """How many of these, from the first on, can be worked on now and together."""
        total = 0
        for count, row in enumerate(rows):
            total += row.length
            if (
                self._ledger.flags(row.entry) & Flag.UNDECIDED
                or (state == REPEAT and self._ledger.state(row.source_at) != VERIFIED)
                or (count and total > _READ_BYTES)
            ):
                return count
        return len(rows)

    def _drop(self, number: int, row: ChunkRow) -> bool:
        """Pass over a repeat that nobody needs, which would hold up the others; False where it is needed."""
        if not self._ledger.flags(row.entry) & Flag.RETRACTED:
            return False
        if self._ledger.claim_local((number,), REPEAT):
            self._ledger.drop(number)
        return True

    def _fill(self, numbers: range, rows: Sequence[ChunkRow]) -> None:
        entries = self._log.entries.of([row.entry for row in rows])
        parts = [
            _Part(number, row, entry, self._places.of(row, entry))
            for number, row, entry in zip(numbers, rows, entries, strict=True)
        ]
        good: list[tuple[list[Cut], memoryview, list[_Part]]] = []
        wrong: list[_Part] = []
        for together in _together(parts):
            if self._was_verified(together):
                good.append((_cuts(together), memoryview(b""), together))
                continue
            data = memoryview(self._read(together))
            good.append((list(_verified(together, data, wrong)), data, together))
        self._give_up(wrong)
        self._put([run for cuts, data, together in good for run in self._runs(cuts, data, together)])

    def _look_ahead(self) -> bool:
        """Verify the next chunks of the undecided file, in its old version; False where there are none.

        One that is wrong there ends it: the file will not stay, and is filled when that is decided.
        """
        first = self._ledger.next_of(LOCAL)
        if first < 0 or (self._is_ahead_wrong and first < self._ahead.stop):
            return False
        begin = self._ahead.stop if first in self._ahead else first
        states = self._ledger.states(begin, _PAGE)
        rows = self._log.chunks.read(begin, len(states) - len(states.lstrip(bytes((LOCAL,)))))
        rows = rows[: self._undecided(rows)]
        if not rows:
            return False
        entries = self._log.entries.of([row.entry for row in rows])
        parts = [
            _Part(number, row, entry, Place(False, entry.path, row.offset))
            for number, (row, entry) in enumerate(zip(rows, entries, strict=True), begin)
        ]
        together, wrong = next(_together(parts)), list[_Part]()
        good = list(_verified(together, memoryview(self._read(together)), wrong))
        self._is_ahead_wrong = bool(wrong)
        known = len(together) if not wrong else wrong[0].number - begin
        self._ahead = range(first if first in self._ahead else begin, begin + max(known, bool(wrong)))
        return bool(good) and not wrong

    def _undecided(self, rows: Sequence[ChunkRow]) -> int:
        """How many of these, from the first on, are of undecided files and can be read together."""
        total = 0
        for count, row in enumerate(rows):
            total += row.length
            if not self._ledger.flags(row.entry) & Flag.UNDECIDED or (count and total > _READ_BYTES):
                return count
        return len(rows)

    def _was_verified(self, together: Sequence[_Part]) -> bool:
        """Whether these stay where they were verified before."""
        first, last = together[0], together[-1]
        return (
            not self._is_ahead_wrong
            and first.number in self._ahead
            and last.number in self._ahead
            and self._places.own(first.entry, first.row.offset) == first.place
            and first.place is not None
            and not first.place.is_staged
        )

    def _read(self, together: Sequence[_Part]) -> bytes:
        """What lies where these chunks should, back to back. The last is remembered: repeats repeat."""
        place = together[0].place
        length = sum(part.row.length for part in together)
        if place is None:
            return b""
        if self._last is None or self._last[:2] != (place, length):
            self._last = place, length, self._places.read(place, length)
        return self._last[2]

    def _give_up(self, wrong: Sequence[_Part]) -> None:
        """Ask for what was not there; a file of which something is wrong cannot stay as it lies."""
        if not wrong:
            return
        self._last = None
        numbers = [part.number for part in wrong]
        self._ledger.wrong(numbers, from_network=False)
        for entry in {part.entry.number: part.entry for part in wrong}.values():
            if self._ledger.flags(entry.number) & Flag.KEPT:
                self._log.chunks.mark(entry.first_chunk, entry.chunks, verified=False)
                self._ledger.demote(entry.number, entry.first_chunk, entry.chunks)
                self._log.entries.set_flags(entry.number, self._ledger.flags(entry.number))
        self._wants.again(numbers)

    def _runs(
        self, cuts: Sequence[Cut], data: memoryview, together: Sequence[_Part]
    ) -> Iterator[tuple[Run, bool]]:
        """Runs of verified chunks, and whether they lie in their place already."""
        parts = {part.number: part for part in together}
        for run in joined(cuts, data):
            part = parts[run.first]
            yield run, self._places.own(part.entry, part.row.offset) == part.place

    def _put(self, runs: Sequence[tuple[Run, bool]]) -> None:
        in_place = [run for run, is_there in runs if is_there]
        if in_place:
            self._writer.finish(self._writer.mark(in_place, from_network=False))
        to_write = [run for run, is_there in runs if not is_there]
        if to_write:
            self._writer.put(to_write, from_network=False)


def _together(parts: Sequence[_Part]) -> Iterator[list[_Part]]:
    """Chunks that lie one after the other in one file, so that they are read at once."""
    group: list[_Part] = []
    for part in parts:
        if group and not _follows(group[-1], part):
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _follows(last: _Part, part: _Part) -> bool:
    if last.place is None or part.place is None or last.entry.number != part.entry.number:
        return False
    return part.place == last.place._replace(at=last.place.at + last.row.length)


def _cuts(parts: Sequence[_Part]) -> list[Cut]:
    ends = accumulate(part.row.length for part in parts)
    return [
        Cut(part.number, part.row, end - part.row.length, end) for part, end in zip(parts, ends, strict=True)
    ]


def _verified(parts: Sequence[_Part], data: memoryview, wrong: list[_Part]) -> Iterator[Cut]:
    begin = 0
    for part in parts:
        end = begin + part.row.length
        if end <= len(data) and blake3(data[begin:end]).digest() == part.row.id:
            yield Cut(part.number, part.row, begin, end)
        else:
            wrong.append(part)
        begin = end
