"""Where the passphrase of an encrypted store comes from; never the command line, which others may see."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dwcp.errors import InputError, ObjectNotFoundError

if TYPE_CHECKING:
    from dwcp.storage import Backend

__all__ = ["VARIABLE", "new_passphrase", "passphrase_of"]

VARIABLE = "DWCP_STORE_PASSPHRASE"


def passphrase_of(backend: "Backend", file: Path | None) -> str | None:
    """The passphrase of the store there: from a file, else the environment, else it is asked for.

    Returns:
        None where the store is not encrypted, and no file was named.

    Raises:
        InputError: there is none to be had, or the file cannot be read.
        StorageError: the store's disk fails.
    """
    from dwcp.storage.settings import CONFIG, is_sealed

    if file is not None:
        return _in_file(file)
    try:
        if not is_sealed(backend.get(CONFIG)):
            return None
    except ObjectNotFoundError:
        return None
    return os.environ.get(VARIABLE) or _asked("Passphrase", is_new=False)


def new_passphrase(file: Path | None, *, is_change: bool = False) -> str:
    """A passphrase that is to be used from now on, asked for twice where it is asked for.

    Args:
        file: that holds it; None where it does not lie in a file.
        is_change: whether the environment's is the one of before.

    Raises:
        InputError: there is none to be had, or the file cannot be read.
    """
    if file is not None:
        return _in_file(file)
    known = None if is_change else os.environ.get(VARIABLE)
    return known or _asked("New passphrase", is_new=True)


def _in_file(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"the passphrase in {file} cannot be read: {reason}") from error


def _asked(words: str, *, is_new: bool) -> str:
    if not sys.stdin.isatty():
        raise InputError(
            f"{words.lower()}: there is nobody to ask; give it in a file, see --help, or in {VARIABLE}"
        )
    import typer

    return str(typer.prompt(words, hide_input=True, confirmation_prompt=is_new, err=True))
