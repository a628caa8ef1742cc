"""Where words go: results to standard output, everything else to standard error."""

import errno
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dwcp.cli.session import Session
from dwcp.errors import InputError, StorageError

__all__ = ["complain", "note", "print_json", "print_json_line", "print_table", "require_writable", "say"]

_WIDE = 240
"""Columns for a table that nobody looks at on a terminal, so that no cell is cut or broken."""


def say(text: str = "") -> None:
    """A line of the result."""
    print(text)


def note(session: Session, text: str) -> None:
    """A remark beside the result; nothing with ``--quiet``."""
    if not session.quiet:
        print(text, file=sys.stderr, flush=True)


def complain(sentence: str) -> None:
    """What went wrong, in one sentence."""
    print(f"dwcp: {sentence}", file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """The result as JSON, names in order; a figure that JSON cannot hold is null."""
    print(json.dumps(_plain(value), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False))


def print_json_line(value: object) -> None:
    """One event as one line of JSON, at once, for what goes on and on."""
    print(json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, allow_nan=False), flush=True)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers: frozenset[int]) -> None:
    """A table; the columns at the positions in ``numbers`` are set to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place, title in enumerate(header):
        table.add_column(title, justify="right" if place in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table)


def require_writable(file: Path) -> None:
    """Refuse a target that could not be written, before the work that fills it.

    Raises:
        InputError: there is a folder of that name, or a file where a folder is needed.
        StorageError: the folder may not be written.
    """
    if file.is_dir():
        raise InputError(f"{file} is a folder; name a file in it")
    standing = next(parent for parent in file.absolute().parents if parent.exists())
    if not standing.is_dir():
        raise InputError(f"{file} cannot be written: {standing} is not a folder; name another place")
    if not os.access(standing, os.W_OK | os.X_OK):
        denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        raise StorageError.of(
            denied, f"{file} cannot be written: {standing} may not be written; allow it or go elsewhere"
        )


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
