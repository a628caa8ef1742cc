"""A Parquet file as a source."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from dwcp.errors import InputError, SchemaError
from dwcp.telemetry.schema import Kind, kind_named
from dwcp.telemetry.sources.batch import Batch
from dwcp.telemetry.sources.coerce import coerce
from dwcp.telemetry.sources.mapping import infer_kind, map_columns
from dwcp.telemetry.sources.source import Unknown

__all__ = ["ParquetSource"]


class ParquetSource:
    """Reads a Parquet file batch by batch."""

    def __init__(
        self,
        path: Path,
        kind: str | None = None,
        *,
        renames: Mapping[str, str] = MappingProxyType({}),
        unknown: Unknown = "refuse",
        batch_rows: int = 65_536,
    ) -> None:
        """Read the footer and hold the columns against the schema.

        Args:
            path: the file.
            kind: the name of the record kind; None to tell it by the folder (``kind=link``) or the columns.
            renames: the schema's name for columns that are called otherwise in the file.
            unknown: what to do with columns that the kind does not have.
            batch_rows: most rows in a batch.

        Raises:
            SchemaError: the columns, or the units the file gives them, are not the kind's.
            InputError: the file cannot be read or is no whole Parquet file.
        """
        self._path = path
        self._batch_rows = batch_rows
        with _translated(path), pq.ParquetFile(path) as file:  # type: ignore[no-untyped-call]
            found = file.schema_arrow
        named = kind or _partition(path)
        self._kind = kind_named(named) if named else infer_kind(self.name, found.names, renames)
        self._mapping = map_columns(self.name, found.names, self._kind, renames, unknown)
        _check_units(self.name, found, self._kind, self._mapping)

    @property
    def name(self) -> str:
        """The path."""
        return str(self._path)

    @property
    def kind(self) -> Kind:
        """The kind of its records."""
        return self._kind

    def batches(self) -> Iterator[Batch]:
        """The rows in order; see `Source.batches`."""
        start = 1
        for found in self._frames():
            frame, faults = coerce(self.name, found, self._kind, self._mapping)
            yield Batch(pl.int_range(start, start + found.height, eager=True), found, frame, faults)
            start += found.height

    def _frames(self) -> Iterator[pl.DataFrame]:
        with _translated(self._path), pq.ParquetFile(self._path) as file:  # type: ignore[no-untyped-call]
            for batch in file.iter_batches(self._batch_rows, use_threads=False):
                yield pl.DataFrame(pa.Table.from_batches([batch]))


def _check_units(table: str, found: pa.Schema, kind: Kind, mapping: Mapping[str, str]) -> None:
    """Where the file says what unit a column is in, hold it against the schema's."""
    for source, name in mapping.items():
        unit = (found.field(source).metadata or {}).get(b"unit", b"").decode("utf-8", "replace")
        wanted = kind.by_name[name].unit
        if unit not in ("", wanted):
            raise SchemaError(f"{table}: column {source!r} is in {unit}, not {wanted}; convert it first")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """What pyarrow says of an unreadable file, in one sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
        raise InputError(
            f"{path} is no whole Parquet file or cannot be read; write or copy it again"
        ) from error


def _partition(path: Path) -> str:
    """The kind that the folder names, or nothing."""
    key, _, value = path.parent.name.partition("=")
    return value if key == "kind" else ""
