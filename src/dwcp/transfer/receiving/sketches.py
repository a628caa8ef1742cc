"""Sketches: what parts of an old version look like, so that the sender can name what the new one shares.

A part is cut into pieces of about 1 KiB, and each told by 8 bytes of XXH3. The sender cuts its plaintext the
same way; the pieces that both have, one after the other, are the reference of a delta.
"""

from array import array
from collections.abc import Callable, Iterable
from itertools import accumulate
from threading import Lock

import xxhash
from msgspec import Struct

from dwcp.blocks import Chunking
from dwcp.errors import ProtocolError
from dwcp.transfer.protocol import MAX_SKETCH_PIECES, Sketch, Span
from dwcp.transfer.receiving.gaps import Gap

__all__ = ["PIECES", "Sketches"]

PIECES = Chunking(256, 1024, 4096)
"""How parts are cut."""
_MIN_PART_BYTES = 512
_MAX_OPEN_PIECES = 1 << 20
_SWEEP_EVERY = 64
_MIN_IDLE = 64
_IDLE_PER_USED = 16


class _Open(Struct):
    path: bytes
    begin: int
    lengths: "array[int]"
    span: Span
    is_used: bool = False


class Sketches:
    """The sketches that the sender may still name. Drawn by one thread, used by any."""

    def __init__(self, read: Callable[[bytes, int, int], bytes], is_complete: Callable[[Span], bool]) -> None:
        """Have drawn none.

        Args:
            read: reads of a file at the destination, by path: so many bytes from an offset.
            is_complete: whether all chunks of a span are verified, so that its sketch may be forgotten.
        """
        self._read = read
        self._is_complete = is_complete
        self._open: dict[int, _Open] = {}
        self._next = 0
        self._pieces = 0
        self._used = 0
        self._idle = 0
        self._lock = Lock()

    def draw(self, path: bytes, found: Iterable[Gap]) -> list[Sketch]:
        """Draw those parts of an old version that missing chunks may have come from.

        Nothing is drawn while too many are open, or once it has turned out that the sender has no use for
        them.
        """
        drawn = []
        for gap in found:
            if self._next % _SWEEP_EVERY == 0:
                self._sweep()
            if self._pieces >= _MAX_OPEN_PIECES or self._idle > _MIN_IDLE + _IDLE_PER_USED * self._used:
                break
            sketch = self._draw(path, gap)
            if sketch is not None:
                drawn.append(sketch)
        return drawn

    def reference(self, number: int, matched: bytes) -> bytes | None:
        """The pieces of a sketch that the sender names, one after the other, as they lie here now.

        Args:
            number: of the sketch.
            matched: one bit a piece, bit 0 of byte 0 first.

        Returns:
            None where the sketch is forgotten.

        Raises:
            ProtocolError: it was never drawn, or the bits are not as many as its pieces.
        """
        if number >= self._next:
            raise ProtocolError(f"a bundle names sketch {number}, and only {self._next} were drawn")
        with self._lock:
            sketch = self._open.get(number)
        if sketch is None:
            return None
        pieces = len(sketch.lengths)
        if len(matched) != (pieces + 7) // 8 or int.from_bytes(matched, "little") >> pieces:
            raise ProtocolError(
                f"a bundle names {8 * len(matched)} pieces of sketch {number}, which has {pieces}"
            )
        sketch.is_used = True
        end = sketch.begin + sum(sketch.lengths)
        part = self._read(sketch.path, sketch.begin, end - sketch.begin)
        ends = list(accumulate(sketch.lengths))
        return b"".join(
            part[end - length : end]
            for each, (length, end) in enumerate(zip(sketch.lengths, ends, strict=True))
            if matched[each >> 3] >> (each & 7) & 1
        )

    def _draw(self, path: bytes, gap: Gap) -> Sketch | None:
        part = memoryview(self._read(path, gap.begin, gap.end - gap.begin)) if gap.end > gap.begin else b""
        if len(part) < _MIN_PART_BYTES:
            return None
        lengths = PIECES.pieces(part)[:MAX_SKETCH_PIECES]
        digests = []
        begin = 0
        for length in lengths:
            digests.append(xxhash.xxh3_64_intdigest(part[begin : begin + length]))
            begin += length
        number, span = self._next, (gap.first, gap.chunks)
        with self._lock:
            self._open[number] = _Open(path, gap.begin, array("H", lengths), span)
            self._next += 1
            self._pieces += len(lengths)
        return Sketch(number, span, _little_endian(digests))

    def _sweep(self) -> None:
        """Forget the sketches whose chunks are all there."""
        with self._lock:
            over = [number for number, sketch in self._open.items() if self._is_complete(sketch.span)]
            for number in over:
                sketch = self._open.pop(number)
                self._pieces -= len(sketch.lengths)
                self._used += sketch.is_used
                self._idle += not sketch.is_used


def _little_endian(numbers: list[int]) -> bytes:
    return b"".join(number.to_bytes(8, "little") for number in numbers)
