"""The rows of late: every nth of those offered, and of these the last few thousand."""

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import count

import msgspec

from dwcp.errors import InputError
from dwcp.evaluation.policy import State
from dwcp.safety.drift.sketch import Value

__all__ = ["RecentRows"]


class RecentRows:
    """A bounded window of rows. Offering one takes no lock; any thread may.

    Args:
        columns: what is kept of a row.
        rows: kept at most.
        every: of how many offered rows one is kept.

    Raises:
        InputError: a size is not positive.
    """

    def __init__(self, columns: Sequence[str], rows: int = 2000, every: int = 10) -> None:
        if rows < 1 or every < 1:
            raise InputError("recent rows are one or more, of every first or later one offered")
        self._columns, self._every = tuple(columns), every
        self._rows: deque[Mapping[str, Value]] = deque(maxlen=rows)
        # Drawing from it is one step of the interpreter, so threads need no lock to share it.
        self._turn = count()

    def __len__(self) -> int:
        """Rows kept now."""
        return len(self._rows)

    def offer(self, row: Mapping[str, Value]) -> None:
        """Take a row in, if it is its turn.

        Args:
            row: value by column, not to be changed afterwards; a column that is not there is missing.
        """
        if next(self._turn) % self._every == 0:
            self._rows.append(row)

    def columns(self) -> dict[str, list[Value]]:
        """The rows kept, by column, oldest first."""
        rows = tuple(self._rows)
        return {name: [row.get(name) for row in rows] for name in self._columns}

    def clear(self) -> None:
        """Begin anew."""
        self._rows.clear()

    def snapshot(self) -> State:
        """The rows kept, as JSON values."""
        return {"columns": {name: list(map(_plain, cells)) for name, cells in self.columns().items()}}

    def restore(self, state: State) -> None:
        """Continue from a snapshot; columns that are new since are missing in its rows.

        Raises:
            InputError: it is no snapshot of rows; what is kept is as it was.
        """
        try:
            columns = msgspec.convert(state["columns"], dict[str, list[Value]])
            rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
        except (KeyError, ValueError, msgspec.ValidationError) as error:
            raise InputError(f"the saved rows for drift cannot be used ({error}); delete them") from error
        self._rows.clear()
        self._rows.extend(rows)


def _plain(value: Value) -> Value:
    """A cell that JSON can hold: no NaN, no infinity, no number of a library's own."""
    if value is None or isinstance(value, bool | str):
        return value
    number = float(value)
    return number if number - number == 0 else None
