"""What is sent: copies of files in a folder, a small edit of them, and whether two folders are the same."""

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from dwcp.errors import StorageError

__all__ = ["MOST_FILE_BYTES", "Edit", "Laid", "difference", "edit", "lay_out"]

MOST_FILE_BYTES = 4_000_000
"""Of a larger file its beginning is sent."""
_MOST_BYTES = 40_000_000
_EDIT_EVERY = 25
_EDIT = b" a small edit "


@dataclass(frozen=True, slots=True)
class Laid:
    """A folder of copies: how many files, and their size."""

    files: int = 0
    plain_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Edit:
    """What was edited: how many files, and the bytes put into them in all."""

    files: int = 0
    inserted_bytes: int = 0


def lay_out(paths: Mapping[str, Path], folder: Path) -> Laid:
    """Copy files into a new folder, some tens of MB at most; what cannot be read is left out.

    Args:
        paths: the files, by the name (``folder/name``) that each gets.
        folder: where to.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    files = plain_bytes = 0
    _write(folder, None)
    for name, path in paths.items():
        content = _beginning(path)
        if content and plain_bytes + len(content) <= _MOST_BYTES:
            # A file at the top of the file system has a folder without a name.
            _write(folder / name.lstrip("/"), content)
            files, plain_bytes = files + 1, plain_bytes + len(content)
    return Laid(files, plain_bytes)


def edit(folder: Path) -> Edit:
    """Put a few bytes into the middle of some of the files.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    chosen = sorted(path for path in folder.rglob("*") if path.is_file())[::_EDIT_EVERY]
    for path in chosen:
        content = path.read_bytes()
        middle = len(content) // 2
        _write(path, content[:middle] + _EDIT + content[middle:])
    return Edit(len(chosen), len(chosen) * len(_EDIT))


def difference(folder: Path, copy: Path) -> str:
    """How a copy differs: the first path whose content, kind, mode or time does; empty when it is exact."""
    wanted, found = _tree(folder), _tree(copy)
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            return f"{name} is missing"
        if name not in wanted:
            return f"{name} should not be there"
        if wanted[name] != found[name]:
            return f"{name} is not the same"
    return ""


def _tree(folder: Path) -> dict[str, tuple[object, ...]]:
    if not folder.is_dir():
        return {}
    return {str(path.relative_to(folder)): _entry(path) for path in (folder, *folder.rglob("*"))}


def _entry(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    content = blake3(path.read_bytes()).digest() if stat.S_ISREG(status.st_mode) else b""
    return status.st_mode, status.st_mtime_ns, content


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_FILE_BYTES)
    except OSError:
        return b""


def _write(path: Path, content: bytes | None) -> None:
    """A file with its folders, or a folder."""
    try:
        (path if content is None else path.parent).mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.write_bytes(content)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror or error}): free some space, or set TMPDIR"
        ) from error
