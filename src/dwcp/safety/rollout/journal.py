"""The journal of a rollout: one JSON line for each event, never changed; where it stands is their replay.

A crash may tear the last line. A torn line was never acknowledged: readers pass it over, the next writer cuts
it off. Writers of several processes take turns by a lock on the folder, released even by a crash; readers see
that something changed by one ``stat``.
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

__all__ = ["Journal", "Lines"]

LineT = TypeVar("LineT")


@dataclass(frozen=True, slots=True)
class Lines(Generic[LineT]):
    """What a journal holds.

    Attributes:
        entries: oldest first.
        torn: whether a torn last line was passed over.
        whole_bytes: length of the file up to and with its last whole line.
    """

    entries: tuple[LineT, ...] = ()
    torn: bool = False
    whole_bytes: int = 0


class Journal(Generic[LineT]):
    """A file of JSON lines of one type.

    Args:
        path: the file; it need not exist yet, nor its folder.
        kind: the type of a line.
    """

    def __init__(self, path: Path, kind: type[LineT]) -> None:
        self.path = path
        self._decoder = msgspec.json.Decoder(kind)

    def stamp(self) -> tuple[int, int, int] | None:
        """Something that differs after every change; None while there is no file. One ``stat``."""
        try:
            found = os.stat(self.path)  # noqa: PTH116 - half the time of Path.stat
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def read(self) -> Lines[LineT]:
        """Read all of it; a file that is not there is an empty one.

        Raises:
            InputError: a line other than the last is not an entry.
            StorageError: the file cannot be read.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return Lines()
        except OSError as error:
            raise StorageError.of(error, f"{self.path} cannot be read: {error.strerror or error}") from error
        *lines, rest = content.split(b"\n")
        entries: list[LineT] = []
        for number, line in enumerate(lines, start=1):
            try:
                entries.append(self._decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                if number == len(lines) and not rest:
                    rest = line + b"\n"
                    break
                raise InputError(
                    f"line {number} of {self.path} is not an entry ({error}); restore the file from a copy, "
                    f"or take the line out by hand"
                ) from error
        return Lines(tuple(entries), bool(rest), len(content) - len(rest))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder's lock against other threads and processes.

        Raises:
            StorageError: the folder or the lock cannot be made.
        """
        folder = self.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _unwritable(folder, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def append(self, entries: Sequence[LineT]) -> None:
        """Add lines durably, after cutting off a torn last one. The caller holds the lock.

        Raises:
            InputError: what is there cannot be read, or a text is not Unicode.
            StorageError: the file cannot be written; it is as it was.
        """
        whole_bytes = self.read().whole_bytes
        try:
            added = b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
        except UnicodeEncodeError as error:
            raise InputError(f"{self.path} takes Unicode alone: {error.reason}") from error
        try:
            self._write(added, whole_bytes)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def _write(self, added: bytes, whole_bytes: int) -> None:
        with self.path.open("ab") as file:
            file.truncate(whole_bytes)
            try:
                file.write(added)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.truncate(self.path, whole_bytes)
                raise
        if not whole_bytes:
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError.of(
        error,
        f"{path} cannot be written ({error.strerror or error}): free space or allow writing, then try again; "
        f"what stood before still stands",
    )
