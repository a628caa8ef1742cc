"""Sketches: what the receiver says of old versions, in small pieces, matched with what is to be sent."""

import threading
from collections import deque
from collections.abc import Iterable

import xxhash
from msgspec import Struct

from dwcp.blocks import Chunking
from dwcp.codecs import Buffer
from dwcp.transfer.protocol import Sketch

__all__ = ["SKETCH_CHUNKING", "Matched", "Sketches", "digests_of", "match"]

SKETCH_CHUNKING = Chunking(256, 1024, 4096)
"""How both sides cut what they compare."""
_DIGEST_BYTES = 8
_LEAST_SHARE = 0.1
"""Of the bundle must be matched, or the delta is not worth its while."""
_MOST_BYTES = 16 * 1024 * 1024


class Matched(Struct, frozen=True):
    """What of a sketch was found in a bundle.

    Attributes:
        plain: the matched pieces, one after the other in the sketch's order: the reference.
        bits: one a piece of the sketch, bit 0 of byte 0 first.
    """

    plain: bytes
    bits: bytes


class Sketches:
    """Keeps sketches until their chunks have been taken, within a bound. Safe to use from several threads."""

    def __init__(self) -> None:
        self._sketches: deque[Sketch] = deque()
        self._held_bytes = 0
        self._lock = threading.Lock()

    def add(self, sketches: Iterable[Sketch]) -> None:
        """The receiver sent these; those that are out of order, or too many, are of no use."""
        with self._lock:
            for sketch in sketches:
                if self._sketches and sketch.span[0] < sum(self._sketches[-1].span):
                    continue
                self._sketches.append(sketch)
                self._held_bytes += len(sketch.digests)
            while self._held_bytes > _MOST_BYTES:
                self._held_bytes -= len(self._sketches.popleft().digests)

    def find(self, number: int) -> Sketch | None:
        """The sketch for a chunk, asked for in ascending order; None where there is none."""
        with self._lock:
            while self._sketches and sum(self._sketches[0].span) <= number:
                self._held_bytes -= len(self._sketches.popleft().digests)
            sketch = self._sketches[0] if self._sketches else None
            return sketch if sketch is not None and sketch.span[0] <= number else None


def digests_of(plain: Buffer) -> list[tuple[bytes, memoryview]]:
    """Small pieces of a plaintext in order, each with its digest (xxh3-64, little-endian)."""
    view = memoryview(plain)
    found = []
    begin = 0
    for length in SKETCH_CHUNKING.pieces(view):
        piece = view[begin : begin + length]
        found.append((xxhash.xxh3_64_intdigest(piece).to_bytes(_DIGEST_BYTES, "little"), piece))
        begin += length
    return found


def match(sketch: Sketch, plain: Buffer) -> Matched | None:
    """What of a sketch is in a plaintext; None where that is too little to be of use."""
    pieces = dict(digests_of(plain))
    digests = sketch.digests
    bits = bytearray((len(digests) // _DIGEST_BYTES + 7) // 8)
    matched: list[memoryview] = []
    for place in range(len(digests) // _DIGEST_BYTES):
        piece = pieces.pop(digests[place * _DIGEST_BYTES : (place + 1) * _DIGEST_BYTES], None)
        if piece is not None:
            bits[place >> 3] |= 1 << (place & 7)
            matched.append(piece)
    if sum(map(len, matched)) < _LEAST_SHARE * len(plain):
        return None
    return Matched(b"".join(matched), bytes(bits))
