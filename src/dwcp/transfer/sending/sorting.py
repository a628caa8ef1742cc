"""The names of a directory in the order of their bytes, however many there are."""

import heapq
import os
from collections.abc import Iterator
from itertools import islice
from tempfile import TemporaryFile
from typing import IO

from dwcp.errors import StorageError

__all__ = ["sorted_names"]

_RUN_NAMES = 65_536
"""Names sorted in memory at a time; more go through temporary files."""
_READ_BYTES = 64 * 1024


def sorted_names(fd: int, run_names: int = _RUN_NAMES) -> Iterator[bytes]:
    """Every name of an open directory but ``.`` and ``..``, in the order of their bytes.

    Args:
        fd: the directory.
        run_names: most names that are in memory at a time.

    Raises:
        OSError: the directory cannot be read.
        StorageError: there are more names than that, and temporary files cannot be written.
    """
    with os.scandir(fd) as entries:
        names = (os.fsencode(entry.name) for entry in entries)
        first = sorted(islice(names, run_names))
        runs = [] if len(first) < run_names else list(_write_runs(names, run_names))
    return heapq.merge(first, *map(_read_run, runs)) if runs else iter(first)


def _write_runs(names: Iterator[bytes], run_names: int) -> Iterator[IO[bytes]]:
    """Sorted runs in files without a name, each name ended by the one byte that no name has."""
    while run := sorted(islice(names, run_names)):
        try:
            file = TemporaryFile()  # noqa: SIM115 - read later, and gone with its last reader
            file.write(b"\0".join(run) + b"\0")
            file.seek(0)
        except OSError as error:
            raise StorageError(
                f"a large directory cannot be sorted on disk: {error.strerror}; make room"
            ) from error
        yield file


def _read_run(file: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    with file:
        while part := file.read(_READ_BYTES):
            *whole, rest = (rest + part).split(b"\0")
            yield from whole
