"""Reads of numbered blocks, each pattern by itself: what caches and prefetchers are good and bad at."""

from collections.abc import Iterator

import numpy as np

from dwcp.simulate.access.read import Read

__all__ = ["cold_reads", "drifting_popularity", "interleaved_streams", "random_reads", "repeated_loop"]

_SPACE = 1 << 40
_LOOP_SKIPPED = 0.02
_MEAN_STREAM = 64


def cold_reads(reads: int, rng: np.random.Generator) -> Iterator[Read]:
    """Blocks that are read once, anywhere: nothing helps."""
    return (Read(int(block)) for block in rng.choice(_SPACE, reads))


def random_reads(reads: int, blocks: int, rng: np.random.Generator) -> Iterator[Read]:
    """Uniform among so many blocks: a cache helps by its size, prefetching never."""
    return (Read(int(block)) for block in rng.integers(blocks, size=reads))


def repeated_loop(reads: int, blocks: int, rng: np.random.Generator) -> Iterator[Read]:
    """The same scattered blocks in the same order, again and again; one in fifty is skipped.

    A cache of least recently used blocks that is smaller than the loop never hits.
    """
    loop = rng.choice(_SPACE, blocks)
    skipped = rng.random(2 * reads) < _LOOP_SKIPPED
    places = np.flatnonzero(~skipped)[:reads] % blocks
    return (Read(int(block)) for block in loop[places])


def drifting_popularity(
    reads: int, blocks: int, exponent: float, swaps_per_read: float, rng: np.random.Generator
) -> Iterator[Read]:
    """Independent reads by Zipf's law, while pairs of blocks trade their popularity at a rate."""
    weights = np.arange(1, blocks + 1, dtype=float) ** -exponent
    ranks = rng.choice(blocks, reads, p=weights / weights.sum())
    names = rng.permutation(blocks)
    swaps = rng.poisson(swaps_per_read, reads)
    for rank, count in zip(ranks, swaps, strict=True):
        for _ in range(count):
            pair = rng.integers(blocks, size=2)
            names[pair] = names[pair[::-1]]
        yield Read(int(names[rank]))


def interleaved_streams(
    reads: int, streams: int, noise_share: float, rng: np.random.Generator
) -> Iterator[Read]:
    """Readers that each go on by one block, taking turns at random; a share of reads goes anywhere.

    A stream ends after a geometric number of blocks, 64 in the mean, and another begins elsewhere.
    """
    heads = rng.integers(_SPACE, size=streams)
    for turn, noise, ends in zip(
        rng.integers(streams, size=reads),
        rng.random(reads) < noise_share,
        rng.random(reads) < 1 / _MEAN_STREAM,
        strict=True,
    ):
        if noise:
            yield Read(int(rng.integers(_SPACE)))
            continue
        heads[turn] = int(rng.integers(_SPACE)) if ends else heads[turn] + 1
        yield Read(int(heads[turn]))
