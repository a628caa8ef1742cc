"""Kill switches: one for each task and one for all; engaged, the rule answers and no model is asked.

They are lines of a journal, ``<home>/rollouts/kill-switch.jsonl``: whoever reads it honours it, and everybody
sees who pulled which, when and why. Flags (see `dwcp.safety.flags`) are a second way to pull them. A journal
that cannot be read counts as pulled for all tasks: the rule is always safe.
"""

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from dwcp.errors import DwcpError, InputError
from dwcp.safety.flags import FlagsFile
from dwcp.safety.rollout.journal import Journal

__all__ = ["KillSwitch", "KillSwitches"]


class KillSwitch(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the journal.

    Attributes:
        when_s: seconds since 1970, UTC.
        who: pulled it, or let it go.
        engaged: which of the two.
        task: None for all tasks.
        why: in words.
    """

    when_s: float
    who: str
    engaged: bool
    task: str | None
    why: str


class KillSwitches:
    """The switches under one home. `engaged` is a look-up; `poll` costs one ``stat``, two with flags.

    Args:
        home: the folder that holds ``rollouts``.
        flags: where `dwcp.safety.flags` are read, too.
    """

    def __init__(self, home: Path, flags: FlagsFile | None = None) -> None:
        self._journal = Journal(home / "rollouts" / "kill-switch.jsonl", KillSwitch)
        self._flags = flags
        self._stamp: object = ()
        self._all: str | None = None
        self._tasks: dict[str, str] = {}
        self._released_s: dict[str | None, float] = {}
        self.poll()

    @property
    def share_cap_percent(self) -> int:
        """The largest share of units that may get any candidate, by the flags."""
        return 100 if self._flags is None else self._flags.current.rollout_percentage

    def engaged(self, task: str) -> str | None:
        """Why no model of this task may be asked; None when one may."""
        held = self._all or self._tasks.get(task)
        if held is None and self._flags is not None:
            return self._flags.current.disabled(task)
        return held

    def released_s(self, task: str) -> float:
        """When a switch that concerns the task was last let go, in seconds since 1970; 0 for never."""
        return max(self._released_s.get(task, 0.0), self._released_s.get(None, 0.0))

    def history(self) -> tuple[KillSwitch, ...]:
        """Every line, oldest first.

        Raises:
            InputError: a line is not an entry.
            StorageError: the journal cannot be read.
        """
        return self._journal.read().entries

    def poll(self) -> bool:
        """Read what changed since the last time; whether anything did. Never raises."""
        flagged = self._flags is not None and self._flags.poll()
        stamp = self._journal.stamp()
        if stamp == self._stamp:
            return flagged
        try:
            self._take_in(self._journal.read().entries)
            self._stamp = stamp
        except DwcpError as error:
            self._all = f"the kill switches cannot be read: {error}"
            self._stamp = ()
        return True

    def engage(self, task: str | None, *, now: float, who: str, why: str) -> None:
        """Pull the switch of a task, or with None that of all tasks.

        Raises:
            InputError: the journal is damaged.
            StorageError: it cannot be written.
        """
        self._append(KillSwitch(now, who, True, task, why))

    def release(self, task: str | None, *, now: float, who: str, why: str) -> None:
        """Let a switch go again. One of the flags is let go in their file.

        Raises:
            InputError: it is not engaged, or the journal is damaged.
            StorageError: it cannot be written.
        """
        self.poll()
        held = self._all if task is None else self._tasks.get(task)
        if held is None:
            name = "all tasks" if task is None else task
            other = None if task is None else self.engaged(task)
            hint = f"; it is held by another: {other}" if other else ""
            raise InputError(f"the kill switch of {name} is not engaged{hint}")
        self._append(KillSwitch(now, who, False, task, why))

    def _append(self, line: KillSwitch) -> None:
        with self._journal.locked():
            self._journal.append([line])
        self.poll()

    def _take_in(self, lines: Iterable[KillSwitch]) -> None:
        held: dict[str | None, str] = {}
        for line in lines:
            if line.engaged:
                held[line.task] = f"kill switch of {line.task or 'all tasks'}, {line.who}: {line.why}"
            elif held.pop(line.task, None) is not None:
                self._released_s[line.task] = line.when_s
        self._all = held.pop(None, None)
        self._tasks = {task: why for task, why in held.items() if task is not None}
