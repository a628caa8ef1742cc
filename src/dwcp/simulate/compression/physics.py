"""From latents to stored bytes and time: the arithmetic every codec model shares.

A codec of effort *e* finds matches over the share ``g = 1 - exp(-e * strength(history))`` of the structured
bytes, where the strength grows with the logarithm of the history it can see (half a block on average, at
most its window). A structured byte then stores ``(1 - g) * literal + g * token / match_bytes``.
"""

from dataclasses import dataclass

import numpy as np

from dwcp.simulate.compression.codecs import CodecModel, DeltaModel, TimeModel
from dwcp.simulate.compression.contents import Floats, Latents

__all__ = [
    "References",
    "coded_bytes",
    "coding_ns",
    "delta_bytes",
    "delta_compress_ns",
    "delta_decompress_ns",
]

_NEAR_FROM, _NEAR_TO, _FAR_TO = 128, 16 * 1024, 8 << 20
_SMALLEST_GAIN = 1 / 64
_SKIP_SHARPNESS = 5.0
_EDIT_BYTES = 14.0
_DELTA_PENALTY = 1.05
_WIDER_REFERENCE_GAIN = 0.12


@dataclass(frozen=True, slots=True)
class References:
    """Older versions the receiver holds; every array has shape ``(blocks,)``.

    Attributes:
        changed_share: share of the block's bytes that the reference does not hold, 0 to 1.
        edit_bytes: mean length of a changed run.
        window_ratio: length of the reference over that of the block.
    """

    changed_share: Floats
    edit_bytes: Floats
    window_ratio: Floats


def coded_bytes(model: CodecModel, latents: Latents, size: Floats, deviation: Floats) -> Floats:
    """Stored bytes of blocks of ``size`` bytes, all arrays ``(blocks,)``.

    Args:
        model: the codec.
        latents: what the blocks are made of.
        size: plain bytes of each block, or of the sample that is probed.
        deviation: natural logarithm of this codec's own departure from the model on this data.
    """
    structured = _structured_cost(model, latents, size, deviation)
    share = (
        latents.zero_share * model.zero_cost + latents.random_share + latents.structured_share * structured
    )
    return np.ceil(np.minimum(size * share + model.frame_bytes, size + 13))


def coding_ns(model: CodecModel, times: TimeModel, latents: Latents, size: Floats) -> Floats:
    """Nanoseconds for blocks of ``size`` bytes on the reference core: compress or decompress by ``times``."""
    covered = _coverage(model, latents, size)
    searched = 1 - np.exp(-_SKIP_SHARPNESS * np.maximum(0, covered * (1 - _match_cost(model, latents))))
    literals_coded = model.codes_entropy & (_structured_cost(model, latents, size, 0.0) < 1)
    matched = searched * covered
    work = (
        times.match_ns * matched / latents.match_bytes
        + times.literal_ns * searched * (1 - covered)
        + times.entropy_ns * (1 - matched) * literals_coded
        + times.copied_ns * matched
    )
    structured = times.random_ns * (1 - searched) + work * _size_factor(size, times.size_exponent)
    per_byte = (
        latents.zero_share * times.zero_ns
        + latents.random_share * times.random_ns
        + latents.structured_share * structured
    )
    return size * per_byte + times.call_us * 1000


def delta_bytes(plain_bytes: Floats, references: References, size: Floats) -> Floats:
    """Stored bytes against a reference, from what the same level stores without one."""
    changed = _unmatched(references)
    edits = references.changed_share * size / references.edit_bytes
    return np.ceil(np.minimum(changed * plain_bytes * _DELTA_PENALTY + edits * _EDIT_BYTES + 40, size + 13))


def delta_compress_ns(
    model: DeltaModel, plain_ns: Floats, references: References, size: Floats, reference_bytes: Floats
) -> Floats:
    """Nanoseconds to index the reference, copy what it holds and code the rest.

    Args:
        model: the delta.
        plain_ns: what the same level takes without a reference.
        references: what has changed.
        size: plain bytes, of each block or of the sample that is probed.
        reference_bytes: how much is indexed: the whole reference, also for a sample.
    """
    changed = _unmatched(references)
    index = reference_bytes * model.reference_ns * _size_factor(size, model.size_exponent)
    return index + size * (1 - changed) * model.copied_ns + changed * plain_ns * 1.2 + 9000


def delta_decompress_ns(plain_ns: Floats, references: References, size: Floats) -> Floats:
    """Nanoseconds to load the reference, copy what it holds and decode the rest."""
    changed = _unmatched(references)
    return size * (0.12 + 0.04 * references.window_ratio) + changed * plain_ns * 1.2 + 9000


def _coverage(model: CodecModel, latents: Latents, size: Floats) -> Floats:
    history = np.minimum(size / 2, model.window_bytes)
    near = np.clip(np.log2(history / _NEAR_FROM) / np.log2(_NEAR_TO / _NEAR_FROM), 0, 1)
    far = np.clip(np.log2(history / _NEAR_TO) / np.log2(_FAR_TO / _NEAR_TO), 0, 1)
    covered: Floats = 1 - np.exp(-model.effort * (latents.near * near + latents.far * far))
    return covered


def _match_cost(model: CodecModel, latents: Latents) -> Floats:
    return model.token_bytes / latents.match_bytes


def _structured_cost(model: CodecModel, latents: Latents, size: Floats, deviation: Floats | float) -> Floats:
    """Stored bytes per structured byte; 1 where there is no gain, or less than the 1/64 zstd asks for."""
    covered = _coverage(model, latents, size)
    literal = latents.literal_bits / 8 if model.codes_entropy else np.ones_like(covered)
    cost = ((1 - covered) * literal + covered * _match_cost(model, latents)) * np.exp(deviation)
    smallest_gain = _SMALLEST_GAIN if model.codes_entropy else 0.0
    stored: Floats = np.where(cost > 1 - smallest_gain, 1.0, cost)
    return stored


def _size_factor(size: Floats, exponent: float) -> Floats:
    factor: Floats = np.clip(size / 65536, 1, 16) ** exponent
    return factor


def _unmatched(references: References) -> Floats:
    wider = np.log2(np.maximum(references.window_ratio, 1.0))
    return references.changed_share * (1 - _WIDER_REFERENCE_GAIN * wider)
