"""What every sink is: takes rows of one kind, all or none."""

from collections.abc import Sequence
from typing import Protocol

from dwcp.telemetry.schema import Row

__all__ = ["Sink"]


class Sink(Protocol):
    """Takes admitted rows, from any thread; every implementation passes the conformance suite."""

    def write(self, kind: str, rows: Sequence[Row]) -> None:
        """Take the rows of one record kind: all of them, or none and raise. No rows is no work.

        Args:
            kind: the name of the record kind.
            rows: admitted rows, each with every column of the kind.

        Raises:
            SchemaError: there is no such kind, or a row does not have its columns.
            StorageError: the rows cannot be kept; nothing half-written is left, the same call may be
                made again.
        """
        ...
