"""Putting in place what is staged and verified. Every step may be done again, as a restart does."""

import stat
from collections.abc import Callable

from dwcp.errors import TransferRefusedError
from dwcp.transfer.receiving.disk import PRIVATE_DIRECTORY, Disk
from dwcp.transfer.receiving.entries import Entry, EntryKind, Flag
from dwcp.transfer.receiving.facts import FileFacts
from dwcp.transfer.receiving.pruning import prune
from dwcp.transfer.receiving.session_log import SessionLog
from dwcp.transfer.receiving.staged import TREE, staged_path
from dwcp.transfer.receiving.trash import Trash
from dwcp.transfer.receiving.tree import Tree

__all__ = ["Placing"]

_FACTS_AT_ONCE = 1024


class Placing:
    """Carries out a session whose data is complete. Its methods raise StorageError and OSError."""

    def __init__(self, log: SessionLog, staging: Tree, destination: Tree, trash: Trash, disk: Disk) -> None:
        """Have placed nothing.

        Args:
            log: the session's.
            staging: its staging folder.
            destination: the destination's folder.
            trash: for what is replaced or removed.
            disk: what moves and removes.
        """
        self._log = log
        self._facts = log.facts
        self._staging = staging
        self._destination = destination
        self._trash = trash
        self._disk = disk
        self._new_facts: dict[int, FileFacts] = {}

    def check(self) -> None:
        """Refuse where a new root's place is not free any more.

        Raises:
            TransferRefusedError: something is there.
        """
        name = self._facts.name
        if self._facts.is_new and self._is_staged() and self._destination.look(name) is not None:
            raise TransferRefusedError(
                f"{self._destination.shown(name)} came to exist meanwhile: remove it, or sync onto it; what "
                "was received stays for a while, so that it need not travel again"
            )

    def place(self) -> int:
        """Put everything in place.

        Returns:
            How many entries that are no directories were removed because the catalogue does not name them.
        """
        removed = 0
        self._destination.forget()
        if self._facts.is_new:
            if self._is_staged():
                self._place_new()
            self._finish_root()
        else:
            self._each(self._place_over)
            if self._facts.delete:
                removed = prune(self._log.entries, self._destination, b"", self._trash, keep_retracted=True)
                removed += self._trash.empty()
            self._fix_directories(self._destination, b"")
        self._trash.empty()
        return removed

    def _is_staged(self) -> bool:
        return self._staging.look(TREE + b"/" + self._facts.name) is not None

    def _place_new(self) -> None:
        if self._facts.needs_pruning:
            self._each(self._move_loose)
            prune(self._log.entries, self._staging, TREE + b"/", self._trash, keep_retracted=False)
        self._fix_directories(self._staging, TREE + b"/")
        self._move(self._staging, TREE + b"/" + self._facts.name, self._destination, self._facts.name)

    def _finish_root(self) -> None:
        """A directory's own mode comes last: one that may not be written could not be moved."""
        root = self._log.entries.one(0)
        if root.kind == EntryKind.DIRECTORY:
            self._fix(root, self._destination, b"", self._facts.mode(root.mode))
        elif root.kind == EntryKind.FILE:
            self._note(root)
            self._write_facts()

    def _each(self, step: Callable[[Entry], None]) -> None:
        for entry in self._log.entries.walk():
            if not entry.flags & Flag.RETRACTED and (
                entry.kind != EntryKind.FILE or entry.flags & Flag.ENDED
            ):
                step(entry)
        self._write_facts()

    def _move_loose(self, entry: Entry) -> None:
        source = staged_path(entry)
        if not entry.flags & Flag.LOOSE or self._staging.look(source) is None:
            return
        self._move(self._staging, source, self._staging, TREE + b"/" + entry.path)
        told = self._staging.look(TREE + b"/" + entry.path)
        if told is not None:
            self._put_facts(entry.number, FileFacts.of(told))

    def _place_over(self, entry: Entry) -> None:
        if entry.kind == EntryKind.DIRECTORY:
            self._make_directory(entry.path)
        elif not entry.flags & Flag.KEPT:
            source = staged_path(entry)
            if self._staging.look(source) is not None:
                self._move(self._staging, source, self._destination, entry.path)
            self._note(entry)
        elif entry.flags & Flag.FIX:
            is_link = entry.kind == EntryKind.SYMLINK
            self._fix(entry, self._destination, b"", None if is_link else self._facts.mode(entry.mode))
            self._note(entry)

    def _make_directory(self, path: bytes) -> None:
        """Have a directory there that its owner may write to, until it gets its own mode."""
        told = self._destination.look(path)
        with self._destination.parent(path) as (directory, name):
            if told is not None and stat.S_ISDIR(told.st_mode):
                if stat.S_IMODE(told.st_mode) & PRIVATE_DIRECTORY != PRIVATE_DIRECTORY:
                    self._disk.set_mode(name, directory, stat.S_IMODE(told.st_mode) | PRIVATE_DIRECTORY)
                return
            if told is not None:
                self._trash.take(name, directory)
            self._disk.make_directory(name, directory)

    def _move(self, source: Tree, source_path: bytes, target: Tree, target_path: bytes) -> None:
        told = target.look(target_path)
        with (
            source.parent(source_path) as (from_directory, from_name),
            target.parent(target_path) as (to_directory, to_name),
        ):
            if told is not None and stat.S_ISDIR(told.st_mode):
                self._trash.take(to_name, to_directory)
                target.forget()
            self._disk.rename(from_name, from_directory, to_name, to_directory)

    def _fix_directories(self, tree: Tree, above: bytes) -> None:
        """Modes and times of directories, those inside before those around them."""
        for entry in self._log.entries.walk_back():
            if entry.kind == EntryKind.DIRECTORY:
                is_new_root = self._facts.is_new and entry.number == 0
                self._fix(entry, tree, above, None if is_new_root else self._facts.mode(entry.mode))

    def _fix(self, entry: Entry, tree: Tree, above: bytes, mode: int | None) -> None:
        """Mode, unless None, and time of what lies there, where they are not what they should be."""
        told = tree.look(above + entry.path)
        if told is None:
            return
        with tree.parent(above + entry.path) as (directory, name):
            if mode is not None and stat.S_IMODE(told.st_mode) != mode:
                self._disk.set_mode(name, directory, mode)
            if told.st_mtime_ns != entry.mtime_ns:
                self._disk.set_time(name, directory, entry.mtime_ns)

    def _note(self, entry: Entry) -> None:
        """What the system tells of a file now: moving it has changed its ctime."""
        told = self._destination.look(entry.path)
        if told is not None and stat.S_ISREG(told.st_mode):
            self._put_facts(entry.number, FileFacts.of(told))

    def _put_facts(self, number: int, facts: FileFacts) -> None:
        self._new_facts[number] = facts
        if len(self._new_facts) >= _FACTS_AT_ONCE:
            self._write_facts()

    def _write_facts(self) -> None:
        if self._new_facts:
            self._log.files.put_many(self._new_facts)
            self._new_facts = {}
