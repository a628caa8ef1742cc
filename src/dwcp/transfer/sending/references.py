"""What bundles may be encoded against: sketches, siblings in the tree, files of other trees.

A plan is made when a bundle's chunks are taken, at next to no cost; the reference itself is looked for when
the bundle is encoded.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterable
from itertools import chain
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from dwcp.blocks import Chunking
from dwcp.codecs import Buffer
from dwcp.transfer.protocol import Sketch
from dwcp.transfer.sending.chunk_queue import ChunkQueue
from dwcp.transfer.sending.ledger import Ledger
from dwcp.transfer.sending.older import Older, OtherFile, Sibling, other_file, places_of
from dwcp.transfer.sending.part import FileKey, Part
from dwcp.transfer.sending.region import Place, Region, find_region
from dwcp.transfer.sending.siblings import MIN_DELTA_FILE_BYTES, Siblings
from dwcp.transfer.sending.sketches import Sketches, match
from dwcp.transfer.sending.source import Source

__all__ = ["Basis", "Plan", "References"]

_MOST_FILES = 1024
_MOST_CHUNKS = 128
_MOST_REFERENCE_BYTES = 4 * 1024 * 1024
_LEAST_REFERENCE_BYTES = 4096
_AROUND = 2
"""A reference is filled up to so many times the bundle with what lies round the part it came from."""
_REACHES_BYTES = (512 * 1024, 2 * 1024 * 1024)
"""How far round its place content is looked for by its ids: first near by, then farther."""
_MOST_REFUSALS = 3
_WORTH = 4
"""A kind of reference is given up when more than one in so many was refused."""

T = TypeVar("T")


class Plan(Struct, frozen=True):
    """Against what a file's chunks may be encoded.

    Attributes:
        key: equal plans have equal keys; a bundle is of one plan.
        file: whose chunks.
        origin: what is given up when the receiver refuses too many.
        sketch: the receiver's; None where there is none.
        older: an older version; None where there is none.
    """

    key: Hashable
    file: FileKey
    origin: Hashable
    sketch: Sketch | None = None
    older: Older | None = None


class Basis(Struct, frozen=True):
    """A reference.

    Attributes:
        plain: its plaintext.
        ids: of the blocks that it is made of; none where it is made of a sketch's pieces.
        sketch: the sketch's number; None where it is made of blocks.
        matched: which of the sketch's pieces.
    """

    plain: bytes
    ids: tuple[bytes, ...]
    sketch: int | None
    matched: bytes


class References:
    """Finds references. Safe to use from several threads.

    Args:
        source: what is sent.
        ledger: of this session.
        queue: knows what the receiver has.
        siblings: earlier files.
        others: older versions of the source, elsewhere.
        chunking: how files are cut.
    """

    def __init__(
        self,
        source: Source,
        ledger: Ledger,
        queue: ChunkQueue,
        siblings: Siblings,
        others: tuple[Path, ...],
        chunking: Chunking,
    ) -> None:
        self._source, self._ledger, self._queue = source, ledger, queue
        self._siblings, self._others, self._chunking = siblings, others, chunking
        self._sketches = Sketches()
        self._older: OrderedDict[int, Older | None] = OrderedDict()
        self._shifts: OrderedDict[int, int] = OrderedDict()
        self._refused: Counter[Hashable] = Counter()
        self._accepted: Counter[Hashable] = Counter()
        self._lock = threading.Lock()

    def take_sketches(self, sketches: Iterable[Sketch]) -> None:
        """The receiver sent these."""
        self._sketches.add(sketches)

    def refused(self, origin: Hashable) -> None:
        """A bundle that was encoded against something of this origin was of no use to the receiver."""
        with self._lock:
            self._refused[origin] += 1

    def accepted(self, origin: Hashable) -> None:
        """A bundle that was encoded against something of this origin served."""
        with self._lock:
            self._accepted[origin] += 1

    def plan(self, part: Part) -> Plan | None:
        """What may serve for a part; parts are asked for in ascending order."""
        file = part.file
        sketch = self._sketches.find(part.first)
        older = self._older_of(file) if file.size_bytes >= MIN_DELTA_FILE_BYTES else None
        by_older = Plan(("older", file.number), file, _origin_of(older, file), older=older)
        # Of an old version that is here all bytes are known, of a sketch its pieces alone.
        if isinstance(older, OtherFile) and not self._is_given_up(by_older.origin):
            return by_older
        if sketch is not None and not self._is_given_up("sketches"):
            return Plan(("sketch", sketch.number, file.number), file, "sketches", sketch=sketch)
        return None if older is None or self._is_given_up(by_older.origin) else by_older

    def basis(self, plan: Plan, parts: list[Part], plain: Buffer) -> Basis | None:
        """The reference for a bundle; None where there is none that is worth it.

        Args:
            plan: of the parts.
            parts: of one file, in order.
            plain: their plaintexts, one after the other.
        """
        if plan.sketch is not None:
            found = match(plan.sketch, plain)
            if found is None:
                return None
            return Basis(found.plain, (), plan.sketch.number, found.bits)
        if plan.older is None:
            return None
        places = self._places(plan.file, plan.older, parts)
        reference = plan.older.read(places) if places else None
        if reference is None:
            return None
        return Basis(reference, tuple(place.chunk_id for place in places), None, b"")

    def _places(self, file: FileKey, older: Older, parts: list[Part]) -> list[Place]:
        """The older version's chunks for each run of chunks in a bundle, then what lies round them.

        They are in order, none twice, so that content that goes on from one to the next is found.
        """
        regions = [self._region(file, older, begin, end) for begin, end in _runs(parts)]
        room = min(_AROUND * sum(part.plain_bytes for part in parts), _MOST_REFERENCE_BYTES)
        chosen: dict[int, Place] = {}
        total = 0
        for places, most_bytes in (
            (chain.from_iterable(region.places for region in regions), _MOST_REFERENCE_BYTES),
            (chain.from_iterable(region.around for region in regions), room),
        ):
            for place in places:
                if len(chosen) == _MOST_CHUNKS or total + place.length > most_bytes:
                    break
                total += 0 if place.offset in chosen else place.length
                chosen[place.offset] = place
        return sorted(chosen.values()) if total >= _LEAST_REFERENCE_BYTES else []

    def _region(self, file: FileKey, older: Older, begin: int, end: int) -> Region:
        """Look near by first, and for farther anchors only where there is none."""
        with self._lock:
            known = self._shifts.get(file.number)
        by_length = begin * older.size_bytes // max(file.size_bytes, 1) - begin
        found = Region([], [], None)
        for shift in dict.fromkeys((0, by_length) if known is None else (known,)):
            for reach_bytes in _REACHES_BYTES:
                found = self._region_at(file, older, range(begin, end), shift, reach_bytes)
                if found.shift is not None:
                    with self._lock:
                        _remember(self._shifts, file.number, found.shift)
                    return found
        return found

    def _region_at(self, file: FileKey, older: Older, run: range, shift: int, reach_bytes: int) -> Region:
        parts = self._ledger.near(file, run.start - reach_bytes, run.stop + reach_bytes)
        new = [place for part in parts for place in places_of(part)]
        low = max(run.start + shift - reach_bytes, 0)
        old = older.near(low, max(run.stop + shift + reach_bytes, low))
        return find_region(run.start, run.stop, new, old, shift)

    def _older_of(self, file: FileKey) -> Older | None:
        with self._lock:
            if file.number in self._older:
                return self._older[file.number]
        sibling = self._siblings.before(file)
        older: Older | None = other_file(self._others, file.path, self._chunking)
        if older is None and sibling is not None:
            older = Sibling(self._source, self._ledger, self._queue, sibling)
        with self._lock:
            _remember(self._older, file.number, older)
        return older

    def _is_given_up(self, origin: Hashable) -> bool:
        refused = self._refused[origin]
        return refused >= _MOST_REFUSALS and _WORTH * refused > self._accepted[origin]


def _origin_of(older: Older | None, file: FileKey) -> Hashable:
    return "others" if isinstance(older, OtherFile) else ("sibling", file.number)


def _runs(parts: list[Part]) -> list[tuple[int, int]]:
    """Ranges of the file that parts in order cover without a gap."""
    runs: list[tuple[int, int]] = []
    for part in parts:
        end = part.offset + part.plain_bytes
        if runs and runs[-1][1] == part.offset:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((part.offset, end))
    return runs


def _remember(memory: OrderedDict[int, T], number: int, value: T) -> None:
    """Keep a value of a file, and of the latest files alone."""
    memory[number] = value
    if len(memory) > _MOST_FILES:
        memory.popitem(last=False)
