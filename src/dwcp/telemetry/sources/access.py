"""Block and object access traces, in the formats in which they are published.

Formats: the ARC authors' ``.lis`` (start sector, sectors, flag, request number; Megiddo and Modha, FAST
2003), bare 32 or 64 bit integers of either byte order (Caffeine's simulator), one decimal id a line (the LIRS
authors'), and CloudPhysics' CSV (version, time, operation, bytes, sector). ``.gz``, ``.xz`` and ``.zst`` are
unpacked.
"""

import csv
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import IO, cast

import numpy as np
from backports import zstd
from msgspec import Struct
from numpy.typing import NDArray

from dwcp.errors import InputError

__all__ = ["AccessFormat", "Accesses", "numbered_by_first_appearance", "read_accesses"]

SECTOR_BYTES = 512

_CUT_SHORT = (EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError, gzip.BadGzipFile)
_COLUMNS = ["version", "time", "op", "size", "lbn"]
_LARGEST = 2**64 - 1


class AccessFormat(StrEnum):
    """How a trace is written."""

    ARC = "arc"
    CLOUD_PHYSICS = "cloud-physics"
    LIRS = "lirs"
    UINT32_LITTLE = "uint32-little"
    UINT32_BIG = "uint32-big"
    UINT64_LITTLE = "uint64-little"
    UINT64_BIG = "uint64-big"


class Accesses(Struct, frozen=True, eq=False):
    """Requests in the order in which they were made.

    Attributes:
        block: what was asked for: a sector, a block, or a name's hash; shape ``(n,)``.
        sectors: how many sectors from there on, shape ``(n,)``; None where a request is for one block.
        time_s: when, shape ``(n,)``; None where the trace does not tell.
    """

    block: NDArray[np.uint64]
    sectors: NDArray[np.uint64] | None = None
    time_s: NDArray[np.float64] | None = None

    def extents(self, sectors: int) -> NDArray[np.uint64]:
        """Every aligned extent of so many sectors that a request touches, request by request, in order."""
        size = np.uint64(sectors)
        first = self.block // size
        if self.sectors is None:
            return first
        last = (self.block + np.maximum(self.sectors, 1) - np.uint64(1)) // size
        counts = (last - first + np.uint64(1)).astype(np.int64)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(first, counts) + within.astype(np.uint64)


def read_accesses(path: Path, format: AccessFormat, limit: int | None = None) -> Accesses:  # noqa: A002
    """Read a trace, or its beginning.

    Args:
        path: the file.
        format: how it is written.
        limit: the most requests to read; None for all.

    Raises:
        InputError: the file cannot be read, is damaged, is not in that format, or holds no request.
    """
    with _translated(path), _opened(path) as file:
        found = _READERS[format](path, file, limit)
    if not found.block.size:
        raise InputError(f"{path} holds no accesses: is it empty, or not in the {format} format?")
    return found


def numbered_by_first_appearance(blocks: NDArray[np.uint64]) -> bool:
    """Whether every new id is the highest so far plus one: then a block's number tells when it comes first.

    In such a trace the numeric neighbour of a block is what is read next for the first time, so readahead
    would be credited for knowing the future.
    """
    first = np.sort(np.unique(blocks, return_index=True)[1])
    new = blocks[first].astype(np.uint64)
    return bool(new.size > 1 and (np.diff(new) == np.uint64(1)).all())


def _read_integers(width: str) -> Callable[[Path, IO[bytes], int | None], Accesses]:
    dtype = np.dtype(width)

    def read(path: Path, file: IO[bytes], limit: int | None) -> Accesses:
        content = file.read(-1 if limit is None else limit * dtype.itemsize)
        if len(content) % dtype.itemsize:
            raise InputError(f"{path} ends in the middle of a {dtype.itemsize}-byte number: it is cut short")
        return Accesses(np.frombuffer(content, dtype).astype(np.uint64))

    return read


def _read_lirs(path: Path, file: IO[bytes], limit: int | None) -> Accesses:
    """One id a line; a ``*`` marks where a measurement begins or ends and is no access."""
    lines = ((number, line.strip()) for number, line in enumerate(file, 1))
    ids = (_number(path, number, line) for number, line in lines if line not in (b"", b"*"))
    return Accesses(np.fromiter(islice(ids, limit), np.uint64))


def _read_arc(path: Path, file: IO[bytes], limit: int | None) -> Accesses:
    rows = (_cells(path, number, line.split(), 4) for number, line in enumerate(file, 1) if line.strip())
    table = _table(islice(((row[0], row[1]) for row in rows), limit), 2)
    return Accesses(table[:, 0], table[:, 1])


def _read_cloud_physics(path: Path, file: IO[bytes], limit: int | None) -> Accesses:
    text = (line.decode("utf-8", "replace") for line in file)
    rows = csv.reader(text)
    header = next(rows, [])
    if header != _COLUMNS:
        raise InputError(f"{path} does not begin with the columns {','.join(_COLUMNS)}")
    cells = (_cells(path, number, _csv_row(path, number, row), 3) for number, row in enumerate(rows, 2))
    table = _table(islice(cells, limit), 3)
    sectors = (table[:, 1] + np.uint64(SECTOR_BYTES - 1)) // np.uint64(SECTOR_BYTES)
    return Accesses(table[:, 2], sectors, table[:, 0].astype(np.float64))


def _csv_row(path: Path, number: int, row: list[str]) -> list[bytes]:
    if len(row) != len(_COLUMNS):
        raise InputError(f"line {number} of {path} has {len(row)} cells instead of {len(_COLUMNS)}")
    return [cell.encode() for cell in (row[1], row[3], row[4])]


def _cells(path: Path, number: int, cells: list[bytes], count: int) -> tuple[int, ...]:
    if len(cells) != count:
        raise InputError(f"line {number} of {path} has {len(cells)} numbers instead of {count}")
    return tuple(_number(path, number, cell) for cell in cells)


def _number(path: Path, line: int, text: bytes) -> int:
    if not text.isdigit() or len(text) > 20 or (value := int(text)) > _LARGEST:
        shown = text[:20].decode("utf-8", "replace")
        raise InputError(f"line {line} of {path} has {shown!r} where a number below 2**64 should be")
    return value


def _table(rows: Iterable[tuple[int, ...]], width: int) -> NDArray[np.uint64]:
    return np.array(list(rows), np.uint64).reshape(-1, width)


def _opened(path: Path) -> IO[bytes]:
    match path.suffix:
        case ".gz":
            return cast("IO[bytes]", gzip.open(path))
        case ".xz":
            return cast("IO[bytes]", lzma.open(path))
        case ".zst":
            return cast("IO[bytes]", zstd.open(path))
        case _:
            return path.open("rb")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except _CUT_SHORT as error:
        raise InputError(f"{path} cannot be unpacked: it is damaged, cut short or of another kind") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except csv.Error as error:
        raise InputError(f"{path} is not readable as CSV: {error}") from error


_READERS: dict[AccessFormat, Callable[[Path, IO[bytes], int | None], Accesses]] = {
    AccessFormat.ARC: _read_arc,
    AccessFormat.CLOUD_PHYSICS: _read_cloud_physics,
    AccessFormat.LIRS: _read_lirs,
    AccessFormat.UINT32_LITTLE: _read_integers("<u4"),
    AccessFormat.UINT32_BIG: _read_integers(">u4"),
    AccessFormat.UINT64_LITTLE: _read_integers("<u8"),
    AccessFormat.UINT64_BIG: _read_integers(">u8"),
}
