"""Simulated blocks: facts known before a decision, the outcome of every candidate, and probes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray

from dwcp.errors import InputError
from dwcp.simulate.compression.codecs import CODEC_MODELS, CodecModel, DeltaModel, model_of
from dwcp.simulate.compression.contents import KINDS, Floats, Latents
from dwcp.simulate.compression.physics import (
    References,
    coded_bytes,
    coding_ns,
    delta_bytes,
    delta_compress_ns,
)
from dwcp.simulate.compression.samples import sampled_latents

__all__ = ["BlockTable", "CodecOutcome", "Probe", "SimulatedBlock"]


@dataclass(frozen=True, slots=True)
class CodecOutcome:
    """What one candidate gave on one block: stored bytes and core milliseconds."""

    stored_bytes: int
    compress_ms: float
    decompress_ms: float


@dataclass(frozen=True, slots=True)
class Probe:
    """What a codec gave on small samples of blocks, each array of shape ``(blocks,)``.

    Attributes:
        ratio: plain bytes over stored bytes of all samples of a block.
        speed_mb_per_s: plain bytes a second, in 10^6, on the block's own host.
    """

    ratio: Floats
    speed_mb_per_s: Floats


@dataclass(frozen=True, slots=True)
class BlockTable:
    """Blocks as columns; every array has ``blocks`` rows, outcomes ``(blocks, candidates)``.

    Attributes:
        candidates: names of the outcome columns, in order.
        kind: index into `KINDS`.
        file_id: the file a block belongs to; blocks of a file stand together, in order.
        block_index: place of the block in its file.
        host_id: the machine that compresses.
        block_bytes: plain size.
        entropy_bits: order-0 entropy of bytes, as the next five of 16 KiB in samples.
        difference_entropy_bits: order-0 entropy of the difference to the byte before.
        stride_entropy_bits: order-0 entropy of the difference to the byte two before.
        zero_share: share of zero bytes.
        text_share: share of printable ASCII and white space.
        repeat_share: share of bytes equal to the byte before.
        has_reference: whether the receiver holds an older version.
        similarity: estimated share of the block that the reference holds (128 sampled hashes); 0 without.
        reference_age: versions between the reference and the block; 0 without.
        reference_bytes: length of the reference; 0 without.
        calibration_ms_per_mib: of each candidate on the block's host, on data that is the same everywhere.
        stored_bytes: whole numbers; NaN for a delta without a reference.
        compress_ms: core milliseconds on the block's host; NaN for a delta without a reference.
        decompress_ms: core milliseconds on the same kind of host; NaN for a delta without a reference.
        latents: what the blocks are made of. Not known to any decision.
        slowness: time factor of each plain codec on the block's host, ``(blocks, codecs)``. Not known.
        deviation: log departure of each plain codec's size from its model, ``(blocks, codecs)``. Not known.
        sampling: standard normal luck of the samples, ``(blocks, 5)``; the same for every probe. Not known.
        changed_share: share of the block that the reference does not hold. Not known.
        edit_bytes: mean length of a changed run. Not known.
    """

    candidates: tuple[str, ...]
    kind: NDArray[np.int64]
    file_id: NDArray[np.int64]
    block_index: NDArray[np.int64]
    host_id: NDArray[np.int64]
    block_bytes: NDArray[np.int64]
    entropy_bits: Floats
    difference_entropy_bits: Floats
    stride_entropy_bits: Floats
    zero_share: Floats
    text_share: Floats
    repeat_share: Floats
    has_reference: NDArray[np.bool_]
    similarity: Floats
    reference_age: NDArray[np.int64]
    reference_bytes: NDArray[np.int64]
    calibration_ms_per_mib: Floats
    stored_bytes: Floats
    compress_ms: Floats
    decompress_ms: Floats
    latents: Latents
    slowness: Floats
    deviation: Floats
    sampling: Floats
    changed_share: Floats
    edit_bytes: Floats

    def __len__(self) -> int:
        return len(self.kind)

    def __iter__(self) -> Iterator["SimulatedBlock"]:
        return (self.block(row) for row in range(len(self)))

    def rows(self, start: int, stop: int) -> "BlockTable":
        """Some consecutive rows, as a table of their own."""
        span = slice(start, stop)
        columns = {
            column.name: getattr(self, column.name)[span]
            for column in fields(self)
            if column.name not in ("candidates", "latents")
        }
        return replace(self, latents=self.latents.take(span), **columns)

    def probe(self, codec: str, sample_bytes: int, samples: int) -> Probe:
        """Compress a few small samples of each block, each by itself; a delta against the whole reference.

        A small sample shows a codec less history than the block will, and may miss zero runs, embedded
        compressed data or edits; two probes of the same samples miss the same things.

        Args:
            codec: a candidate, e.g. ``lz4`` or ``delta-1``, which gives NaN without a reference.
            sample_bytes: size of a sample, at least 64; less where the block is too small.
            samples: how many, at least 1.

        Raises:
            InputError: an unknown codec, or a size or count out of range.
        """
        model = model_of(codec)
        base = model if isinstance(model, CodecModel) else model.base
        if sample_bytes < 64 or samples < 1:
            raise InputError(
                f"a probe needs at least one sample of 64 bytes, not {samples} of {sample_bytes}"
            )
        size = np.minimum(float(sample_bytes), np.maximum(64.0, self.block_bytes / samples))
        covered = size * samples / self.block_bytes
        seen = sampled_latents(self.latents, self.sampling, samples, covered)
        column = CODEC_MODELS.index(base)
        stored = coded_bytes(base, seen, size, self.deviation[:, column])
        time_ns = coding_ns(base, base.compress, seen, size)
        if isinstance(model, DeltaModel):
            references = self._sampled_references(size * samples, covered)
            stored = np.where(self.has_reference, delta_bytes(stored, references, size), np.nan)
            reference_bytes = self.reference_bytes.astype(np.float64)
            time_ns = delta_compress_ns(model, time_ns, references, size, reference_bytes)
        hurry = np.exp(0.05 / np.sqrt(samples) * self.sampling[:, 3]) * self.slowness[:, column]
        return Probe(size / stored, np.where(np.isnan(stored), np.nan, size / (time_ns * hurry) * 1000))

    def _sampled_references(self, seen_bytes: Floats, covered: Floats) -> References:
        """What samples show of the edits: each run of changed bytes is in them or is not."""
        changed, runs = self.changed_share, np.maximum(seen_bytes / self.edit_bytes, 1.0)
        doubt = np.sqrt(changed * (1 - changed) / runs * np.clip(1 - covered, 0, 1))
        return References(
            np.clip(changed + doubt * self.sampling[:, 4], 0.0, 1.0),
            self.edit_bytes,
            self.reference_bytes / self.block_bytes,
        )

    def block(self, row: int) -> "SimulatedBlock":
        """One row as an object."""
        outcomes = {
            name: CodecOutcome(int(stored), float(compress), float(decompress))
            for name, stored, compress, decompress in zip(
                self.candidates,
                self.stored_bytes[row],
                self.compress_ms[row],
                self.decompress_ms[row],
                strict=True,
            )
            if not np.isnan(stored)
        }
        return SimulatedBlock(
            kind=KINDS[self.kind[row]].name,
            file_id=int(self.file_id[row]),
            block_index=int(self.block_index[row]),
            host_id=int(self.host_id[row]),
            block_bytes=int(self.block_bytes[row]),
            entropy_bits=float(self.entropy_bits[row]),
            has_reference=bool(self.has_reference[row]),
            similarity=float(self.similarity[row]),
            reference_age=int(self.reference_age[row]),
            reference_bytes=int(self.reference_bytes[row]),
            outcomes=outcomes,
            table=self,
            row=row,
        )


@dataclass(frozen=True, slots=True)
class SimulatedBlock:
    """One block; the facts are those of `BlockTable`.

    Attributes:
        outcomes: what every candidate that can be used gave, by name.
        table: the table the block stands in.
        row: its row there.
    """

    kind: str
    file_id: int
    block_index: int
    host_id: int
    block_bytes: int
    entropy_bits: float
    has_reference: bool
    similarity: float
    reference_age: int
    reference_bytes: int
    outcomes: Mapping[str, CodecOutcome]
    table: BlockTable = field(repr=False, compare=False)
    row: int = field(repr=False, compare=False)

    def probe(self, codec: str, sample_bytes: int, samples: int) -> tuple[float, float]:
        """Ratio and speed in MB/s of a codec on a few small samples; see `BlockTable.probe`.

        Raises:
            InputError: an unknown codec, or a size or count out of range.
        """
        probe = self.table.rows(self.row, self.row + 1).probe(codec, sample_bytes, samples)
        return float(probe.ratio[0]), float(probe.speed_mb_per_s[0])
