"""What a block looks like: features of its 32-byte windows and of its 8-byte windows.

A gear hash (W. Xia et al., "FastCDC", USENIX ATC 2016) is taken of every window; windows are sampled by
their hash, and each feature is the greatest value of one linear transform over the sampled hashes. Two
blocks share a feature with the probability that a sampled window of either is one of both (A. Broder, "On
the resemblance and containment of documents", 1997). Source: X. Zou et al., "Odess: Speeding up
Resemblance Detection for Redundancy Elimination by Fast Content-Defined Sampling", ICDE 2021.

The hash of a window of ``2 w`` bytes is made of two of ``w`` bytes, for all windows at once: five passes for
32 bytes, of which the third gives the hash for 8.
"""

import hashlib
import threading
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dwcp.codecs import Buffer
from dwcp.codecs.buffers import byte_view
from dwcp.tasks.dedup.contract import FEATURES, GRAMS

__all__ = ["SKETCH", "Sketch", "short_samples", "sketch"]

Sketch = NDArray[np.void]
"""A record of `SKETCH`."""
SKETCH = np.dtype([("features", "<u4", FEATURES), ("grams", "u1", GRAMS)])
"""What is kept of a block to find and to judge others by."""

_WINDOW, _SHORT_WINDOW = 32, 8
_SAMPLE_BITS, _SHORT_SAMPLE_BITS = 7, 5
_LEAST_SAMPLES = 16
_STEP = 64 * 1024
"""Windows are hashed so many at a time, so that what is worked on stays in the processor's cache."""
_AT_ONCE = 1024


def _numbers(of_what: bytes, count: int) -> NDArray[np.uint32]:
    """Constants with nothing up the sleeve: the same on every machine and in every version."""
    return np.frombuffer(hashlib.shake_128(b"dwcp dedup " + of_what).digest(4 * count), "<u4").astype(
        np.uint32
    )


_GEAR = _numbers(b"gear", 256)
_FACTORS = _numbers(b"factors", FEATURES + GRAMS) | np.uint32(1)
_TERMS = _numbers(b"terms", FEATURES + GRAMS)
_SPREAD, _MIX = np.uint32(0x9E3779B1), np.uint32(0x85EBCA6B)
_scratch = threading.local()


class _Buffers(NamedTuple):
    """Room for one step: where each byte's number stands in the table, and what is made of it."""

    at: NDArray[np.intp]
    hashes: NDArray[np.uint32]
    shifted: NDArray[np.uint32]
    short: NDArray[np.uint32]


def sketch(plain: Buffer) -> Sketch | None:
    """Features of a block. Safe from any thread; the interpreter lock is released for most of it.

    Args:
        plain: the block.

    Returns:
        Its features; None for a block of fewer than 32 bytes.
    """
    data = np.frombuffer(byte_view(plain), np.uint8)
    if len(data) < _WINDOW:
        return None
    long_samples, short_samples = _samples(data, _SAMPLE_BITS, _SHORT_SAMPLE_BITS)
    if min(len(long_samples), len(short_samples)) < _LEAST_SAMPLES:
        long_samples, short_samples = _samples(data, 0, 0)
    made = np.empty((), SKETCH)
    made["features"] = _greatest(long_samples, slice(FEATURES))
    made["grams"] = _greatest(short_samples, slice(FEATURES, FEATURES + GRAMS)) & np.uint32(0xFF)
    return made


def _samples(
    data: NDArray[np.uint8], bits: int, short_bits: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Hashes of all windows whose hash begins with so many zero bits, long and short windows."""
    found: tuple[list[NDArray[np.uint32]], list[NDArray[np.uint32]]] = ([], [])
    for begin in range(0, len(data) - _WINDOW + 1, _STEP):
        hashes = _hashes(data[begin : begin + _STEP + _WINDOW - 1])
        for kept, windows, zero_bits in zip(found, hashes, (bits, short_bits), strict=True):
            kept.append(_without_runs(windows[windows <= np.uint32(0xFFFFFFFF >> zero_bits)]))
    return np.concatenate(found[0]), np.concatenate(found[1])


def _without_runs(hashes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Each run of one hash once: long stretches of one byte would be transformed again and again."""
    return np.concatenate((hashes[:1], hashes[1:][hashes[1:] != hashes[:-1]]))


def _hashes(data: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Of every long and of every short window; overwritten by the thread's next call."""
    count, buffers = len(data), _buffers()
    at, hashes, shifted, short = (
        buffers.at[:count],
        buffers.hashes[:count],
        buffers.shifted[:count],
        buffers.short[:count],
    )
    np.copyto(at, data)
    np.take(_GEAR, at, out=hashes, mode="wrap")
    width = 1
    while width < _WINDOW:
        np.left_shift(hashes, np.uint32(width), out=shifted)
        np.add(hashes[width:], shifted[:-width], out=hashes[width:])
        width *= 2
        if width == _SHORT_WINDOW:
            np.multiply(hashes, _SPREAD, out=short)
    return hashes[_WINDOW - 1 :], short[_SHORT_WINDOW - 1 :]


def _buffers() -> "_Buffers":
    """This thread's memory to work in: fresh pages for each block would cost more than the hashing."""
    if not hasattr(_scratch, "buffers"):
        length = _STEP + _WINDOW - 1
        _scratch.buffers = _Buffers(np.empty(length, np.intp), *(np.empty((3, length), np.uint32)))
    buffers: _Buffers = _scratch.buffers
    return buffers


def _greatest(samples: NDArray[np.uint32], which: slice) -> NDArray[np.uint32]:
    """The greatest value of each transform, over all samples."""
    mixed = samples * _MIX
    mixed ^= mixed >> np.uint32(15)
    factors, terms = _FACTORS[which, None], _TERMS[which, None]
    parts = (mixed[begin : begin + _AT_ONCE] for begin in range(0, len(mixed), _AT_ONCE))
    greatest: NDArray[np.uint32] = np.maximum.reduce([(part * factors + terms).max(axis=1) for part in parts])
    return greatest


def short_samples(plain: Buffer) -> NDArray[np.uint32] | None:
    """The sampled hashes of a block's 8-byte windows; None for a block of fewer than 32 bytes."""
    data = np.frombuffer(byte_view(plain), np.uint8)
    if len(data) < _WINDOW:
        return None
    samples = _samples(data, 32, _SHORT_SAMPLE_BITS)[1]
    return samples if len(samples) >= _LEAST_SAMPLES else _samples(data, 32, 0)[1]
