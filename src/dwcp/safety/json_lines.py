"""A file of JSON lines that several processes append to, and that survives a crash in the middle of a line.

Writers take turns by ``flock(2)`` on a file beside it. A crash may leave the last line torn: the next writer
ends it with a line feed, so that it is one bad line among good ones, and readers pass bad lines over and say
which they were.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from dwcp.errors import InputError, StorageError

__all__ = ["JsonLines", "append_lines", "locked", "read_lines"]

LineT = TypeVar("LineT")


@dataclass(frozen=True, slots=True)
class JsonLines(Generic[LineT]):
    """What a file held from some byte on.

    Attributes:
        lines: those that are what they should be, in the file's order.
        bad: numbers of the lines that are not, from 1 for the first one read.
        end: the byte after the last whole line, for the next reading.
        torn: whether something without a line feed follows: a line being written, or never finished.
    """

    lines: tuple[LineT, ...] = ()
    bad: tuple[int, ...] = ()
    end: int = 0
    torn: bool = False


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the right to write a file, and those it is rotated to; missing folders are made.

    Raises:
        StorageError: the lock beside it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def append_lines(path: Path, values: Sequence[object]) -> None:
    """Add a line for each value, in one go. The caller holds the lock.

    Raises:
        StorageError: the disk is full or may not be written; a part may stand there as a torn line.
    """
    text = b"".join(msgspec.json.encode(value) + b"\n" for value in values)
    try:
        with path.open("ab", buffering=0) as file:
            if file.tell() and not _ends_whole(path):
                text = b"\n" + text
            rest = memoryview(text)
            while rest:
                rest = rest[file.write(rest) :]
    except OSError as error:
        raise _unwritable(path, error) from error


def read_lines(path: Path, kind: type[LineT], begin: int = 0) -> JsonLines[LineT]:
    """Read from a byte on; a file that is not there holds nothing.

    Args:
        path: the file.
        kind: what each line is, as msgspec knows it.
        begin: the `JsonLines.end` of an earlier reading.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(begin)
            content = file.read()
    except FileNotFoundError:
        return JsonLines(end=begin)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    *whole, rest = content.split(b"\n")
    decoder = msgspec.json.Decoder(kind)
    lines: list[LineT] = []
    bad: list[int] = []
    for number, line in enumerate(whole, start=1):
        try:
            lines.append(decoder.decode(line))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            bad.append(number)
    return JsonLines(tuple(lines), tuple(bad), begin + len(content) - len(rest), bool(rest))


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _unwritable(path: Path, error: OSError) -> StorageError:
    reason = (error.strerror or str(error)).lower()
    return StorageError.of(error, f"{path} cannot be written: {reason}; free space or allow writing")
