"""A rollout's journal with where it stands: read when it changes, written under the folder's lock."""

from collections.abc import Callable, Sequence
from pathlib import Path

from dwcp.errors import DwcpError, InputError
from dwcp.safety.rollout.journal import Journal
from dwcp.safety.rollout.state import Entry, RolloutState, applied, replayed

__all__ = ["Ledger"]


class Ledger:
    """The journal of one task's rollouts.

    Args:
        path: the journal.
    """

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path, Entry)
        self._stamp: object = ()
        self.state: RolloutState | None = None
        """As of the last `poll`; None when nothing was ever started, or nothing can be read."""
        self.fault = ""
        """Why the journal cannot be read; empty when it can."""

    def poll(self) -> bool:
        """Read what changed since the last time; whether anything did. One ``stat``, never raises."""
        stamp = self._journal.stamp()
        if stamp == self._stamp:
            return False
        try:
            self.state, self._stamp, self.fault = self._replayed(self.entries()), stamp, ""
        except DwcpError as error:
            self.state, self._stamp, self.fault = None, (), str(error)
        return True

    def entries(self) -> tuple[Entry, ...]:
        """Every line, oldest first.

        Raises:
            InputError: a line is not an entry.
            StorageError: the journal cannot be read.
        """
        return self._journal.read().entries

    def write(self, decide: Callable[[RolloutState | None], Sequence[Entry]]) -> tuple[Entry, ...]:
        """Decide on what stands now, and write it, while nobody else writes; gives what was written.

        Args:
            decide: what to write, given where the rollout stands; may raise.

        Raises:
            InputError: the journal is damaged, or cannot go on with what was decided.
            StorageError: it cannot be written; it is as it was.
        """
        with self._journal.locked():
            before = self.entries()
            state = self._replayed(before)
            decided = tuple(decide(state))
            for number, entry in enumerate(decided, start=len(before) + 1):
                state = applied(state, entry, number)
            if decided:
                self._journal.append(decided)
        self.poll()
        return decided

    def _replayed(self, entries: Sequence[Entry]) -> RolloutState | None:
        try:
            return replayed(entries)
        except InputError as error:
            raise InputError(
                f"the journal {self._journal.path} contradicts itself ({error}); restore it from a copy"
            ) from error
