"""The default sink: Parquet files partitioned by date and kind, under one directory.

A file is ``date=2026-01-31/kind=link/part-<first>-<last>-<token>.parquet``, first and last being the times
of its earliest and latest row in ns. It is written under ``.incoming``, synced, then renamed: a reader sees
whole files or none, and writers, each with its own tokens, never meet. Empty partition folders stay, as
removing one could cross a writer that is about to use it.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa

from dwcp.errors import SchemaError, StorageError
from dwcp.telemetry.parquet_file import write_table
from dwcp.telemetry.schema import Row, arrow_schema, kind_named, polars_schema
from dwcp.telemetry.sinks.memory import check_rows

__all__ = ["ParquetSink", "Pruned"]

_INCOMING = ".incoming"
_ABANDONED_S = 86_400
_NS = 10**9


@dataclass(frozen=True, slots=True)
class Pruned:
    """What `ParquetSink.prune` removed."""

    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Part:
    """One finished file; ``last`` is the time of its latest row in ns."""

    last: int
    path: Path
    size_bytes: int


class ParquetSink:
    """Writes each batch as one file a day and kind, zstd-compressed."""

    def __init__(self, root: Path, token: Callable[[], str] = lambda: uuid.uuid4().hex) -> None:
        """Use a directory, which is made when the first rows come.

        Args:
            root: the directory.
            token: gives a new unique word each time, for the names of files.
        """
        self._root = root
        self._token = token

    def write(self, kind: str, rows: Sequence[Row]) -> None:
        """Write the rows; see `Sink.write`."""
        check_rows(kind, rows)
        tables = _by_date(kind, rows)
        drafts: list[tuple[Path, Path]] = []
        try:
            for date, table in tables:
                drafts.append(self._paths(kind, date, table))
                write_table(table, drafts[-1][0])
            for draft, final in drafts:
                final.parent.mkdir(parents=True, exist_ok=True)
                draft.replace(final)
        except OSError as error:
            _remove(path for pair in drafts for path in pair)
            raise StorageError(
                f"telemetry cannot be written to {self._root}: {error.strerror or error}; nothing was kept"
                " of this batch, free some space or mend the directory and write it again"
            ) from error

    def scan(self, kind: str) -> pl.LazyFrame:
        """Every row of a kind, as a lazy frame; rows of one file are in the order they were written.

        Raises:
            SchemaError: there is no such kind.
        """
        schema = polars_schema(kind_named(kind))
        paths = [part.path for part in self._parts(kind)]
        if not paths:
            return pl.LazyFrame(schema=schema)
        return pl.scan_parquet(
            paths, schema=schema, hive_partitioning=False, missing_columns="insert", extra_columns="ignore"
        )

    def prune(self, now: float, max_age_s: float | None = None, max_bytes: int | None = None) -> Pruned:
        """Remove files by age, then the oldest until the rest fits; and drafts left by a crash.

        Args:
            now: the time in seconds.
            max_age_s: a file goes when its latest row is older; None keeps every age.
            max_bytes: the size that may remain; None for no bound.

        Raises:
            StorageError: a file cannot be removed.
        """
        doomed = list(self._abandoned(now))
        kept: list[_Part] = []
        for part in self._parts("*"):
            old = max_age_s is not None and part.last < (now - max_age_s) * _NS
            (doomed if old else kept).append(part)
        excess = 0 if max_bytes is None else sum(part.size_bytes for part in kept) - max_bytes
        for part in kept:
            if excess <= 0:
                break
            doomed.append(part)
            excess -= part.size_bytes
        try:
            for part in doomed:
                part.path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"telemetry in {self._root} cannot be pruned: {error.strerror}") from error
        return Pruned(len(doomed), sum(part.size_bytes for part in doomed))

    def _paths(self, kind: str, date: str, table: pa.Table) -> tuple[Path, Path]:
        """Where a table is drafted, and where it goes."""
        times = table.column("epoch_time").to_pylist()
        name = f"part-{min(times)}-{max(times)}-{self._token()}.parquet"
        incoming = self._root / _INCOMING
        incoming.mkdir(parents=True, exist_ok=True)
        return incoming / f"{name}.draft", self._root / f"date={date}" / f"kind={kind}" / name

    def _parts(self, kind: str) -> list[_Part]:
        """The finished files of a kind (``*`` for all), oldest first."""
        found = (_part(path) for path in self._root.glob(f"date=*/kind={kind}/part-*.parquet"))
        return sorted((part for part in found if part is not None), key=lambda part: (part.last, part.path))

    def _abandoned(self, now: float) -> Iterable[_Part]:
        for path in self._root.glob(f"{_INCOMING}/part-*.draft"):
            part = _part(path, by_change=True)
            if part is not None and part.last < (now - _ABANDONED_S) * _NS:
                yield part


def _part(path: Path, by_change: bool = False) -> _Part | None:
    """A file's facts; None for one that is gone by now or was not written by a sink."""
    try:
        status = path.stat()
        last = status.st_mtime_ns if by_change else int(path.name.split("-")[2])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    return _Part(last, path, status.st_size)


def _by_date(kind: str, rows: Sequence[Row]) -> list[tuple[str, pa.Table]]:
    days: dict[str, list[Row]] = {}
    for row in rows:
        days.setdefault(_date(row), []).append(row)
    schema = arrow_schema(kind_named(kind))
    try:
        return [(date, pa.Table.from_pylist(batch, schema=schema)) for date, batch in days.items()]
    except (pa.ArrowException, OverflowError) as error:
        raise SchemaError(f"a {kind} row holds a value of the wrong type: {error}") from error


def _date(row: Row) -> str:
    epoch_time = row["epoch_time"]
    if not isinstance(epoch_time, int):
        raise SchemaError("a row has no epoch_time")
    return datetime.fromtimestamp(epoch_time // _NS, UTC).date().isoformat()


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
