"""What a look at a few samples shows of a block: shares a little off, and byte statistics of 16 KiB."""

from dataclasses import dataclass, replace

import numpy as np

from dwcp.simulate.compression.contents import Floats, Latents, mixture_entropy
from dwcp.simulate.compression.textures import Textures

__all__ = ["STATISTICS_BYTES", "ByteStatistics", "sampled_latents", "sampled_statistics"]

STATISTICS_BYTES = 16 * 1024
"""Statistics are of this many bytes, in 16 samples."""

_SAMPLES = 16
_SAMPLING_SPREAD = 0.25
_ENTROPY_SPREAD_BITS, _ONE_ENTROPY_SPREAD_BITS = 0.04, 0.015
_SHARE_SPREAD = 0.06
_TEXT_VALUES = 98


@dataclass(frozen=True, slots=True)
class ByteStatistics:
    """Byte statistics of 16 KiB of each block; every array has shape ``(blocks,)``.

    Attributes:
        entropy_bits: order-0 entropy of bytes.
        difference_entropy_bits: order-0 entropy of the difference to the byte before.
        stride_entropy_bits: order-0 entropy of the difference to the byte two before.
        zero_share: share of zero bytes.
        text_share: share of printable ASCII and white space.
        repeat_share: share of bytes equal to the byte before.
    """

    entropy_bits: Floats
    difference_entropy_bits: Floats
    stride_entropy_bits: Floats
    zero_share: Floats
    text_share: Floats
    repeat_share: Floats


def sampled_latents(latents: Latents, luck: Floats, samples: int, covered: Floats) -> Latents:
    """What samples of blocks seem to be made of.

    Regions are longer than a sample, so a sample is mostly of one sort and shares vary as a binomial of
    ``samples`` draws; a sample that covers the whole block (``covered`` is 1) shows the truth.
    """
    doubt = np.sqrt(np.clip(1 - covered, 0, 1) / samples)
    zero = _seen_share(latents.zero_share, luck[:, 0] * doubt)
    random = _seen_share(latents.random_share, luck[:, 1] * doubt)
    excess = np.maximum(1.0, zero + random)
    repetition = np.exp(_SAMPLING_SPREAD * luck[:, 2] * doubt)
    return replace(
        latents,
        zero_share=zero / excess,
        random_share=random / excess,
        near=latents.near * repetition,
        far=latents.far * repetition,
    )


def sampled_statistics(
    latents: Latents, textures: Textures, luck: Floats, size: Floats, rng: np.random.Generator
) -> ByteStatistics:
    """Statistics of 16 KiB in sixteen samples, with a small sample's doubt and its want of rare bytes.

    Args:
        latents: what the blocks are made of.
        textures: what their structured bytes look like.
        luck: of the samples, the same for everything that looks at them, ``(blocks, 3)`` or wider.
        size: plain bytes of each block.
        rng: source of the luck that only statistics have.
    """
    seen = sampled_latents(latents, luck, _SAMPLES, np.minimum(1.0, STATISTICS_BYTES / size))
    of_all = _ENTROPY_SPREAD_BITS * rng.standard_normal(len(size))
    entropies = []
    for gap_bits in (0.0, textures.difference_gap_bits, textures.stride_gap_bits):
        of_one = _ONE_ENTROPY_SPREAD_BITS * rng.standard_normal(len(size))
        structured_bits = np.clip(latents.order0_bits + gap_bits + of_all + of_one, 0.0, 7.999)
        entropies.append(_of_small_sample(mixture_entropy(seen, structured_bits)))
    shares = []
    for structured, zeros, uniform in (
        (textures.zero_bytes, 1.0, 1 / 256),
        (textures.text_bytes, 0.0, _TEXT_VALUES / 256),
        (textures.repeat_bytes, 1.0, 1 / 256),
    ):
        doubt = _SHARE_SPREAD * rng.standard_normal(len(size)) * np.sqrt(1 - structured)
        within = seen.structured_share * np.minimum(1.0, structured * np.exp(doubt))
        shares.append(np.clip(within + seen.zero_share * zeros + seen.random_share * uniform, 0.0, 1.0))
    return ByteStatistics(*entropies, *shares)


def _of_small_sample(bits: Floats) -> Floats:
    """Less the bias of counting: about half a count is missed of each value (Miller, 1955)."""
    missed = (np.exp2(bits) - 1) / (2 * STATISTICS_BYTES * np.log(2))
    counted: Floats = np.clip(bits - missed, 0.0, 8.0)
    return counted


def _seen_share(share: Floats, luck: Floats) -> Floats:
    return np.clip(share + np.sqrt(share * (1 - share)) * luck, 0.0, 1.0)
