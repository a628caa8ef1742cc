"""Rows of a fixed size in a file: what would be a list of millions, without holding it in memory."""

import os

from dwcp.transfer.receiving.disk import PRIVATE_FILE

__all__ = ["Table", "read_exactly"]

_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def read_exactly(fd: int, length: int, offset: int) -> bytes:
    """So many bytes of a file, fewer at its end. Raises OSError."""
    data = os.pread(fd, length, offset)
    while 0 < len(data) < length:
        more = os.pread(fd, length - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


class Table:
    """Rows by number. One thread appends; any thread reads and overwrites what was appended.

    All methods raise OSError.
    """

    def __init__(self, name: bytes, directory: int, row_bytes: int) -> None:
        """Open a table, made where it is missing; rows that were not written whole are dropped.

        Args:
            name: of the file.
            directory: where it lies, open.
            row_bytes: length of a row.
        """
        self._fd = os.open(name, _OPEN, PRIVATE_FILE, dir_fd=directory)
        self.row_bytes = row_bytes
        self.count = os.fstat(self._fd).st_size // row_bytes

    def append(self, rows: bytes) -> None:
        """Add whole rows at the end."""
        self.write(self.count, rows)
        self.count += len(rows) // self.row_bytes

    def write(self, first: int, rows: bytes) -> None:
        """Put whole rows where they belong; what lies between them and the end so far is zeros."""
        view, offset = memoryview(rows), first * self.row_bytes
        while view:
            written = os.pwrite(self._fd, view, offset)
            view, offset = view[written:], offset + written

    def read(self, first: int, count: int) -> bytes:
        """So many rows, fewer at the end of what was written."""
        return read_exactly(self._fd, count * self.row_bytes, first * self.row_bytes)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)
