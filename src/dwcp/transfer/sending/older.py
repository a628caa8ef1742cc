"""Older versions of a file: an earlier file of the same tree, or the same file of another tree."""

import os
import stat
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Protocol

from dwcp.blocks import ZERO_RUN_BYTES, Chunking, ZeroPiece, cut_pieces
from dwcp.codecs import plaintext_id
from dwcp.errors import SourceChangedError
from dwcp.transfer.sending.chunk_queue import ChunkQueue
from dwcp.transfer.sending.ledger import Ledger
from dwcp.transfer.sending.loading import load
from dwcp.transfer.sending.part import FileKey, Part
from dwcp.transfer.sending.region import Place
from dwcp.transfer.sending.source import Source

__all__ = ["Older", "OtherFile", "Sibling", "other_file", "places_of"]

_PAGE_BYTES = 4 * ZERO_RUN_BYTES
_LEAD_BYTES = ZERO_RUN_BYTES
"""So much before a page cutting begins: nearly always it then cuts the page as the whole file is cut."""
_MOST_PAGES = 4


class Older(Protocol):
    """An older version of a file that is being sent."""

    @property
    def size_bytes(self) -> int:
        """Of the older version."""
        ...

    def near(self, begin: int, end: int) -> list[Place]:
        """Chunks that overlap a range, which the receiver has or may have, in order."""
        ...

    def read(self, places: list[Place]) -> bytes | None:
        """Their plaintexts, one after the other; None where they are not there any more."""
        ...


class Sibling:
    """An earlier file of this session; its chunks count once the receiver has them."""

    def __init__(self, source: Source, ledger: Ledger, queue: ChunkQueue, file: FileKey) -> None:
        self._source, self._ledger, self._queue, self._file = source, ledger, queue, file

    @property
    def size_bytes(self) -> int:
        """Of the earlier file."""
        return self._file.size_bytes

    def near(self, begin: int, end: int) -> list[Place]:
        """Chunks that overlap a range and have arrived."""
        found: list[Place] = []
        for part in self._ledger.near(self._file, begin, end):
            is_held = self._queue.held_at_receiver(part.first, part.end)
            for number, place in enumerate(places_of(part), part.first):
                if place.end > begin and place.offset < end and (is_held or self._has(number)):
                    found.append(place)
        return found

    def read(self, places: list[Place]) -> bytes | None:
        """Read again and verified."""
        parts = [Part(0, self._file, place.offset, [place.length], place.chunk_id) for place in places]
        try:
            return b"".join(load(self._source, parts))
        except SourceChangedError:
            return None

    def _has(self, number: int) -> bool:
        return self._queue.held_at_receiver(number, number + 1)


class OtherFile:
    """A file of another tree, which the receiver may hold; it is cut where it is needed, a page at a time.

    Cutting begins somewhere before the page, where a zero run could begin, and soon cuts where the whole file
    would be cut; the receiver says so where that, or the guess that it has these chunks, was wrong.
    """

    def __init__(self, path: Path, size_bytes: int, chunking: Chunking) -> None:
        self._path, self._size_bytes, self._chunking = path, size_bytes, chunking
        self._pages: OrderedDict[int, list[Place]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """Of that file."""
        return self._size_bytes

    def near(self, begin: int, end: int) -> list[Place]:
        """Chunks that overlap a range."""
        first = max(begin - self._chunking.max_bytes, 0) // _PAGE_BYTES
        last = min(end, self._size_bytes - 1) // _PAGE_BYTES
        with self._lock:
            places = [place for page in range(first, last + 1) for place in self._page(page)]
        return [place for place in places if place.end > begin and place.offset < end]

    def _page(self, number: int) -> list[Place]:
        """Chunks that begin in a page."""
        places = self._pages.pop(number, None)
        if places is None:
            begin, end = number * _PAGE_BYTES, (number + 1) * _PAGE_BYTES
            start = max(begin - _LEAD_BYTES, 0)
            window = self._read(start, min(end + self._chunking.max_bytes, self._size_bytes) - start)
            cut = [] if window is None else _cut(window, start, self._chunking)
            places = [place for place in cut if begin <= place.offset < end]
        self._pages[number] = places
        if len(self._pages) > _MOST_PAGES:
            self._pages.popitem(last=False)
        return places

    def read(self, places: list[Place]) -> bytes | None:
        """Read again and verified."""
        found = []
        for place in places:
            plain = self._read(place.offset, place.length)
            if plain is None or plaintext_id(plain) != place.chunk_id:
                return None
            found.append(plain)
        return b"".join(found)

    def _read(self, offset: int, length: int) -> bytes | None:
        if length <= 0:
            return None
        try:
            with self._path.open("rb") as file:
                plain = os.pread(file.fileno(), length, offset)
        except OSError:
            return None
        return plain if len(plain) == length else None


def other_file(roots: tuple[Path, ...], path: bytes, chunking: Chunking) -> OtherFile | None:
    """The file of another tree at the same place.

    Args:
        roots: of other trees; or files, where the source is a file.
        path: below the source, its own name first.
        chunking: how the source is cut.
    """
    name, _, below = path.partition(b"/")
    for root in roots:
        candidates = [root / os.fsdecode(below)] if below else [root, root / os.fsdecode(name)]
        for candidate in candidates:
            try:
                found = candidate.lstat()
            except OSError:
                continue
            if stat.S_ISREG(found.st_mode) and found.st_size:
                return OtherFile(candidate, found.st_size, chunking)
    return None


def places_of(part: Part) -> list[Place]:
    """The chunks of a part."""
    places = []
    offset = part.offset
    for place, length in enumerate(part.lengths):
        places.append(Place(offset, length, part.id_of(place)))
        offset += length
    return places


def _cut(window: bytes, start: int, chunking: Chunking) -> list[Place]:
    places: list[Place] = []
    for piece in cut_pieces(window, chunking):
        if isinstance(piece, ZeroPiece):
            continue
        offset = start + piece.offset
        for length, chunk_id in zip(piece.lengths, piece.ids, strict=True):
            places.append(Place(offset, length, chunk_id))
            offset += length
    return places
