"""Removing from a tree what the catalogue does not name."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice

from dwcp.errors import StorageError
from dwcp.transfer.receiving.entries import Entries, EntryKind, Flag
from dwcp.transfer.receiving.trash import Trash
from dwcp.transfer.receiving.tree import Tree

__all__ = ["prune"]

_AT_ONCE = 4096
_READ_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def prune(entries: Entries, tree: Tree, above: bytes, trash: Trash, keep_retracted: bool) -> int:
    """Remove, from every directory that the catalogue names, what it does not name there.

    What lies on another file system stays.

    Args:
        entries: of the catalogue.
        tree: what to remove from.
        above: where in it the catalogue's root lies, with a slash at the end if anything.
        trash: where directories go.
        keep_retracted: whether files that were taken back, since they changed, stay.

    Returns:
        How many entries that are no directories were removed; what went to the trash comes on top.

    Raises:
        StorageError: there is no room for the names.
        OSError: something cannot be removed.
    """
    removed = 0
    try:
        with closing(sqlite3.connect("")) as named:
            named.execute("CREATE TABLE named (path BLOB PRIMARY KEY) WITHOUT ROWID")
            _name(named, entries, keep_retracted)
            for entry in entries.walk():
                if entry.kind == EntryKind.DIRECTORY:
                    removed += _prune_one(named, tree, above, entry.path, trash)
    except sqlite3.Error as error:
        raise StorageError(
            f"the catalogue's names cannot be looked up: {error}; make room for them"
        ) from error
    tree.forget()
    return removed


def _name(named: sqlite3.Connection, entries: Entries, keep_retracted: bool) -> None:
    paths = ((entry.path,) for entry in entries.walk() if keep_retracted or not entry.flags & Flag.RETRACTED)
    while some := list(islice(paths, _AT_ONCE)):
        named.executemany("INSERT OR IGNORE INTO named VALUES (?)", some)


def _prune_one(named: sqlite3.Connection, tree: Tree, above: bytes, path: bytes, trash: Trash) -> int:
    removed = 0
    directory = tree.hold(above + path)
    try:
        for name in _names(directory):
            query = "SELECT 1 FROM named WHERE path = ?"
            if named.execute(query, (path + b"/" + name,)).fetchone() is None and trash.can_take(
                name, directory
            ):
                removed += trash.take(name, directory)
    finally:
        tree.release(above + path)
    return removed


def _names(directory: int) -> Iterator[bytes]:
    fd = os.open(b".", _READ_DIRECTORY, dir_fd=directory)
    try:
        with os.scandir(fd) as entries:
            for entry in entries:
                yield os.fsencode(entry.name)
    finally:
        os.close(fd)
