"""Whether each chunk of a batch has to come, or lies here already."""

from bisect import bisect_right
from itertools import accumulate

from msgspec import Struct

from dwcp.blocks import ID_BYTES
from dwcp.transfer.receiving.chunk_log import SourceKind
from dwcp.transfer.receiving.ledger import LOCAL, MISSING, REPEAT, VERIFIED, Ledger
from dwcp.transfer.receiving.pending import Piece
from dwcp.transfer.receiving.places import Places, Source
from dwcp.transfer.receiving.seen import Seen
from dwcp.transfer.receiving.session_log import SessionLog

__all__ = ["Located", "Locator"]


class Located(Struct):
    """The chunks of a batch.

    Attributes:
        states: one byte each.
        sources: where each lies that should lie here.
    """

    states: bytearray
    sources: dict[int, Source]


class Locator:
    """Looks for chunks in this session, then in what an earlier one left, then at the destination."""

    def __init__(
        self, log: SessionLog, ledger: Ledger, seen: Seen, places: Places, has_nothing: bool
    ) -> None:
        """Look for nothing yet.

        Args:
            log: the session's.
            ledger: the session's.
            seen: the ids of the session.
            places: finds what lies here.
            has_nothing: whether nothing can be there but the session's own.
        """
        self._log = log
        self._ledger = ledger
        self._seen = seen
        self._places = places
        self._has_nothing = has_nothing
        self._retracted: set[int] = set()

    def retract(self, entry: int) -> None:
        """Note that chunks of a file will not come any more."""
        self._retracted.add(entry)

    def locate(self, pieces: list[Piece]) -> Located:
        """Look for the chunks of a batch. Raises StorageError and OSError."""
        first = self._ledger.known
        ids = b"".join([piece.ids for piece in pieces])
        earlier = self._seen.note(ids, first)
        located = Located(bytearray((MISSING,)) * len(earlier), {})
        if earlier and max(earlier) >= 0:
            self._repeats(located, earlier, ids, first, pieces)
        if not self._has_nothing:
            self._known(located, ids)
        return located

    def _repeats(
        self, located: Located, earlier: list[int], ids: bytes, first: int, pieces: list[Piece]
    ) -> None:
        starts = list(accumulate((len(piece.lengths) for piece in pieces), initial=0))
        moved: dict[int, int] = {}
        for each, found in enumerate(earlier):
            number = moved.get(found, found)
            if number < 0:
                continue
            if self._retracted and not self._has_nothing and self._is_gone(number, first, starts, pieces):
                self._seen.point(ids[each * ID_BYTES : (each + 1) * ID_BYTES], number, first + each)
                moved[found] = first + each
                continue
            located.states[each] = REPEAT
            located.sources[each] = Source(SourceKind.CHUNK, 0, number, 0)

    def _is_gone(self, number: int, first: int, starts: list[int], pieces: list[Piece]) -> bool:
        """Whether a chunk is of a file that was taken back, and did not come before."""
        if number >= first:
            return pieces[bisect_right(starts, number - first) - 1].file.number in self._retracted
        if self._ledger.state(number) == VERIFIED:
            return False
        return self._log.chunks.read(number, 1)[0].entry in self._retracted

    def _known(self, located: Located, ids: bytes) -> None:
        wanted = [each for each, state in enumerate(located.states) if state == MISSING]
        found = self._places.find([ids[each * ID_BYTES : (each + 1) * ID_BYTES] for each in wanted])
        if not found:
            return
        for each in wanted:
            source = found.get(ids[each * ID_BYTES : (each + 1) * ID_BYTES])
            if source is not None:
                located.states[each] = LOCAL
                located.sources[each] = source
