"""What a user is told when something goes wrong: one sentence and an exit status.

======  =======================================================================
status  meaning
======  =======================================================================
0       done
1       it could not be done: a model, the registry, the disk, something missing
2       what was given cannot be used: fix it, then ask again
3       it was done, but a gate or target is short, something was left out, or
        validation found faults
130     interrupted
======  =======================================================================
"""

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path

import typer

import dwcp
from dwcp.errors import ArtifactNotFoundError, DwcpError, InputError

__all__ = ["EXIT_STATUSES", "Failure", "Status", "explain", "save_traceback"]


class Status(IntEnum):
    """Exit statuses."""

    DONE = 0
    FAILED = 1
    UNUSABLE = 2
    SHORT = 3
    INTERRUPTED = 130


EXIT_STATUSES: tuple[tuple[Status, str], ...] = (
    (Status.DONE, "done"),
    (Status.FAILED, "it could not be done: a model, the registry, the disk, something that is not installed"),
    (Status.UNUSABLE, "what was given cannot be used: fix it, then ask again"),
    (
        Status.SHORT,
        "it was done, but a gate or target is short, something was left out, validation found faults, or a "
        "detector raised an alarm",
    ),
    (Status.INTERRUPTED, "interrupted"),
)
"""Every exit status with its meaning."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Failure:
    """What is said (nothing when empty) and what the process ends with."""

    sentence: str
    status: Status


def explain(error: BaseException) -> Failure | None:
    """The sentence and status of an error that can be expected; None for a fault of the program."""
    if isinstance(error, DwcpError):
        status = Status.UNUSABLE if isinstance(error, InputError) else Status.FAILED
        return Failure(f"{_one_line(str(error))}{_what_to_do(error)}", status)
    if isinstance(error, typer.TyperException):
        return Failure(_usage(error), Status.UNUSABLE)
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return Failure("interrupted", Status.INTERRUPTED)
    if isinstance(error, ModuleNotFoundError) and not (error.name or "dwcp").startswith("dwcp"):
        words = f"{error.name} is not installed: pip install 'dwcp[train]' brings all that training needs"
        return Failure(words, Status.FAILED)
    return _explain_system(error)


def save_traceback(error: BaseException, home: Path, arguments: Sequence[str], now: datetime) -> Path:
    """Write the traceback of an unexpected error under the home; gives the file.

    Raises:
        OSError: it cannot be written.
    """
    file = home / "crash" / f"{now:%Y%m%dT%H%M%S}-{os.getpid()}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    head = f"dwcp {dwcp.__version__}, Python {sys.version}\narguments: {list(arguments)!r}\n\n"
    file.write_text(head + "".join(traceback.format_exception(error)), encoding="utf-8")
    return file


def _explain_system(error: BaseException) -> Failure | None:
    if isinstance(error, MemoryError):
        return Failure("there is not enough memory; give it less at a time", Status.FAILED)
    if not isinstance(error, OSError):
        return None
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in _FULL:
        return Failure(f"{where}the disk is full; free space, then run the same command again", Status.FAILED)
    return Failure(f"{where}{(error.strerror or str(error)).lower()}", Status.FAILED)


def _what_to_do(error: DwcpError) -> str:
    if error.retryable:
        return " (this may pass: the same command can succeed later)"
    if isinstance(error, ArtifactNotFoundError):
        return " (dwcp models list shows what there is, dwcp train makes a model)"
    return ""


def _usage(error: typer.TyperException) -> str:
    """What is wrong with the words given; nothing where the help has been shown instead."""
    text = _one_line(error.format_message()).rstrip(".")
    return f"{text[:1].lower()}{text[1:]} (--help says what may be given)" if text else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
