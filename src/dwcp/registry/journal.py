"""A task's journal: one JSON line for each publication, promotion and rollback, never changed.

Aliases are not stored: they are what the lines add up to. ``promote`` lays a version on the alias,
``rollback`` takes the topmost off again, so a second rollback goes one further back, and rolling the first
promotion back leaves the alias holding nothing.

A crash may tear the last line. A torn line was never acknowledged: readers pass it over and say so, the
next writer cuts it off.
"""

import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dwcp.errors import InputError, RegistryError
from dwcp.registry._disk import sync_folder, write_all
from dwcp.registry.layout import VERSION_PATTERN
from dwcp.registry.manifest import canonical_json

__all__ = ["ALIASES", "Action", "History", "JournalEntry", "append", "cut", "new_entry", "read_history"]

ALIASES = ("champion", "challenger", "shadow")
"""The aliases that can be moved; ``latest`` follows the versions by itself."""


Action = Literal["publish", "promote", "rollback"]
"""What can be done."""


class JournalEntry(BaseModel):
    """One line: who did what, when, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    when_s: float = Field(allow_inf_nan=False)
    """Seconds since 1970, UTC."""
    who: str
    action: Action
    alias: str | None = None
    """The alias that moved; None for a publication."""
    previous: str | None = Field(default=None, validation_alias="from", serialization_alias="from")
    """The version the alias held before; ``from`` in the file."""
    version: str | None = Field(pattern=VERSION_PATTERN, validation_alias="to", serialization_alias="to")
    """The version published, or held by the alias from now on; ``to`` in the file."""
    digest: str | None = None
    """The artifact digest of that version at that time."""
    why: str

    def line(self) -> bytes:
        """The entry as one line of the file.

        Raises:
            InputError: a text is not Unicode.
        """
        return canonical_json(self.model_dump(by_alias=True))


@dataclass(frozen=True, slots=True)
class History:
    """What a journal says."""

    entries: tuple[JournalEntry, ...] = ()
    note: str = ""
    """Set when a torn last line was passed over; empty otherwise."""
    whole_bytes: int = 0
    """Length of the file up to and with its last whole line."""

    def held(self, alias: str) -> tuple[str, ...]:
        """The versions laid on an alias and not rolled back, the one it holds now last."""
        stack: list[str] = []
        for entry in self.entries:
            if entry.alias != alias:
                continue
            if entry.action == "promote" and entry.version is not None:
                stack.append(entry.version)
            elif entry.action == "rollback" and stack:
                stack.pop()
        return tuple(stack)

    def aliases(self) -> dict[str, str]:
        """Each alias that holds a version, with that version."""
        stacks = {alias: self.held(alias) for alias in ALIASES}
        return {alias: stack[-1] for alias, stack in stacks.items() if stack}

    def versions(self) -> frozenset[str]:
        """Every version that was ever published or held."""
        return frozenset(entry.version for entry in self.entries if entry.version is not None)

    def digest_of(self, version: str) -> str | None:
        """The artifact digest first recorded for a version; None when the journal does not know it."""
        recorded = (entry.digest for entry in self.entries if entry.version == version)
        return next((digest for digest in recorded if digest is not None), None)


def read_history(path: Path) -> History:
    """Read a journal; a file that is not there is an empty one.

    Raises:
        RegistryError: a line other than the last is not an entry, or the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return History()
    except OSError as error:
        raise RegistryError(f"the journal {path} cannot be read: {error.strerror}") from error
    *lines, rest = content.split(b"\n")
    entries: list[JournalEntry] = []
    for number, line in enumerate(lines, start=1):
        entry = _parse(line)
        if entry is not None:
            entries.append(entry)
        elif number == len(lines) and not rest:
            rest = line + b"\n"
        else:
            raise RegistryError(
                f"line {number} of the journal {path} is not an entry; restore the file from a copy, or take "
                f"the line out by hand"
            )
    note = f"the last line of {path} is torn and was passed over" if rest else ""
    return History(tuple(entries), note, len(content) - len(rest))


def new_entry(
    *,
    now: float,
    who: str,
    action: Action,
    alias: str | None = None,
    previous: str | None = None,
    version: str | None,
    digest: str | None,
    why: str,
) -> JournalEntry:
    """An entry from what a caller gave.

    Raises:
        InputError: the time is not a number, or a text is not Unicode.
    """
    try:
        entry = JournalEntry(
            when_s=now,
            who=who,
            action=action,
            alias=alias,
            previous=previous,
            version=version,
            digest=digest,
            why=why,
        )
    except ValidationError as error:
        raise InputError(f"the journal cannot record {now!r} as the time") from error
    # A text that cannot be written is refused here, before anything else is done.
    entry.line()
    return entry


def append(path: Path, entry: JournalEntry) -> None:
    """Add a line durably, after cutting off a torn last one. The caller holds the task's lock.

    Raises:
        RegistryError: what is there cannot be read.
        OSError: the file cannot be written; it is as it was.
    """
    size = read_history(path).whole_bytes
    is_new = not path.exists()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    with ExitStack() as undo:
        undo.callback(os.close, handle)
        os.ftruncate(handle, size)
        on_failure = undo.enter_context(ExitStack())
        on_failure.callback(os.ftruncate, handle, size)
        write_all(handle, entry.line())
        os.fsync(handle)
        if is_new:
            sync_folder(path.parent)
        on_failure.pop_all()


def cut(path: Path, size: int) -> None:
    """Take back the line appended by an operation that failed later on. The caller still holds the lock."""
    os.truncate(path, size)


def _parse(line: bytes) -> JournalEntry | None:
    try:
        return JournalEntry.model_validate_json(line)
    except ValidationError:
        return None
