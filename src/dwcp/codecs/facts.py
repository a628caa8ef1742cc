"""What can be known of a block before any codec has run on it. Standard library only."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

__all__ = ["BlockFacts", "Probe", "ProbeDepth", "ReferenceFacts", "mean_facts"]


class ProbeDepth(IntEnum):
    """How much looking a decision may afford: each depth includes the ones before it."""

    STATISTICS = 0
    """Byte statistics of a 16 KiB sample."""
    LIGHT = 1
    """And LZ4 on small and on large pieces."""
    MEDIUM = 2
    """And zstd-1 on 128 KiB, and delta-1 on the block where there is a reference."""
    DEEP = 3
    """And zstd-9 on the same 128 KiB, and zstd-1 on the block."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A fast codec, run on a sample of the block.

    Attributes:
        ratio: stored over plain bytes of the sample; 1 or a little more when incompressible.
        ms_per_mib: thread milliseconds per MiB of sample.
    """

    ratio: float
    ms_per_mib: float


@dataclass(frozen=True, slots=True)
class ReferenceFacts:
    """What a delta would be encoded against.

    Attributes:
        window_bytes: bytes of the reference that the encoder would see.
        same_share: share (0 to 1) of the sample found in the window at the best single shift.
        delta: delta-1 of the block (of 512 KiB of a larger one), where the depth allows.
        made_up: the reference was aged from the block itself: good to learn from, never to be judged on.
    """

    window_bytes: int
    same_share: float
    delta: Probe | None = None
    made_up: bool = False


@dataclass(frozen=True, slots=True)
class BlockFacts:
    """Facts of one block, all known before the decision; shares and entropies are of a sample.

    Attributes:
        block_bytes: plain size.
        entropy_bits: order-0 entropy of bytes (0 to 8).
        difference_entropy_bits: order-0 entropy of the difference to the byte before (0 to 8).
        stride_entropy_bits: order-0 entropy of the difference to the byte before that (0 to 8).
        zero_share: share of zero bytes.
        text_share: share of printable ASCII and white space.
        repeat_share: share of bytes equal to the byte before.
        lz4_light: LZ4 on 4 x 4 KiB.
        lz4: LZ4 on 2 x 64 KiB.
        zstd_fast: zstd-1 on 2 x 64 KiB.
        zstd_strong: zstd-9 on 2 x 64 KiB.
        zstd_whole: zstd-1 on the block (on 512 KiB of a larger one).
        reference: None when there is nothing to encode against.
        probe_ms: what the looking cost, in thread milliseconds.
    """

    block_bytes: int
    entropy_bits: float
    difference_entropy_bits: float
    stride_entropy_bits: float
    zero_share: float
    text_share: float
    repeat_share: float
    lz4_light: Probe | None = None
    lz4: Probe | None = None
    zstd_fast: Probe | None = None
    zstd_strong: Probe | None = None
    zstd_whole: Probe | None = None
    reference: ReferenceFacts | None = None
    probe_ms: float = 0.0


def mean_facts(looks: Sequence[BlockFacts]) -> BlockFacts:
    """What several blocks of a run have on average; the time of looking is theirs together.

    Args:
        looks: one or more, all as deep, all with a reference or all without.
    """
    probes = ("lz4_light", "lz4", "zstd_fast", "zstd_strong", "zstd_whole")
    numbers = [f.name for f in fields(BlockFacts) if f.name not in (*probes, "reference")]
    count = len(looks)
    means: dict[str, Any] = {name: sum(getattr(look, name) for look in looks) / count for name in numbers}
    means["block_bytes"] = round(means["block_bytes"])
    means["probe_ms"] *= count
    means |= {name: _mean_probe([getattr(look, name) for look in looks]) for name in probes}
    return BlockFacts(**means, reference=_mean_reference([look.reference for look in looks]))


def _mean_probe(probes: Sequence[Probe | None]) -> Probe | None:
    known = [probe for probe in probes if probe is not None]
    if len(known) < len(probes):
        return None
    ratio, ms_per_mib = (sum(values) / len(known) for values in zip(*map(_numbers, known), strict=True))
    return Probe(ratio, ms_per_mib)


def _numbers(probe: Probe) -> tuple[float, float]:
    return probe.ratio, probe.ms_per_mib


def _mean_reference(references: Sequence[ReferenceFacts | None]) -> ReferenceFacts | None:
    known = [reference for reference in references if reference is not None]
    if len(known) < len(references):
        return None
    return ReferenceFacts(
        round(sum(reference.window_bytes for reference in known) / len(known)),
        sum(reference.same_share for reference in known) / len(known),
        _mean_probe([reference.delta for reference in known]),
        any(reference.made_up for reference in known),
    )
