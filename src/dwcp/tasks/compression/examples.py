"""Simulated blocks, in the form of measured ones: for tiny models, golden vectors and conformance."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dwcp.codecs.facts import BlockFacts, Probe, ReferenceFacts
from dwcp.simulate.compression import KINDS, BlockTable, iterate_blocks
from dwcp.tasks.compression.contract import CANDIDATES, Action, Outcome
from dwcp.tasks.compression.measure import MeasuredBlock, ReferenceKind

__all__ = ["PROBES", "iterate_simulated_blocks", "simulated_blocks"]

_KIB = 1024
_BLOCKS_A_FILE = 4.0

PROBES = {
    "lz4_light": ("lz4", 4 * _KIB, 4),
    "lz4": ("lz4", 64 * _KIB, 2),
    "zstd_fast": ("zstd-1", 64 * _KIB, 2),
    "zstd_strong": ("zstd-9", 64 * _KIB, 2),
    "zstd_whole": ("zstd-1", 512 * _KIB, 1),
    "delta": ("delta-1", 512 * _KIB, 1),
}
"""Codec, bytes of a sample and samples of each probe, as `dwcp.codecs.probe` takes them."""

_NAMES = tuple(action.name for action in CANDIDATES)
_PLAIN = [position for position, action in enumerate(CANDIDATES) if not action.use_reference]
_ALL = list(range(len(CANDIDATES)))


def simulated_blocks(count: int, rng: np.random.Generator) -> list[MeasuredBlock]:
    """Draw blocks of made-up files, a few of each, with correlated outcomes of every candidate.

    Raises:
        InputError: the count is below 1.
    """
    return list(iterate_simulated_blocks(count, rng))


def iterate_simulated_blocks(count: int, rng: np.random.Generator) -> Iterator[MeasuredBlock]:
    """The same blocks one by one, so that any number fits in memory.

    Raises:
        InputError: the count is below 1.
    """
    tables = iterate_blocks(count, _NAMES, rng, mean_blocks_a_file=_BLOCKS_A_FILE)
    return (block for table in tables for block in _blocks(table))


def _blocks(table: BlockTable) -> Iterator[MeasuredBlock]:
    offsets = (table.block_index * table.block_bytes).tolist()
    files = zip(table.kind.tolist(), table.file_id.tolist(), strict=True)
    rows = zip(
        [f"{KINDS[kind].name}-{file}" for kind, file in files],
        offsets,
        table.has_reference.tolist(),
        _facts(table),
        _outcomes(table),
        table.calibration_ms_per_mib.tolist(),
        strict=True,
    )
    for file, offset_bytes, has_reference, facts, outcomes, speed in rows:
        yield MeasuredBlock(
            file=file,
            family=file,
            offset_bytes=offset_bytes,
            reference_kind=ReferenceKind.REAL if has_reference else ReferenceKind.NONE,
            facts=facts,
            outcomes=outcomes,
            speed=tuple(zip(_NAMES, speed, strict=True)),
        )


def _facts(table: BlockTable) -> Iterator[BlockFacts]:
    statistics = (
        table.block_bytes,
        table.entropy_bits,
        table.difference_entropy_bits,
        table.stride_entropy_bits,
        table.zero_share,
        table.text_share,
        table.repeat_share,
    )
    *plain, delta = (_probes(table, *probe) for probe in PROBES.values())
    references = (
        ReferenceFacts(window_bytes, similarity, probe) if has_reference else None
        for has_reference, window_bytes, similarity, probe in zip(
            table.has_reference.tolist(),
            table.reference_bytes.tolist(),
            table.similarity.tolist(),
            delta,
            strict=True,
        )
    )
    return map(BlockFacts, *(column.tolist() for column in statistics), *plain, references)


def _probes(table: BlockTable, codec: str, sample_bytes: int, samples: int) -> Iterator[Probe]:
    """One a block; of no meaning for a delta without a reference."""
    probe = table.probe(codec, sample_bytes, samples)
    return map(Probe, (1 / probe.ratio).tolist(), (1048.576 / probe.speed_mb_per_s).tolist())


def _outcomes(table: BlockTable) -> Iterator[dict[Action, Outcome]]:
    rows = zip(
        table.has_reference.tolist(),
        np.nan_to_num(table.stored_bytes).astype(np.int64),
        table.compress_ms,
        table.decompress_ms,
        strict=True,
    )
    for has_reference, *measures in rows:
        yield _of_row(_ALL if has_reference else _PLAIN, *measures)


def _of_row(
    usable: list[int],
    stored_bytes: NDArray[np.int64],
    compress_ms: NDArray[np.float64],
    decompress_ms: NDArray[np.float64],
) -> dict[Action, Outcome]:
    measured = (row[usable].tolist() for row in (stored_bytes, compress_ms, decompress_ms))
    return dict(zip((CANDIDATES[position] for position in usable), map(Outcome, *measured), strict=True))
