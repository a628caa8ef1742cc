"""The walk: a tree in the order of its names as bytes, a directory before what lies in it.

Symbolic links are found, never followed: every entry is looked at through the open directory it lies in. At
most two directories are open at a time, so that depth costs nothing; one that is returned to is opened again
by its path and must still be the same.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from enum import Enum

from msgspec import Struct

from dwcp.blocks import MAX_DEPTH
from dwcp.transfer.sending.sorting import sorted_names
from dwcp.transfer.sending.source import Source, kind_of, said

__all__ = ["Found", "FoundKind", "Loss", "Skip", "walk"]


_MAX_PATH_BYTES = 4095
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Loss(Enum):
    """What is lost with a path that is left out."""

    NOTHING = 0
    """It is not there any more, or of a kind that is never sent."""
    UNREADABLE = 1
    """It is there and should have been sent."""
    RESTLESS = 2
    """The same, but for being changed all the time."""


Skip = Callable[[bytes, str, Loss], None]
"""Told of a path that is left out, why, and what is lost with it."""


class FoundKind(Enum):
    """What the walk came to."""

    DIRECTORY = 0
    END = 1
    FILE = 2
    SYMLINK = 3


class Found(Struct):
    """One step of the walk.

    Attributes:
        kind: what it is; END is of the innermost directory.
        path: below the source, its own name first.
        name: the last component.
        stat: what the system told; of an END, of its directory.
        folder_fd: the directory it lies in, open until the next step.
        target: of a symbolic link.
    """

    kind: FoundKind
    path: bytes
    name: bytes
    stat: os.stat_result
    folder_fd: int
    target: bytes = b""


class _Level(Struct):
    """A directory that is being gone through; the outermost holds nothing but the root."""

    names: Iterator[bytes]
    path: bytes
    found: os.stat_result
    fd: int


def walk(source: Source, skip: Skip) -> Iterator[Found]:
    """Go through a source.

    Args:
        source: the root comes first, whatever it is.
        skip: told of what is left out: sockets, pipes, devices, and what cannot be looked into.

    Raises:
        StorageError: a directory is too large to be sorted in memory, and the disk is full.
    """
    levels = [_Level(iter((source.name,)), b"", source.stat, source.fd)]
    try:
        while levels:
            level = levels[-1]
            name = next(level.names, None)
            if name is not None:
                found = _look(level, name, skip)
                if found is None or (found.kind is FoundKind.DIRECTORY and not _enter(levels, found, skip)):
                    continue
                yield found
            else:
                levels.pop()
                if levels:
                    _close(level)
                    _return_to(source, levels[-1], skip)
                    yield Found(
                        FoundKind.END, level.path, level.path.rpartition(b"/")[2], level.found, levels[-1].fd
                    )
    finally:
        for level in levels[1:]:
            _close(level)


def _look(level: _Level, name: bytes, skip: Skip) -> Found | None:
    path = b"%b/%b" % (level.path, name) if level.path else name
    if len(path) > _MAX_PATH_BYTES:
        skip(path, "its path is too long", Loss.UNREADABLE)
        return None
    try:
        found = os.stat(name, dir_fd=level.fd, follow_symlinks=False)
        if stat.S_ISREG(found.st_mode):
            return Found(FoundKind.FILE, path, name, found, level.fd)
        if stat.S_ISDIR(found.st_mode):
            return Found(FoundKind.DIRECTORY, path, name, found, level.fd)
        if stat.S_ISLNK(found.st_mode):
            target = os.readlink(name, dir_fd=level.fd)
            return Found(FoundKind.SYMLINK, path, name, found, level.fd, target)
    except OSError as error:
        skip(path, *_why(error))
        return None
    skip(path, f"it is {kind_of(found) or 'of an unknown kind'}", Loss.NOTHING)
    return None


def _enter(levels: list[_Level], found: Found, skip: Skip) -> bool:
    """Go into a directory; it and what lies in it is left out where that cannot be done."""
    if len(levels) > MAX_DEPTH:
        skip(found.path, "it lies too deep", Loss.UNREADABLE)
        return False
    fd = -1
    try:
        fd = os.open(found.name, _FOLDER_FLAGS, dir_fd=found.folder_fd)
        inside = sorted_names(fd)
    except OSError as error:
        if fd >= 0:
            os.close(fd)
        skip(found.path, *_why(error))
        return False
    if len(levels) > 1:
        _close(levels[-1])
    levels.append(_Level(inside, found.path, found.stat, fd))
    return True


def _return_to(source: Source, level: _Level, skip: Skip) -> None:
    """Open a directory again; the rest of one that is no longer the same is left out."""
    if level.fd >= 0:
        return
    try:
        level.fd = os.open(level.path, _FOLDER_FLAGS, dir_fd=source.fd)
        now = os.fstat(level.fd)
        same = (now.st_dev, now.st_ino) == (level.found.st_dev, level.found.st_ino)
        why = "" if same else "it was replaced while it was gone through"
    except OSError as error:
        why = _why(error)[0]
    if why:
        skip(level.path, f"{why}; the rest of it is left out", Loss.UNREADABLE)
        level.names = iter(())


def _close(level: _Level) -> None:
    if level.fd >= 0:
        os.close(level.fd)
        level.fd = -1


def _why(error: OSError) -> tuple[str, Loss]:
    if error.errno == errno.ENOENT:
        return "it vanished", Loss.NOTHING
    return said(error), Loss.UNREADABLE
