"""Zero runs: whole pages of zeros, aligned in the file, that need no chunk and no id."""

import os
from collections.abc import Iterator

from dwcp.codecs import Buffer

__all__ = ["ZERO_RUN_BYTES", "Holes", "align_down", "zero_runs"]

ZERO_RUN_BYTES = 1024 * 1024
"""A zero run begins at a multiple of this, and its length is one."""
_ZEROS = bytes(ZERO_RUN_BYTES)
_GLANCE_BYTES = 64


def align_down(offset: int) -> int:
    """Where the page of an offset begins."""
    return offset - offset % ZERO_RUN_BYTES


def zero_runs(data: Buffer, offset: int) -> Iterator[tuple[int, int]]:
    """The zero runs in a part of a file.

    Args:
        data: the part.
        offset: where in the file it begins. Pages that are not whole in `data` are passed over.

    Yields:
        Begin and end of each run, as positions in `data`, in order; adjacent pages are one run.
    """
    end = begin = -offset % ZERO_RUN_BYTES
    while end + ZERO_RUN_BYTES <= len(data):
        if _is_zero_page(data, end):
            end += ZERO_RUN_BYTES
            continue
        if end > begin:
            yield begin, end
        begin = end = end + ZERO_RUN_BYTES
    if end > begin:
        yield begin, end


def _is_zero_page(data: Buffer, at: int) -> bool:
    if not isinstance(data, memoryview):
        return data.startswith(_ZEROS, at)
    if any(data[at : at + _GLANCE_BYTES]):
        return False
    # Views are compared item by item, which is slower than a copy.
    return data[at : at + ZERO_RUN_BYTES].tobytes() == _ZEROS


class Holes:
    """Finds a file's holes, whole pages of which are zero runs that need not be read.

    A file system that can't tell where holes are has none, as far as this goes: its zeros are read.
    """

    def __init__(self, fd: int, size_bytes: int) -> None:
        """Look at nothing yet.

        Args:
            fd: the open file; its position is moved.
            size_bytes: of the file.
        """
        self._fd = fd
        self._pages_end = align_down(size_bytes)
        self._seen = 0
        self._found = 0, 0

    def next_run(self, offset: int, until: int) -> tuple[int, int]:
        """The first run of whole pages in holes, at or round an offset.

        Args:
            offset: to look from, not before the end of a run that the caller has passed.
            until: where looking may stop.

        Returns:
            Begin and end in the file. Where no run begins before `until`, the begin is `until` or more.
        """
        if self._found[1] > offset:
            return self._found
        while self._seen < min(until, self._pages_end):
            self._look_on()
            if self._found[1] > offset:
                return self._found
        return until, until

    def _look_on(self) -> None:
        begin = align_down(self._seek(self._seen, os.SEEK_HOLE) + ZERO_RUN_BYTES - 1)
        if begin >= self._pages_end:
            self._seen = self._pages_end
            return
        data = self._seek(begin, os.SEEK_DATA)
        end = align_down(data)
        self._seen = max(data, begin + 1)  # goes on even where a hole was filled between the two looks
        if end > begin:
            self._found = begin, end

    def _seek(self, offset: int, whence: int) -> int:
        try:
            return min(os.lseek(self._fd, offset, whence), self._pages_end)
        except OSError:
            return self._pages_end
