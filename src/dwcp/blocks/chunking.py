"""Content-defined chunking: where a plaintext is cut depends on what stands there, not on its offset.

FastCDC with normalised chunking: W. Xia et al., "The Design of Fast Content-Defined Chunking for Data
Deduplication Based Storage Systems", IEEE TPDS 31(9), 2020. The gear table, the masks and the treatment of
ends are written down in ``docs/reference/blocks.md``.
"""

from dataclasses import dataclass, field
from typing import Final

from pyfastcdc import FastCDC

from dwcp.codecs import Buffer
from dwcp.codecs.buffers import byte_view
from dwcp.errors import InputError

__all__ = ["DEFAULT_CHUNKING", "MAX_CHUNK_BYTES", "Chunking"]

MAX_CHUNK_BYTES = 8 * 1024 * 1024
"""No chunk is longer, whatever the chunking."""
_MIN_BYTES = 64, 1024 * 1024
_AVG_BYTES = 256, 4 * 1024 * 1024
_MAX_BYTES = 1024, MAX_CHUNK_BYTES
_NORMALIZATION: Final = 2


@dataclass(frozen=True, slots=True)
class Chunking:
    """How plaintexts are cut. One object serves any number of threads.

    Attributes:
        min_bytes: no chunk but an extent's last is shorter. Even, 64 bytes to 1 MiB.
        avg_bytes: from this length on cutting is made easier, so that most chunks end soon after it. A power
            of two, 256 bytes to 4 MiB.
        max_bytes: no chunk is longer. Even, 1 KiB to 8 MiB.
    """

    min_bytes: int
    avg_bytes: int
    max_bytes: int
    _cutter: FastCDC = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the sizes.

        Raises:
            InputError: sizes out of range, out of order, odd, or an average that is no power of two.
        """
        _check("minimum", self.min_bytes, _MIN_BYTES)
        _check("average", self.avg_bytes, _AVG_BYTES)
        _check("maximum", self.max_bytes, _MAX_BYTES)
        if not self.min_bytes <= self.avg_bytes <= self.max_bytes:
            raise InputError(
                f"chunk sizes must not fall from minimum to average to maximum, but are {self.min_bytes}, "
                f"{self.avg_bytes} and {self.max_bytes} bytes"
            )
        if self.avg_bytes & (self.avg_bytes - 1):
            raise InputError(f"the average chunk size must be a power of two, but is {self.avg_bytes} bytes")
        cutter = FastCDC(
            self.avg_bytes,
            min_size=self.min_bytes,
            max_size=self.max_bytes,
            normalized_chunking=_NORMALIZATION,
        )
        object.__setattr__(self, "_cutter", cutter)

    def lengths(self, extent: Buffer, final: bool) -> list[int]:
        """Cut an extent, or its beginning.

        Args:
            extent: bytes from the extent's beginning, or from any cut point in it. Not copied; the
                interpreter lock is released while it is read.
            final: whether the extent ends here. If not, the open last part is left out: where it is cut
                depends on what follows. Begin there next time.

        Returns:
            Lengths of the chunks in bytes, in order.

        Raises:
            InputError: the memory is not contiguous.
        """
        lengths = [chunk.length for chunk in self._cutter.cut_buf(byte_view(extent))]
        if lengths and not final and lengths[-1] != self.max_bytes:
            lengths.pop()
        return lengths

    def pieces(self, view: Buffer) -> list[int]:
        """Cut a whole extent.

        Returns:
            Lengths of the chunks in bytes, in order; together as long as the extent.

        Raises:
            InputError: the memory is not contiguous.
        """
        return self.lengths(view, final=True)


def _check(which: str, size_bytes: int, allowed: tuple[int, int]) -> None:
    low, high = allowed
    if not low <= size_bytes <= high or size_bytes % 2:
        raise InputError(
            f"the {which} chunk size must be even and {low} to {high} bytes, but is {size_bytes} bytes"
        )


DEFAULT_CHUNKING = Chunking(32 * 1024, 64 * 1024, 256 * 1024)
"""What a transfer and a store use unless told otherwise."""
