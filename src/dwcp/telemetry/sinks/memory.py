"""Sinks that write no file: one that keeps nothing, one that keeps a bounded number of rows."""

from collections import deque
from collections.abc import Sequence

from dwcp.errors import SchemaError
from dwcp.telemetry.schema import Row, kind_named

__all__ = ["MemorySink", "NullSink", "check_rows"]


def check_rows(kind: str, rows: Sequence[Row]) -> None:
    """Hold the rows against the kind's columns; values were checked when the rows were admitted.

    Raises:
        SchemaError: there is no such kind, or a row does not have its columns.
    """
    columns = kind_named(kind).by_name.keys()
    for row in rows:
        if row.keys() != columns:
            odd = ", ".join(sorted(row.keys() ^ columns))
            raise SchemaError(f"a {kind} row does not have the kind's columns; they differ in {odd}")


class NullSink:
    """Keeps nothing."""

    def write(self, kind: str, rows: Sequence[Row]) -> None:
        """Check the rows and forget them."""
        check_rows(kind, rows)


class MemorySink:
    """Keeps the latest rows of each kind, for tests and live views."""

    def __init__(self, capacity: int = 100_000) -> None:
        """Keep at most ``capacity`` rows of each kind; older ones make room."""
        self._capacity = capacity
        self._rows: dict[str, deque[Row]] = {}

    def write(self, kind: str, rows: Sequence[Row]) -> None:
        """Keep copies of the rows."""
        check_rows(kind, rows)
        kept = self._rows.setdefault(kind, deque(maxlen=self._capacity))
        kept.extend([row.copy() for row in rows])

    def rows(self, kind: str) -> list[Row]:
        """Copies of the rows kept of a kind, oldest first."""
        return [row.copy() for row in tuple(self._rows.get(kind, ()))]
