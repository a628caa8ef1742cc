"""What a session leaves in the destination's private folder, from its first record until it is in place."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from blake3 import blake3

from dwcp.transfer.protocol import Offer
from dwcp.transfer.receiving.disk import PRIVATE_DIRECTORY, Disk
from dwcp.transfer.receiving.session_log import SessionFacts, SessionLog, Stage, read_facts, write_facts
from dwcp.transfer.receiving.staged import TREE
from dwcp.transfer.receiving.staged_index import StagedIndex
from dwcp.transfer.receiving.trash import Trash
from dwcp.transfer.receiving.tree import Tree

__all__ = ["StagingFolder", "folder_name"]

_READ_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOG = b"log"
_LEFT = "left.sqlite"
_NAME_BYTES = 16
_WRITTEN = b"log/entries", b"log/verified"


def folder_name(offer: Offer) -> bytes:
    """The folder of a session: the same for each attempt at it, and for nothing else."""
    return blake3(offer.resume_key + offer.name).hexdigest(_NAME_BYTES).encode()


class StagingFolder:
    """One session's folder, open. Its methods raise StorageError and OSError."""

    def __init__(self, name: bytes, above: int, path: Path, disk: Disk) -> None:
        """Open it, made where it is missing.

        Args:
            name: see `folder_name`.
            above: the folder it lies in, open.
            path: of that one.
            disk: what makes directories in it.
        """
        self.name = name
        self._path = path / os.fsdecode(name)
        with suppress(FileExistsError):
            os.mkdir(name, PRIVATE_DIRECTORY, dir_fd=above)
        self.tree = Tree(os.open(name, _READ_DIRECTORY, dir_fd=above), str(self._path), disk)

    def facts(self) -> SessionFacts | None:
        """What the session in it was about and how far it got; None where there is none."""
        try:
            with self._log_directory() as directory:
                return read_facts(directory)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def log(self, facts: SessionFacts) -> SessionLog:
        """The session in it."""
        return SessionLog(os.open(_LOG, _READ_DIRECTORY, dir_fd=self.tree.root_fd), facts)

    def left(self, trash: Trash) -> StagedIndex | None:
        """What earlier runs left here, by block; their logs are not needed any more.

        Args:
            trash: where the logs go.

        Returns:
            None where they left nothing.
        """
        facts = self.facts()
        index = None
        if facts is not None or (self._path / _LEFT).exists():
            index = StagedIndex(self._path / _LEFT)
        if facts is not None and index is not None:
            log = self.log(facts)
            try:
                index.learn(log)
            finally:
                log.close()
        with suppress(FileNotFoundError):
            trash.take(_LOG, self.tree.root_fd)
        return index

    def begin(self, facts: SessionFacts) -> SessionLog:
        """Begin a new session in it."""
        os.mkdir(_LOG, PRIVATE_DIRECTORY, dir_fd=self.tree.root_fd)
        with self._log_directory() as directory:
            write_facts(directory, facts, durable=False)
        return self.log(facts)

    def revert(self, facts: SessionFacts) -> None:
        """Have a session that cannot be put in place go on from where its data is complete."""
        with self._log_directory() as directory:
            write_facts(directory, facts.at(Stage.OPEN), durable=False)

    def has_tree(self) -> bool:
        """Whether anything is staged in it."""
        return self.tree.look(TREE) is not None

    def used_at(self) -> float:
        """When something was last begun or received in it, seconds since the epoch."""
        told = [os.fstat(self.tree.root_fd), *map(self.tree.look, (_LOG, *_WRITTEN))]
        return max(each.st_mtime for each in told if each is not None)

    def close(self) -> None:
        """Close it."""
        self.tree.close()

    @contextmanager
    def _log_directory(self) -> Iterator[int]:
        fd = os.open(_LOG, _READ_DIRECTORY, dir_fd=self.tree.root_fd)
        try:
            yield fd
        finally:
            os.close(fd)
