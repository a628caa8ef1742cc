"""Look at a block: byte statistics and fast codecs on a sample.

The looking must stay cheap beside the link. One decision serves a run of blocks; `affordable_look` says how
deeply, and at how many of them, a run may be looked at for one per cent of the time that its raw data take on
the wire; a run that is over in a moment is better not looked at. `affordable_depth` is the depth of a
run of full length (`RUN_S`).
"""

import time
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dwcp.codecs.buffers import Buffer, byte_view
from dwcp.codecs.codec import Codec
from dwcp.codecs.delta import MIN_REFERENCE_BYTES, Delta
from dwcp.codecs.facts import BlockFacts, Probe, ProbeDepth, ReferenceFacts
from dwcp.codecs.frame import unpack
from dwcp.codecs.lz4 import Lz4
from dwcp.codecs.reference import Reference
from dwcp.codecs.zstd import Zstd

__all__ = ["RUN_S", "Look", "affordable_depth", "affordable_look", "looked_at", "probe_block", "run_blocks"]

RUN_S = 2.0
"""One decision serves a run of blocks: about this many seconds of the link, so that asking stays below 1%."""

_KIB = 1024
_MIB = 1024 * 1024
_DEEPEST_MBPS = ((2000.0, ProbeDepth.DEEP), (12_000.0, ProbeDepth.MEDIUM), (50_000.0, ProbeDepth.LIGHT))
_MOST_BLOCKS = 1024
_LOOKED_AT = 4
_SHARE = 0.01
_LOOK_MS = (0.1, 0.3, 0.5, 2.0)
"""What a look at one block takes at each depth, in round milliseconds of a server's core."""
_ASKING_MS = 0.2
_TEXT_BYTES = np.array([9, 10, 13, *range(32, 127)])
_NEEDLE_BYTES = 32


def affordable_depth(bandwidth_mbps: float) -> ProbeDepth:
    """The deepest look a link of this bandwidth affords."""
    for limit_mbps, depth in _DEEPEST_MBPS:
        if bandwidth_mbps <= limit_mbps:
            return depth
    return ProbeDepth.STATISTICS


def run_blocks(bandwidth_mbps: float, block_bytes: int) -> int:
    """How many blocks one decision serves at this bandwidth: at least 1, at most 1024."""
    return int(min(max(bandwidth_mbps * 1e6 / 8 * RUN_S / max(block_bytes, 1), 1), _MOST_BLOCKS))


class Look(Struct, frozen=True):
    """What a run affords.

    Attributes:
        depth: how deeply.
        blocks: at how many of its blocks, at most.
    """

    depth: ProbeDepth
    blocks: int


def affordable_look(bandwidth_mbps: float, run_bytes: int) -> Look | None:
    """The deepest look at a run that stays within its share; None when not even asking pays.

    Args:
        bandwidth_mbps: of the link.
        run_bytes: plain bytes that the decision will serve.
    """
    budget_ms = _SHARE * run_bytes * 8e-3 / bandwidth_mbps - _ASKING_MS
    for depth in range(affordable_depth(bandwidth_mbps), -1, -1):
        if _LOOK_MS[depth] <= budget_ms:
            return Look(ProbeDepth(depth), min(int(budget_ms / _LOOK_MS[depth]), _LOOKED_AT))
    return None


def looked_at(blocks: int, most: int = _LOOKED_AT) -> list[int]:
    """Which blocks of a run to look at: up to ``most``, evenly spread, the first among them."""
    wanted = min(blocks, most)
    return [place * blocks // wanted for place in range(wanted)]


def probe_block(
    block: Buffer, depth: ProbeDepth = ProbeDepth.DEEP, reference: Reference | None = None
) -> BlockFacts:
    """Look at a block as deeply as told.

    Args:
        block: the plain bytes.
        depth: which probes to run.
        reference: what a delta would be encoded against, narrowed to the window the encoder would see.
    """
    view = byte_view(block)
    started = time.thread_time_ns()
    statistics = _statistics(view)
    light = depth >= ProbeDepth.LIGHT
    medium = depth >= ProbeDepth.MEDIUM
    usable = reference is not None and len(reference.view) >= MIN_REFERENCE_BYTES
    lz4_light = _probe(Lz4(), _pieces(view, 4, 4 * _KIB)) if light else None
    lz4 = _probe(Lz4(), _pieces(view, 2, 64 * _KIB)) if light else None
    zstd_fast = _probe(Zstd(1), _pieces(view, 2, 64 * _KIB)) if medium else None
    zstd_strong = _probe(Zstd(9), _pieces(view, 2, 64 * _KIB)) if depth >= ProbeDepth.DEEP else None
    zstd_whole = _probe(Zstd(1), _pieces(view, 1, 512 * _KIB)) if depth >= ProbeDepth.DEEP else None
    found = _look_at_reference(view, reference, medium) if reference is not None and usable else None
    probe_ms = (time.thread_time_ns() - started) / 1e6
    probes = (lz4_light, lz4, zstd_fast, zstd_strong, zstd_whole)
    return BlockFacts(len(view), *statistics, *probes, found, probe_ms)


def _statistics(view: memoryview) -> tuple[float, float, float, float, float, float]:
    sample = np.frombuffer(b"".join(_pieces(view, 16, _KIB)), np.uint8)
    if sample.size < 3:
        return 0.0, 0.0, 0.0, float(np.mean(sample == 0)) if sample.size else 0.0, 0.0, 0.0
    counts = np.bincount(sample, minlength=256)
    steps = np.bincount(np.diff(sample), minlength=256)
    strides = np.bincount(sample[2:] - sample[:-2], minlength=256)
    return (
        _entropy_bits(counts),
        _entropy_bits(steps),
        _entropy_bits(strides),
        float(counts[0] / sample.size),
        float(counts[_TEXT_BYTES].sum() / sample.size),
        float(steps[0] / (sample.size - 1)),
    )


def _entropy_bits(counts: NDArray[np.intp]) -> float:
    present = counts[counts > 0]
    total = float(present.sum())
    return float(np.log2(total) - (present * np.log2(present)).sum() / total)


def _probe(codec: Codec, pieces: Sequence[memoryview], reference: Reference | None = None) -> Probe:
    plain_bytes = sum(map(len, pieces))
    if plain_bytes == 0:
        return Probe(1.0, 0.0)
    started = time.thread_time_ns()
    stored = [codec.encode(piece, reference) for piece in pieces]
    elapsed_ms = (time.thread_time_ns() - started) / 1e6
    payload_bytes = sum(len(unpack(frame)[1]) for frame in stored)
    return Probe(payload_bytes / plain_bytes, elapsed_ms * _MIB / plain_bytes)


def _pieces(view: memoryview, count: int, size_bytes: int) -> list[memoryview]:
    """Evenly spread, not overlapping; the whole view when it is no longer than the pieces together."""
    if len(view) <= count * size_bytes:
        return [view]
    if count == 1:
        start = (len(view) - size_bytes) // 2
        return [view[start : start + size_bytes]]
    step = (len(view) - size_bytes) // (count - 1)
    return [view[i * step : i * step + size_bytes] for i in range(count)]


def _look_at_reference(view: memoryview, reference: Reference, deep: bool) -> ReferenceFacts:
    window = reference.view
    # Most of a delta's time goes into reading the window, so that a small sample would save little.
    delta = _probe(Delta(1), _pieces(view, 1, 512 * _KIB), reference) if deep and len(view) else None
    return ReferenceFacts(len(window), _same_share(view, window), delta)


def _same_share(view: memoryview, window: memoryview) -> float:
    """Share of sampled needles found in the window at one shift, the better of two guesses."""
    if len(view) < _NEEDLE_BYTES or len(window) < _NEEDLE_BYTES:
        return 0.0
    text, count = bytes(window), 64
    step = max((len(view) - _NEEDLE_BYTES) // count, 1)
    offsets = range(0, len(view) - _NEEDLE_BYTES + 1, step)
    best = 0.0
    for guess in (len(view) // 3, 2 * len(view) // 3):
        start = min(guess, len(view) - _NEEDLE_BYTES)
        found = text.find(view[start : start + _NEEDLE_BYTES])
        if found < 0:
            continue
        shift = found - start
        same = sum(
            view[at : at + _NEEDLE_BYTES] == text[max(at + shift, 0) : at + shift + _NEEDLE_BYTES]
            for at in offsets
        )
        best = max(best, same / len(offsets))
    return best
