"""Which blocks to measure: files found, paired with their previous versions, cut into blocks."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

from dwcp.errors import InputError

__all__ = ["MIN_BLOCK_BYTES", "BlockSource", "age", "cut", "find_files", "previous_versions"]

MIN_BLOCK_BYTES = 4096
"""Smaller blocks are not worth a decision."""

_VERSION = re.compile(r"[_-][vt]?\d+(\.\d+)*$")


@dataclass(frozen=True, slots=True)
class BlockSource:
    """One block to measure.

    Attributes:
        path: the file.
        offset_bytes: where the block begins.
        block_bytes: how long it is.
        family: what must not be split between training and test: a file with its other versions.
        previous: the previous version of the file, if there is one.
    """

    path: Path
    offset_bytes: int
    block_bytes: int
    family: str
    previous: Path | None = None


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Regular, readable files of at least 4 KiB below the paths, each once, in a stable order.

    Raises:
        InputError: a path is missing or may not be read, or there is no such file at all.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} does not exist; name a file or a directory")
        try:
            inside = [path] if path.is_file() else sorted(path.rglob("*"))
            found.update((file, None) for file in inside if _usable(file, named=path.is_file()))
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    if not found:
        named = ", ".join(str(path) for path in paths)
        raise InputError(f"no file of at least {MIN_BLOCK_BYTES} bytes in {named}; name one with data in it")
    return list(found)


def _usable(file: Path, *, named: bool) -> bool:
    if not file.is_file() or (file.is_symlink() and not named):
        return False
    if file.stat().st_size < MIN_BLOCK_BYTES:
        return False
    if named:
        file.open("rb").close()
    return True


def previous_versions(files: Sequence[Path]) -> dict[Path, Path]:
    """Each file's previous version: same folder and name but for a trailing version (``_v2``, ``-1.5.6``)."""
    series: dict[tuple[Path, str, str], list[Path]] = {}
    for file in files:
        if _VERSION.search(file.stem):
            series.setdefault((file.parent, _stem(file), file.suffix), []).append(file)
    ordered = [sorted(versions, key=_version_key) for versions in series.values()]
    return {newer: older for versions in ordered for older, newer in pairwise(versions)}


def cut(
    files: Sequence[Path], block_bytes: int, blocks_per_file: int | None, *, by_folder: bool
) -> Iterator[BlockSource]:
    """Cut files into blocks, evenly spread where there are more than wanted.

    Args:
        files: what `find_files` gave.
        block_bytes: plain bytes of a block; the last one of a file may be shorter.
        blocks_per_file: at most this many of each file; None for all.
        by_folder: take files of one folder and suffix as one family, instead of a file with its versions.
    """
    previous = previous_versions(files)
    for file in files:
        size = file.stat().st_size
        offsets = [at for at in range(0, size, block_bytes) if size - at >= MIN_BLOCK_BYTES]
        family = f"{file.parent.name}/*{file.suffix}" if by_folder else _stem(file) + file.suffix
        for at in _spread(offsets, blocks_per_file):
            yield BlockSource(file, at, min(block_bytes, size - at), family, previous.get(file))


def _spread(offsets: list[int], most: int | None) -> list[int]:
    if most is None or len(offsets) <= most:
        return offsets
    return [offsets[i * len(offsets) // most] for i in range(most)]


def _stem(file: Path) -> str:
    return _VERSION.sub("", file.stem)


def _version_key(file: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", file.stem[len(_stem(file)) :]))


def age(plain: bytes, rng: Random) -> bytes:
    """An older version of some bytes: pieces replaced, inserted and deleted, few or many.

    Edits are 1 byte to 4 KiB long, log-uniform; the share of bytes touched is log-uniform from 1/5000 to
    1/4. It gives deltas to learn from where no real previous version is at hand.
    """
    touched = len(plain) * 2 ** rng.uniform(-12.3, -2)
    older = bytearray(plain)
    while touched > 0 and older:
        length = int(2 ** rng.uniform(0, 12))
        at = rng.randrange(len(older))
        origin = rng.randrange(len(plain))
        match rng.randrange(3):
            case 0:
                older[at : at + length] = plain[origin : origin + length]
            case 1:
                older[at:at] = rng.randbytes(length)
            case _:
                del older[at : at + length]
        touched -= length
    return bytes(older)
