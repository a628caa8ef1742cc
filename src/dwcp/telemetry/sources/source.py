"""What every source is: a table of one record kind, given in batches."""

from collections.abc import Iterator
from typing import Literal, Protocol

from dwcp.telemetry.schema import Kind
from dwcp.telemetry.sources.batch import Batch

__all__ = ["Source", "Unknown"]

Unknown = Literal["refuse", "quarantine"]
"""What to do with a column that the kind does not have: refuse the table, or set aside each row that has a
value in it."""


class Source(Protocol):
    """A table of one record kind; every implementation passes the conformance suite."""

    @property
    def name(self) -> str:
        """What to call the table in messages, e.g. its path."""
        ...

    @property
    def kind(self) -> Kind:
        """The kind of its records."""
        ...

    def batches(self) -> Iterator[Batch]:
        """Every row once, in order, a bounded number at a time; each call starts again.

        Raises:
            SchemaError: the table's columns are not the kind's.
            InputError: the table cannot be read, or not to its end.
        """
        ...
