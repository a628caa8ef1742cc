"""What single bytes look like, beyond what codecs make of them: zeros, text, repeats, differences."""

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from dwcp.simulate.compression.contents import KINDS, Floats

__all__ = ["TEXTURES", "ByteTexture", "Textures", "draw_textures"]

_FILE_SPREAD = np.array([0.10, 0.10, 0.40, 0.40, 0.30])
_BLOCK_SPREAD = np.array([0.05, 0.05, 0.10, 0.10, 0.10])


@dataclass(frozen=True, slots=True)
class ByteTexture:
    """Single bytes of the structured part of a kind of content, in the median.

    Attributes:
        difference_gap_bits: entropy of the difference to the byte before, less that of the bytes.
        stride_gap_bits: the same for the difference to the byte two before.
        zero_bytes: share of zero bytes.
        text_bytes: share of printable ASCII and white space.
        repeat_bytes: share of bytes equal to the byte before.
    """

    difference_gap_bits: float
    stride_gap_bits: float
    zero_bytes: float
    text_bytes: float
    repeat_bytes: float


TEXTURES = {
    "text": ByteTexture(1.41, 1.59, 1e-4, 0.998, 0.038),
    "source": ByteTexture(1.32, 1.57, 1e-4, 0.998, 0.200),
    "log": ByteTexture(0.83, 1.19, 1e-4, 0.998, 0.090),
    "json": ByteTexture(1.11, 1.43, 1e-4, 0.998, 0.220),
    "csv": ByteTexture(1.19, 1.33, 1e-4, 0.998, 0.055),
    "database": ByteTexture(0.80, 0.95, 0.005, 0.85, 0.010),
    "image": ByteTexture(0.25, 0.25, 0.002, 0.48, 0.005),
    "media": ByteTexture(0.20, 0.20, 0.004, 0.38, 0.004),
    "encrypted": ByteTexture(0.09, 0.09, 0.004, 0.38, 0.004),
    "vm_image": ByteTexture(0.90, 1.10, 0.15, 0.40, 0.100),
    "heap": ByteTexture(0.60, 1.10, 0.40, 0.26, 0.340),
    "executable": ByteTexture(0.85, 1.25, 0.20, 0.33, 0.110),
}
"""For every kind of content, from the data sets named in `dwcp.simulate.compression.codecs`."""


@dataclass(frozen=True, slots=True)
class Textures:
    """Textures of blocks; every array has shape ``(blocks,)``. Names as in `ByteTexture`."""

    difference_gap_bits: Floats
    stride_gap_bits: Floats
    zero_bytes: Floats
    text_bytes: Floats
    repeat_bytes: Floats


def draw_textures(kinds: NDArray[np.int64], file_of: NDArray[np.int64], rng: np.random.Generator) -> Textures:
    """Draw the textures of blocks: most of a texture belongs to the file, a little to the block.

    Args:
        kinds: index into `KINDS` of each file, shape ``(files,)``.
        file_of: which of the files each block is of, shape ``(blocks,)``.
        rng: source of randomness.
    """
    centres = np.array([_centre(TEXTURES[kind.name]) for kind in KINDS])[kinds]
    files = centres + rng.standard_normal(centres.shape) * _FILE_SPREAD
    blocks = files[file_of] + rng.standard_normal((len(file_of), len(_BLOCK_SPREAD))) * _BLOCK_SPREAD
    return Textures(*blocks[:, :2].T, *(1 / (1 + np.exp(-blocks[:, 2:]))).T)


def _centre(texture: ByteTexture) -> list[float]:
    """Gaps as they are, shares as logits."""
    difference_gap, stride_gap, *shares = astuple(texture)
    return [difference_gap, stride_gap, *(float(np.log(share / (1 - share))) for share in shares)]
