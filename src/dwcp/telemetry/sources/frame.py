"""A table that is already in memory."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import polars as pl

from dwcp.telemetry.schema import Kind, kind_named
from dwcp.telemetry.sources.batch import Batch
from dwcp.telemetry.sources.coerce import coerce
from dwcp.telemetry.sources.mapping import infer_kind, map_columns
from dwcp.telemetry.sources.source import Unknown

__all__ = ["FrameSource"]


class FrameSource:
    """A Polars frame as a source."""

    def __init__(
        self,
        frame: pl.DataFrame,
        kind: str | None = None,
        *,
        renames: Mapping[str, str] = MappingProxyType({}),
        unknown: Unknown = "refuse",
        batch_rows: int = 65_536,
        name: str = "table",
    ) -> None:
        """Hold the columns against the schema.

        Args:
            frame: the table.
            kind: the name of the record kind; None to tell it by the columns.
            renames: the schema's name for columns that are called otherwise.
            unknown: what to do with columns that the kind does not have.
            batch_rows: most rows in a batch.
            name: what to call the table in messages.

        Raises:
            SchemaError: the columns are not the kind's.
        """
        self._frame = frame
        self._batch_rows = batch_rows
        self._name = name
        self._kind = kind_named(kind) if kind else infer_kind(name, frame.columns, renames)
        self._mapping = map_columns(name, frame.columns, self._kind, renames, unknown)

    @property
    def name(self) -> str:
        """What to call the table in messages."""
        return self._name

    @property
    def kind(self) -> Kind:
        """The kind of its records."""
        return self._kind

    def batches(self) -> Iterator[Batch]:
        """The rows in order; see `Source.batches`."""
        for start in range(0, self._frame.height, self._batch_rows):
            found = self._frame.slice(start, self._batch_rows)
            frame, faults = coerce(self._name, found, self._kind, self._mapping)
            numbers = pl.int_range(start + 1, start + 1 + found.height, eager=True)
            yield Batch(numbers, found, frame, faults)
