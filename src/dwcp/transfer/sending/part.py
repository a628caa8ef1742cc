"""Parts: consecutive chunks of one file, with their bytes or without."""

from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

from msgspec import Struct

from dwcp.codecs import Buffer

__all__ = ["ID_BYTES", "FileKey", "Part"]

ID_BYTES = 32


class FileKey(NamedTuple):
    """A file as it was read once; one that is read again is another.

    Attributes:
        number: counted from 0 in a session.
        path: below the source.
        size_bytes: as told before reading.
    """

    number: int
    path: bytes
    size_bytes: int


class Part(Struct):
    """Consecutive chunks of one file, back to back.

    Attributes:
        first: sequence number of the first.
        file: where they are from.
        offset: of the first in the file.
        lengths: of each, in bytes.
        ids: of each, one after the other.
        data: their bytes; None where they have to be read from the file.
    """

    first: int
    file: FileKey
    offset: int
    lengths: list[int]
    ids: bytes
    data: Buffer | None = None

    @property
    def end(self) -> int:
        """The sequence number after the last."""
        return self.first + len(self.lengths)

    @property
    def plain_bytes(self) -> int:
        """Length of all of them."""
        return sum(self.lengths)

    def cut(self, first: int, end: int) -> "Part":
        """Some of the chunks; bytes are not copied."""
        low, high = first - self.first, end - self.first
        if low == 0 and high == len(self.lengths):
            return self
        skipped = sum(self.lengths[:low])
        lengths = self.lengths[low:high]
        data = self.data
        if data is not None:
            data = memoryview(data)[skipped : skipped + sum(lengths)]
        return Part(
            first, self.file, self.offset + skipped, lengths, self.ids[low * ID_BYTES : high * ID_BYTES], data
        )

    def fitting(self, limit_bytes: int) -> int:
        """The sequence number after the last chunk that ends within so many bytes; one at least does."""
        ends = list(accumulate(self.lengths))
        return self.first + max(bisect_right(ends, limit_bytes), 1)

    def id_of(self, place: int) -> bytes:
        """The id of one chunk, counted from 0."""
        return self.ids[place * ID_BYTES : (place + 1) * ID_BYTES]
