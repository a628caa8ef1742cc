"""Draw blocks with the outcome of every candidate, in batches of bounded memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from dwcp.errors import InputError
from dwcp.simulate.compression.blocks import BlockTable
from dwcp.simulate.compression.codecs import CODEC_MODELS, CodecModel, DeltaModel, model_of
from dwcp.simulate.compression.contents import KINDS, Floats, Latents, draw_latents
from dwcp.simulate.compression.physics import (
    References,
    coded_bytes,
    coding_ns,
    delta_bytes,
    delta_compress_ns,
    delta_decompress_ns,
)
from dwcp.simulate.compression.samples import sampled_statistics
from dwcp.simulate.compression.textures import draw_textures

__all__ = ["iterate_blocks", "simulate_blocks"]

_FILES_PER_BATCH = 256
_MEAN_BLOCKS, _MOST_BLOCKS = 16.0, 128
_BLOCK_BYTES = np.array([64, 128, 256, 512, 1024, 4096], dtype=np.int64) * 1024
_BLOCK_WEIGHTS = np.array([0.2, 0.15, 0.2, 0.15, 0.2, 0.1])
_HOSTS = 32
_SIMILARITY_HASHES = 128
_CALIBRATION_BYTES = 256 * 1024
_CALIBRATION = Latents(
    *(np.array([value]) for value in (0.0, 0.0, 4.4, 5.15, 1.65, 1.0, 6.16, 1.0)),
)
"""Data that is the same on every host: words by Zipf's law, counters and numbers, fitted to real codecs."""
_CALIBRATION_EDITS = References(*(np.array([value]) for value in (1e-3, 64.0, 1.0)))

Ints = NDArray[np.int64]


def simulate_blocks(count: int, candidates: Sequence[str], rng: np.random.Generator) -> BlockTable:
    """Draw ``count`` blocks of many files on a few dozen hosts, as one table.

    Args:
        count: how many blocks, at least 1.
        candidates: names among `CANDIDATES`; deltas count only where a block has a reference.
        rng: source of randomness; the same seed gives the same blocks.

    Raises:
        InputError: a count below 1, no candidate, one named twice, or an unknown one.
    """
    return _concatenate(list(iterate_blocks(count, candidates, rng)))


def iterate_blocks(
    count: int,
    candidates: Sequence[str],
    rng: np.random.Generator,
    *,
    mean_blocks_a_file: float = _MEAN_BLOCKS,
) -> Iterator[BlockTable]:
    """The blocks of `simulate_blocks`, a few thousand at a time.

    Args:
        count: how many blocks, at least 1.
        candidates: names among `CANDIDATES`.
        rng: source of randomness.
        mean_blocks_a_file: at least 1; file lengths are geometric about it, up to 128 blocks.

    Raises:
        InputError: as `simulate_blocks`, at once and not at the first batch; or files of less than a block.
    """
    if count < 1:
        raise InputError(f"at least one block must be simulated, not {count}")
    if not candidates or len(set(candidates)) != len(candidates):
        raise InputError(f"candidates must be named once each, and at least one: {list(candidates)}")
    if not 1 <= mean_blocks_a_file < float("inf"):
        raise InputError(f"a file has at least one block, not {mean_blocks_a_file:g} in the mean")
    models = [model_of(name) for name in candidates]
    return _batches(count, models, mean_blocks_a_file, rng)


@dataclass(frozen=True, slots=True)
class _Hosts:
    """Log time factors: of each host, and of each codec on it beyond that; and what calibrating gives."""

    overall: Floats
    by_codec: Floats
    calibration_ms_per_mib: Floats


@dataclass(frozen=True, slots=True)
class _Files:
    """Columns of a batch's files, shape ``(files,)``."""

    kind: Ints
    length: Ints
    host: Ints
    block_bytes: Ints
    has_reference: NDArray[np.bool_]
    age: Ints
    edit_rate: Floats
    edit_bytes: Floats
    window_ratio: Floats


def _batches(
    count: int, models: Sequence[CodecModel | DeltaModel], mean_blocks: float, rng: np.random.Generator
) -> Iterator[BlockTable]:
    hosts = _draw_hosts(models, rng)
    first_file = 0
    while count > 0:
        files = _draw_files(mean_blocks, rng)
        table = _draw_table(files, first_file, hosts, models, rng)
        table = table.rows(0, min(count, len(table)))
        yield table
        count -= len(table)
        first_file += len(files.kind)


def _draw_hosts(models: Sequence[CodecModel | DeltaModel], rng: np.random.Generator) -> _Hosts:
    overall, by_codec = rng.normal(0, 0.25, _HOSTS), rng.normal(0, 0.05, (_HOSTS, len(CODEC_MODELS)))
    size, nothing = np.array([float(_CALIBRATION_BYTES)]), np.zeros((1, len(CODEC_MODELS)))
    known = _Known(_CALIBRATION, _CALIBRATION_EDITS, size, np.exp(nothing), nothing)
    compress_ms = [_outcome(known, model, np.array([True]))[1] for model in models]
    bases = [CODEC_MODELS.index(model if isinstance(model, CodecModel) else model.base) for model in models]
    slowness = overall[:, None] + by_codec[:, bases] + rng.normal(0, 0.01, (_HOSTS, len(models)))
    calibration = np.array(compress_ms).T * np.exp(slowness) * (1024 * 1024 / _CALIBRATION_BYTES)
    return _Hosts(overall, by_codec, calibration)


def _draw_files(mean_blocks: float, rng: np.random.Generator) -> _Files:
    weights = np.array([kind.share for kind in KINDS])
    kind = rng.choice(len(KINDS), _FILES_PER_BATCH, p=weights / weights.sum())
    column = {
        name: np.array([getattr(one, name) for one in KINDS])[kind]
        for name in ("reference_share", "edit_rate", "edit_bytes")
    }
    return _Files(
        kind=kind,
        length=np.minimum(rng.geometric(1 / mean_blocks, _FILES_PER_BATCH), _MOST_BLOCKS),
        host=rng.integers(_HOSTS, size=_FILES_PER_BATCH),
        block_bytes=rng.choice(_BLOCK_BYTES, _FILES_PER_BATCH, p=_BLOCK_WEIGHTS),
        has_reference=rng.random(_FILES_PER_BATCH) < column["reference_share"],
        age=rng.geometric(0.4, _FILES_PER_BATCH),
        edit_rate=column["edit_rate"] * np.exp(rng.normal(0, 0.8, _FILES_PER_BATCH)),
        edit_bytes=np.maximum(16.0, column["edit_bytes"] * np.exp(rng.normal(0, 0.5, _FILES_PER_BATCH))),
        window_ratio=rng.choice([1.0, 2.0, 4.0], _FILES_PER_BATCH),
    )


def _draw_table(
    files: _Files,
    first_file: int,
    hosts: _Hosts,
    models: Sequence[CodecModel | DeltaModel],
    rng: np.random.Generator,
) -> BlockTable:
    latents = draw_latents(files.kind, files.length, rng)
    of = np.repeat(np.arange(len(files.kind)), files.length)
    host = files.host[of]
    has_reference = files.has_reference[of]
    references = _references(files, of, latents)
    similarity = rng.binomial(_SIMILARITY_HASHES, 1 - references.changed_share) / _SIMILARITY_HASHES
    slowness = np.exp(hosts.overall[host][:, None] + hosts.by_codec[host] + _noise(of, 0.05, 0.02, rng))
    deviation = _noise(of, 0.012, 0.002, rng)
    block_bytes = files.block_bytes[of]
    size = block_bytes.astype(np.float64)
    known = _Known(latents, references, size, slowness, deviation)
    outcomes = np.stack([_outcome(known, model, has_reference) for model in models], axis=2)
    outcomes[1:] *= np.exp(rng.normal(0, 0.01, outcomes[1:].shape))
    sampling = rng.standard_normal((len(of), 5))
    statistics = sampled_statistics(latents, draw_textures(files.kind, of, rng), sampling, size, rng)
    return BlockTable(
        candidates=tuple(model.name for model in models),
        kind=files.kind[of],
        file_id=of + first_file,
        block_index=np.arange(len(of)) - np.repeat(np.cumsum(files.length) - files.length, files.length),
        host_id=host,
        block_bytes=block_bytes,
        entropy_bits=statistics.entropy_bits,
        difference_entropy_bits=statistics.difference_entropy_bits,
        stride_entropy_bits=statistics.stride_entropy_bits,
        zero_share=statistics.zero_share,
        text_share=statistics.text_share,
        repeat_share=statistics.repeat_share,
        has_reference=has_reference,
        similarity=np.where(has_reference, similarity, 0.0),
        reference_age=np.where(has_reference, files.age[of], 0),
        reference_bytes=np.where(has_reference, block_bytes * files.window_ratio[of], 0).astype(np.int64),
        calibration_ms_per_mib=hosts.calibration_ms_per_mib[host],
        stored_bytes=outcomes[0],
        compress_ms=outcomes[1],
        decompress_ms=outcomes[2],
        latents=latents,
        slowness=slowness,
        deviation=deviation,
        sampling=sampling,
        changed_share=references.changed_share,
        edit_bytes=references.edit_bytes,
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """All that fixes a batch's outcomes, shapes ``(blocks,)`` and ``(blocks, codecs)``."""

    latents: Latents
    references: References
    size: Floats
    slowness: Floats
    deviation: Floats


def _outcome(known: _Known, model: CodecModel | DeltaModel, has_reference: NDArray[np.bool_]) -> Floats:
    """Stored bytes, compression ms and decompression ms, shape ``(3, blocks)``."""
    base = model if isinstance(model, CodecModel) else model.base
    column = CODEC_MODELS.index(base)
    size, references = known.size, known.references
    stored = coded_bytes(base, known.latents, size, known.deviation[:, column])
    compress = coding_ns(base, base.compress, known.latents, size)
    decompress = coding_ns(base, base.decompress, known.latents, size)
    if isinstance(model, DeltaModel):
        stored = np.where(has_reference, delta_bytes(stored, references, size), np.nan)
        reference_bytes = references.window_ratio * size
        indexed = delta_compress_ns(model, compress, references, size, reference_bytes)
        compress = np.where(has_reference, indexed, np.nan)
        decompress = np.where(has_reference, delta_decompress_ns(decompress, references, size), np.nan)
    milliseconds = known.slowness[:, column] / 1e6
    return np.stack([stored, compress * milliseconds, decompress * milliseconds])


def _references(files: _Files, of: Ints, latents: Latents) -> References:
    """Edits gather in some blocks; what has changed grows with the age of the reference."""
    changed = 1 - np.exp(-files.edit_rate[of] * files.age[of] * latents.edit_activity)
    return References(changed, files.edit_bytes[of], files.window_ratio[of])


def _noise(of: Ints, file_spread: float, block_spread: float, rng: np.random.Generator) -> Floats:
    """Log noise ``(blocks, codecs)``: half of its variance common to all codecs of a file or block."""
    codecs, files = len(CODEC_MODELS), int(of[-1]) + 1
    half = np.sqrt(0.5)
    of_file = rng.normal(0, file_spread * half, (files, codecs))
    of_file += rng.normal(0, file_spread * half, (files, 1))
    of_block = rng.normal(0, block_spread * half, (len(of), codecs))
    of_block += rng.normal(0, block_spread * half, (len(of), 1))
    return of_file[of] + of_block


def _concatenate(tables: Sequence[BlockTable]) -> BlockTable:
    columns = {
        column.name: np.concatenate([getattr(table, column.name) for table in tables])
        for column in fields(BlockTable)
        if column.name not in ("candidates", "latents")
    }
    latents = Latents(
        *(
            np.concatenate([getattr(table.latents, column.name) for table in tables])
            for column in fields(Latents)
        )
    )
    return BlockTable(candidates=tables[0].candidates, latents=latents, **columns)
