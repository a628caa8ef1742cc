"""The corpus of real files that benchmarks measure on: where it is, and which bytes it held."""

import os
from collections.abc import Iterable
from pathlib import Path

from blake3 import blake3

from dwcp.errors import InputError

DEFAULT_FOLDER = Path("data/corpus")


def corpus_folder(given: Path | None) -> Path:
    """The folder: the one given, else ``DWCP_CORPUS``, else ``data/corpus``.

    Raises:
        InputError: there is no such folder.
    """
    folder = given or Path(os.environ.get("DWCP_CORPUS") or DEFAULT_FOLDER)
    if not folder.is_dir():
        raise InputError(f"there is no corpus at {folder}: give its folder with --corpus DIR or DWCP_CORPUS")
    return folder


def digests(files: Iterable[Path]) -> dict[str, dict[str, object]]:
    """Name to length and BLAKE3 of each file.

    Raises:
        InputError: a file cannot be read.
    """
    return {path.name: _digest(read(path)) for path in files}


def read(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error


def _digest(content: bytes) -> dict[str, object]:
    return {"bytes": len(content), "blake3": blake3(content).hexdigest()}
