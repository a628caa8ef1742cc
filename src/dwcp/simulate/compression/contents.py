"""What blocks are made of: content kinds and the latent parameters of files and blocks.

A kind gives a distribution over files, a file a distribution over its blocks, and consecutive blocks of a
file resemble each other (a first-order autoregression). The latents say what a codec would find, never what
it would answer: every codec's answer follows from the same latents, so codecs agree about a block.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

__all__ = ["KINDS", "ContentKind", "Floats", "Latents", "draw_latents", "mixture_entropy"]

Floats = NDArray[np.float64]
"""One 64-bit number for each block, or for each block and codec."""

BLOCK_MEMORY = 0.85
"""Correlation of consecutive blocks of one file."""

_FILE_SPREAD = np.array([0.7, 0.7, 0.25, 0.25, 0.25, 0.40, 0.30, 0.9])
_BLOCK_SPREAD = np.array([1.0, 1.0, 0.10, 0.05, 0.10, 0.20, 0.10, 1.0])
_REPETITION_LOADING = np.array([0.0, 0.0, -0.4, 0.0, 0.7, 0.6, 0.7, 0.0])


@dataclass(frozen=True, slots=True)
class ContentKind:
    """One kind of content: the centre of its files.

    Attributes:
        name: the kind.
        share: weight among files.
        zero_share: median share of bytes in runs of zeros.
        random_share: median share of the other bytes that no codec can shrink (already compressed, noise).
        patchiness: spread of both shares, as logits, from block to block.
        order0_bits: entropy of the single bytes of the remaining, structured part.
        literal_gap_bits: how much less a literal costs than ``order0_bits`` says, once matches are taken.
        near: match strength within 16 KiB; ``1 - exp(-near)`` of the bytes are matched.
        far: further match strength gained from 16 KiB to 8 MiB.
        match_bytes: mean length of a match.
        reference_share: share of files of which the receiver holds an older version.
        edit_rate: mean share of a block changed from one version to the next.
        edit_bytes: mean length of a changed run.
    """

    name: str
    share: float
    zero_share: float
    random_share: float
    patchiness: float
    order0_bits: float
    literal_gap_bits: float
    near: float
    far: float
    match_bytes: float
    reference_share: float
    edit_rate: float
    edit_bytes: float


KINDS: tuple[ContentKind, ...] = (
    ContentKind("text", 0.08, 0.001, 0.001, 0.3, 4.82, 0.40, 2.28, 2.92, 13.1, 0.5, 0.03, 200),
    ContentKind("source", 0.10, 0.001, 0.001, 0.3, 4.80, 0.10, 2.47, 2.27, 9.8, 0.7, 0.02, 120),
    ContentKind("log", 0.10, 0.001, 0.001, 0.3, 4.90, 2.30, 3.66, 5.00, 9.5, 0.2, 0.30, 4000),
    ContentKind("json", 0.09, 0.001, 0.001, 0.3, 4.50, 0.90, 3.63, 2.27, 16.7, 0.4, 0.05, 150),
    ContentKind("csv", 0.07, 0.001, 0.001, 0.3, 4.50, 0.90, 2.60, 0.80, 5.2, 0.4, 0.05, 300),
    ContentKind("database", 0.10, 0.060, 0.020, 1.0, 6.50, -0.40, 1.20, 0.90, 4.4, 0.6, 0.04, 1500),
    ContentKind("image", 0.07, 0.001, 0.150, 0.8, 7.50, 0.05, 0.50, 0.25, 2.6, 0.2, 0.50, 8000),
    ContentKind("media", 0.10, 1e-4, 0.997, 0.8, 7.60, 0.00, 0.80, 0.20, 6.0, 0.2, 0.60, 8000),
    ContentKind("encrypted", 0.06, 1e-7, 1 - 1e-7, 0.1, 7.90, 0.00, 0.30, 0.10, 5.0, 0.3, 6.00, 8000),
    ContentKind("vm_image", 0.10, 0.250, 0.200, 2.2, 6.10, -0.10, 1.90, 0.80, 6.5, 0.7, 0.03, 4000),
    ContentKind("heap", 0.06, 0.200, 0.020, 1.5, 4.20, 0.80, 3.80, 0.80, 10.4, 0.5, 0.15, 600),
    ContentKind("executable", 0.07, 0.060, 0.010, 0.9, 6.20, 0.05, 1.80, 0.40, 5.2, 0.5, 0.15, 300),
)
"""Every kind of content. What codecs see of it is centred on the data sets named in
`dwcp.simulate.compression.codecs`; the shares of files, of references and of edits are assumptions."""


@dataclass(frozen=True, slots=True)
class Latents:
    """What blocks are made of; every array has shape ``(blocks,)``. Names as in `ContentKind`."""

    zero_share: Floats
    random_share: Floats
    order0_bits: Floats
    literal_bits: Floats
    near: Floats
    far: Floats
    match_bytes: Floats
    edit_activity: Floats

    @property
    def structured_share(self) -> Floats:
        """Share of bytes that are neither zero runs nor beyond shrinking."""
        return 1.0 - self.zero_share - self.random_share

    def take(self, rows: NDArray[np.int64] | slice) -> "Latents":
        """The same for some blocks only."""
        return Latents(*(getattr(self, column.name)[rows] for column in fields(self)))


def draw_latents(kinds: NDArray[np.int64], lengths: NDArray[np.int64], rng: np.random.Generator) -> Latents:
    """Draw files of the given kinds and lengths, and their blocks.

    Args:
        kinds: index into `KINDS` of each file, shape ``(files,)``.
        lengths: blocks of each file, at least 1, shape ``(files,)``.
        rng: source of randomness.

    Returns:
        Latents of all blocks, file after file, shape ``(sum(lengths),)``.
    """
    centres = np.array([_centre(kind) for kind in KINDS])[kinds]
    patchiness = np.array([kind.patchiness for kind in KINDS])[kinds]
    spread = np.tile(_BLOCK_SPREAD, (len(kinds), 1))
    spread[:, :2] *= patchiness[:, None]
    files = centres + _correlated(rng, len(kinds)) * _FILE_SPREAD
    drift = _autoregression(rng, len(kinds), int(lengths.max()))
    blocks = files[:, None, :] + drift * spread[:, None, :]
    return _from_coordinates(blocks[np.arange(drift.shape[1]) < lengths[:, None]])


def mixture_entropy(latents: Latents, structured_bits: Floats) -> Floats:
    """Entropy in bits of a mixture: zeros, a structured alphabet and uniform bytes, in the latents' shares.

    The structured part is taken as uniform over ``2 ** structured_bits`` values, which has its entropy.
    """
    alphabet = np.exp2(structured_bits)
    common = latents.structured_share / alphabet + latents.random_share / 256
    rare = latents.random_share / 256
    inside, outside = alphabet * _plogp(common), (256 - alphabet) * _plogp(rare)
    return inside + outside + _plogp(latents.zero_share)


def _centre(kind: ContentKind) -> list[float]:
    shares = np.array([kind.zero_share, kind.random_share])
    logs = np.log([kind.near, kind.far, kind.match_bytes])
    return [*np.log(shares / (1 - shares)), kind.order0_bits, kind.literal_gap_bits, *logs, 0.0]


def _correlated(rng: np.random.Generator, count: int) -> Floats:
    """Standard normal coordinates that share one factor: how repetitive the file is."""
    own = rng.standard_normal((count, len(_REPETITION_LOADING)))
    shared = rng.standard_normal((count, 1))
    mixed: Floats = np.sqrt(1 - _REPETITION_LOADING**2) * own + _REPETITION_LOADING * shared
    return mixed


def _autoregression(rng: np.random.Generator, files: int, length: int) -> Floats:
    steps = np.stack([_correlated(rng, files) for _ in range(length)], axis=1)
    for index in range(1, length):
        steps[:, index] *= np.sqrt(1 - BLOCK_MEMORY**2)
        steps[:, index] += BLOCK_MEMORY * steps[:, index - 1]
    return steps


def _from_coordinates(x: Floats) -> Latents:
    zero = 1 / (1 + np.exp(-x[:, 0]))
    random = (1 - zero) / (1 + np.exp(-x[:, 1]))
    order0 = np.clip(x[:, 2], 1.0, 7.999)
    literal = np.clip(order0 - x[:, 3], 0.5, 8.0)
    near, far, match_bytes, activity = np.exp(x[:, 4:8]).T
    return Latents(zero, random, order0, literal, near, far, np.maximum(match_bytes, 2.0), activity)


def _plogp(share: Floats) -> Floats:
    bits: Floats = -share * np.log2(np.maximum(share, 1e-300))
    return bits
