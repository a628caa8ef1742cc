"""One session on disk: what was offered, every entry and chunk, and how far it got.

It is at once the session's working memory, what a later session resumes from, and the journal of the commit.
"""

import json
import os
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import asdict, replace

from dwcp.blocks import Chunking
from dwcp.errors import InputError
from dwcp.transfer.receiving.chunk_log import ChunkLog
from dwcp.transfer.receiving.disk import PRIVATE_FILE
from dwcp.transfer.receiving.entries import Entries
from dwcp.transfer.receiving.facts import FactsTable
from dwcp.transfer.receiving.table import read_exactly

__all__ = ["SessionFacts", "SessionLog", "Stage", "read_facts", "write_facts"]

_NAME, _NEW_NAME = b"session.json", b"session.json.new"
_MAX_BYTES = 64 * 1024
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


class Stage(StrEnum):
    """How far a session got."""

    OPEN = "open"
    """Data comes in; nothing at the destination was touched."""
    COMMITTING = "committing"
    """Everything is verified and on disk; it is being put in place, and has to be to the end."""
    PLACED = "placed"
    """Everything is in place; the index does not know it yet."""


class SessionFacts(Struct, frozen=True):
    """What has to be known to carry a session to its end without the sender.

    Attributes:
        name: of the offered root.
        is_new: whether nothing of this name was there: the root is put in place by one rename.
        delete: whether what the catalogue does not name is removed.
        chunking: min, average and max chunk bytes.
        keep_special: whether set-user-id, set-group-id and sticky bits are taken over.
        needs_pruning: whether the staged tree may hold what the catalogue does not name.
        stage: how far the session got.
    """

    name: bytes
    is_new: bool
    delete: bool
    chunking: tuple[int, int, int]
    keep_special: bool
    needs_pruning: bool = False
    stage: Stage = Stage.OPEN

    @property
    def cutting(self) -> Chunking:
        """How the session's files are cut."""
        return Chunking(*self.chunking)

    def mode(self, mode: int) -> int:
        """The permission bits that are taken over of a mode."""
        return mode & (0o7777 if self.keep_special else 0o777)

    def at(self, stage: Stage) -> "SessionFacts":
        """The same session, further on."""
        return replace(self, stage=stage)


def read_facts(directory: int) -> SessionFacts | None:
    """What a session's folder says of it; None where it says nothing that can be understood.

    Raises:
        OSError: it cannot be read.
    """
    try:
        fd = os.open(_NAME, _READ, dir_fd=directory)
    except FileNotFoundError:
        return None
    try:
        fields = json.loads(read_exactly(fd, _MAX_BYTES, 0))
        fields |= {"name": bytes.fromhex(fields["name"]), "stage": Stage(fields["stage"])}
        fields["chunking"] = tuple(fields["chunking"])
        facts = SessionFacts(**fields)
        _ = facts.cutting
    except (ValueError, TypeError, KeyError, InputError):
        return None
    else:
        return facts
    finally:
        os.close(fd)


def write_facts(directory: int, facts: SessionFacts, durable: bool) -> None:
    """Replace what a session's folder says of it, in one step.

    Args:
        directory: the session's folder, open for reading.
        facts: what to say.
        durable: whether it is on the disk when this returns.

    Raises:
        OSError: it cannot be written.
    """
    text = json.dumps(asdict(facts) | {"name": facts.name.hex()}).encode()
    fd = os.open(_NEW_NAME, _WRITE, PRIVATE_FILE, dir_fd=directory)
    try:
        os.write(fd, text)
        if durable:
            os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(_NEW_NAME, _NAME, src_dir_fd=directory, dst_dir_fd=directory)
    if durable:
        os.fsync(directory)


class SessionLog:
    """The open tables of one session."""

    def __init__(self, directory: int, facts: SessionFacts) -> None:
        """Open them, made where they are missing.

        Args:
            directory: the session's folder, open for reading; closed with the log.
            facts: what was offered.

        Raises:
            OSError: they cannot be opened.
        """
        self.directory = directory
        self.facts = facts
        self.entries = Entries(directory)
        self.chunks = ChunkLog(directory)
        self.files = FactsTable(directory)

    def require_pruning(self) -> None:
        """Note that the staged tree may hold what the catalogue does not name; `advance` writes it down."""
        self.facts = replace(self.facts, needs_pruning=True)

    def advance(self, stage: Stage, durable: bool) -> None:
        """Note how far the session got. Raises OSError."""
        self.facts = self.facts.at(stage)
        write_facts(self.directory, self.facts, durable)

    def close(self) -> None:
        """Close everything."""
        self.entries.close()
        self.chunks.close()
        self.files.close()
        os.close(self.directory)
