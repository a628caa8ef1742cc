"""A batch of the catalogue, looked up, made known: to the disk, to the sender, to the other threads."""

import stat

from dwcp.blocks import ID_BYTES
from dwcp.transfer.protocol import Sketch
from dwcp.transfer.receiving.batch import Batch
from dwcp.transfer.receiving.chunk_log import CHUNK_ROW, SourceKind
from dwcp.transfer.receiving.disk import free_bytes, full_error
from dwcp.transfer.receiving.entries import Flag
from dwcp.transfer.receiving.gaps import OldPart, gaps
from dwcp.transfer.receiving.ledger import LOCAL, MISSING, VERIFIED, Ledger
from dwcp.transfer.receiving.locating import Located, Locator
from dwcp.transfer.receiving.pending import FileInHand, Pending, Piece
from dwcp.transfer.receiving.places import Places, Source
from dwcp.transfer.receiving.session_log import SessionLog
from dwcp.transfer.receiving.sketches import Sketches
from dwcp.transfer.receiving.staged import staged_path
from dwcp.transfer.receiving.wants import Wants, spans_of
from dwcp.transfer.receiving.writer import Writer
from dwcp.words import bytes_text

__all__ = ["Announcer"]

_NOWHERE = (SourceKind.NONE, 0, 0)


class Announcer:
    """Makes batches known, in an order that holds whatever the other threads do meanwhile."""

    def __init__(
        self,
        log: SessionLog,
        ledger: Ledger,
        locator: Locator,
        places: Places,
        sketches: Sketches,
        wants: Wants,
        writer: Writer,
        has_nothing: bool,
    ) -> None:
        """Announce nothing yet."""
        self._log = log
        self._ledger = ledger
        self._locator = locator
        self._places = places
        self._sketches = sketches
        self._wants = wants
        self._writer = writer
        self._has_nothing = has_nothing

    def announce(self, pending: Pending) -> None:
        """Make a batch known.

        The rows are on disk before the sender may answer, and the sender is told before any thread can find
        that something is missing after all.

        Raises:
            StorageError: what it takes does not fit the disk.
            OSError: something cannot be written.
        """
        first = self._ledger.known
        located = self._locator.locate(pending.pieces)
        batch = Batch(states=located.states)
        self._decide(pending, batch)
        self._count(pending, located, batch)
        self._check_space(batch)
        self._write(pending, located)
        sketches = self._draw(pending, located, first)
        self._tell(first, located, sketches)
        self._settle(pending, located)
        self._writer.finish(self._ledger.announce(batch))

    def _decide(self, pending: Pending, batch: Batch) -> None:
        """Which of the files that are complete now may stay as they lie."""
        for file in pending.files():
            if file.is_wanted:
                # It is written anew, whatever comes: so its other chunks need not wait for its end.
                file.flags &= ~Flag.UNDECIDED
            old = file.old
            if old is None or not file.flags & Flag.ENDED:
                continue
            if file.content != old.file.content or file.is_wanted:
                continue
            mode = self._log.facts.mode(file.record.mode)
            is_same = old.told.st_mtime_ns == file.record.mtime_ns and stat.S_IMODE(old.told.st_mode) == mode
            file.flags |= Flag.KEPT if is_same else Flag.KEPT | Flag.FIX
            if file.announced:
                batch.settled.append((file.first_chunk, file.announced, _kept_state(file)))

    def _count(self, pending: Pending, located: Located, batch: Batch) -> None:
        """What the batch adds to each file, and to the disk."""
        unverified: dict[int, int] = {}
        for file, begin, pieces in pending.by_file():
            count = sum(len(piece.lengths) for piece in pieces)
            if file.is_kept:
                located.states[begin : begin + count] = bytes((_kept_state(file),)) * count
            else:
                batch.bytes_to_write += self._to_write(file, begin, pieces, located)
            verified = located.states.count(VERIFIED, begin, begin + count)
            unverified[file.number] = unverified.get(file.number, 0) + count - verified
        for entry in pending.entries:
            is_file = isinstance(entry, FileInHand)
            batch.flags.append(entry.flags)
            batch.outstanding.append(
                unverified.get(entry.number, 0) + (not entry.flags & Flag.ENDED) if is_file else 0
            )
            batch.begun += is_file and not entry.flags & Flag.RETRACTED
        if pending.open is not None:
            batch.changes.append(self._change(pending.open, unverified.get(pending.open.number, 0), batch))

    def _change(self, file: FileInHand, unverified: int, batch: Batch) -> tuple[int, int, int]:
        """What the batch adds to a file that began earlier."""
        if file.is_kept:
            batch.bytes_to_write -= file.bytes_to_write
            unverified -= file.announced if _kept_state(file) == VERIFIED else 0
        return file.number, file.flags, unverified - bool(file.flags & Flag.ENDED)

    def _to_write(self, file: FileInHand, begin: int, pieces: list[Piece], located: Located) -> int:
        """What of a file's chunks in the batch will be written; what lies in its place already will not."""
        total = sum(sum(piece.lengths) for piece in pieces)
        if self._has_nothing:
            file.bytes_to_write += total
            return total
        path = staged_path(file.entry())
        position = begin
        for piece in pieces:
            offset = piece.offset
            for length in piece.lengths:
                source = located.sources.get(position)
                if source is not None and self._is_in_place(source, path, offset):
                    total -= length
                offset += length
                position += 1
        file.bytes_to_write += total
        return total

    def _is_in_place(self, source: Source, path: bytes, offset: int) -> bool:
        return (
            source.kind == SourceKind.STAGED
            and source.at == offset
            and self._places.left_path(source.file) == path
        )

    def _check_space(self, batch: Batch) -> None:
        needed = self._ledger.bytes_to_write + batch.bytes_to_write
        free = free_bytes(self._log.directory)
        if needed > free:
            raise full_error(
                f"{bytes_text(needed)} are still to be written, and {bytes_text(free)} are free at the "
                "destination: make room, then run it again"
            )

    def _write(self, pending: Pending, located: Located) -> None:
        """Entries first: whoever reads a chunk's row finds its file's."""
        entries = self._log.entries
        for entry in pending.entries:
            entries.add(entry.entry() if isinstance(entry, FileInHand) else entry)
        entries.flush()
        if pending.open is not None:
            entries.replace(pending.open.entry())
        rows = []
        position = 0
        for piece in pending.pieces:
            offset, number = piece.offset, piece.file.number
            for at, length in zip(range(0, len(piece.ids), ID_BYTES), piece.lengths, strict=True):
                source = located.sources.get(position, _NOWHERE)
                block_id = piece.ids[at : at + ID_BYTES]
                rows.append(CHUNK_ROW.pack(block_id, length, number, offset, source[0], source[1], source[2]))
                offset += length
                position += 1
        self._log.chunks.append(b"".join(rows))

    def _draw(self, pending: Pending, located: Located, first: int) -> list[Sketch]:
        """Sketches for what is missing of files that have an old version."""
        drawn: list[Sketch] = []
        for file, begin, pieces in pending.by_file():
            count = sum(len(piece.lengths) for piece in pieces)
            if file.old is None or MISSING not in located.states[begin : begin + count]:
                continue
            parts = _parts(file.old.file.number, begin, pieces, located, first)
            found = gaps(parts, file.old_end, file.old.file.facts.size_bytes)
            drawn += self._sketches.draw(file.path, found)
            file.old_end = max(
                (part.old_at + part.length for part in parts if part.old_at is not None), default=file.old_end
            )
        return drawn

    def _tell(self, first: int, located: Located, sketches: list[Sketch]) -> None:
        upto = first + len(located.states)
        if self._has_nothing:
            self._wants.passed(upto)
        elif located.states:
            missing = spans_of(
                number for number, state in enumerate(located.states, first) if state == MISSING
            )
            self._wants.looked_up(upto, missing, sketches)

    def _settle(self, pending: Pending, located: Located) -> None:
        """What is to be remembered of a file whose records go on with the next batch."""
        for file, begin, pieces in pending.by_file():
            count = sum(len(piece.lengths) for piece in pieces)
            file.announced += count
            file.is_wanted = file.is_wanted or MISSING in located.states[begin : begin + count]


def _kept_state(file: FileInHand) -> int:
    """What a kept file's chunks are: verified if it was read just now, else still to be read."""
    return VERIFIED if file.old is not None and file.old.is_fresh else LOCAL


def _parts(old: int, begin: int, pieces: list[Piece], located: Located, first: int) -> list[OldPart]:
    parts = []
    position = begin
    for piece in pieces:
        for length in piece.lengths:
            source = located.sources.get(position)
            is_there = source is not None and source.kind == SourceKind.INDEX and source.file == old
            is_missing = located.states[position] == MISSING
            parts.append(
                OldPart(first + position, length, is_missing, source.at if source and is_there else None)
            )
            position += 1
    return parts
