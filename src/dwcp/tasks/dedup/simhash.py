"""SimHash with locality-sensitive hashing: the published design, to hold super-features against.

A block's 128 bits are the signs of sums over its sampled 8-byte windows (M. Charikar, "Similarity Estimation
Techniques from Rounding Algorithms", STOC 2002). Of blocks that agree in one of eight bands of 16 bits the
nearest are taken: an unrelated block agrees by chance once in 8,192 times, so that of a million some 120
are looked at.
"""

import numpy as np
from numpy.typing import NDArray

from dwcp.codecs import Buffer
from dwcp.codecs.buffers import byte_view
from dwcp.tasks.dedup.features import short_samples
from dwcp.tasks.dedup.multimap import MultiMap

__all__ = ["BANDS", "BITS", "SimHashIndex", "simhash"]

BITS, BANDS = 128, 8
_MOST_A_BAND = 64
_MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)


def simhash(plain: Buffer) -> NDArray[np.uint16] | None:
    """The bands of a block, 16 bits each; None for a block of fewer than 32 bytes."""
    samples = short_samples(byte_view(plain))
    if samples is None:
        return None
    spread = samples.astype(np.uint64)[:, None] * _MULTIPLIERS
    spread ^= spread >> np.uint64(29)
    spread *= np.uint64(0xBF58476D1CE4E5B9)
    bits = np.unpackbits(spread.view(np.uint8).reshape(len(samples), -1), axis=1)
    return np.packbits(2 * bits.sum(axis=0, dtype=np.int64) > len(samples)).view(np.uint16)


class SimHashIndex:
    """Blocks by number, from 0."""

    def __init__(self) -> None:
        """Begin empty."""
        self._bands = MultiMap()
        self._hashes = np.empty((1024, BANDS), np.uint16)
        self._count = 0

    @property
    def size_bytes(self) -> int:
        """Memory."""
        return self._bands.size_bytes + self._hashes.nbytes

    def add(self, bands: NDArray[np.uint16]) -> int:
        """Know a block; gives its number."""
        if self._count == len(self._hashes):
            self._hashes = np.concatenate((self._hashes, np.empty_like(self._hashes)))
        self._hashes[self._count] = bands
        self._bands.add(_keys(bands), self._count)
        self._count += 1
        return self._count - 1

    def find(self, bands: NDArray[np.uint16], most: int) -> tuple[list[int], int]:
        """The nearest blocks, and how many were looked at."""
        lists = self._bands.find(_keys(bands), _MOST_A_BAND)
        numbers = np.array(sorted({number for found in lists for number in found}), np.intp)
        distances = np.bitwise_count(self._hashes[numbers] ^ bands).sum(axis=1, dtype=np.int64)
        nearest: list[int] = numbers[np.argsort(distances, kind="stable")[:most]].tolist()
        return nearest, len(numbers)


def _keys(bands: NDArray[np.uint16]) -> list[int]:
    return [band << 16 | value for band, value in enumerate(bands.tolist())]
