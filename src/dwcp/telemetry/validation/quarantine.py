"""Where bad rows go: a Parquet file with the rows as they were found, their numbers and the reasons."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import polars as pl

from dwcp.errors import StorageError
from dwcp.telemetry.parquet_file import TableWriter
from dwcp.telemetry.sources import Fault

__all__ = ["QuarantineWriter"]


class QuarantineWriter:
    """Writes bad rows beside the file, put in place by rename at the end; no bad rows, no file.

    The file has ``row`` (the row's number in its table, from 1), ``reason`` (what is wrong, parted by
    semicolons), then the table's own columns; one of those that is called ``row`` or ``reason`` itself
    gets ``found_`` in front.
    """

    def __init__(self, path: Path) -> None:
        """Take the path the file will have; nothing is written yet."""
        self._path = path
        self._draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        self._writer: TableWriter | None = None
        self.written: Path | None = None
        """The file, once it is in place."""

    def __enter__(self) -> "QuarantineWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the file in place; after an error leave nothing.

        Raises:
            StorageError: the file cannot be finished.
        """
        if self._writer is None:
            return
        if error is not None:
            self._discard()
            return
        try:
            self._writer.close()
            self._draft.replace(self._path)
        except OSError as failure:
            raise self._failed(failure) from failure
        self.written = self._path

    def add(self, found: pl.DataFrame, numbers: pl.Series, faults: Sequence[Fault]) -> None:
        """Keep the rows that have a fault.

        Args:
            found: rows as found.
            numbers: their row numbers.
            faults: what is wrong with them.

        Raises:
            StorageError: the file cannot be written.
        """
        table = _with_reasons(found, numbers, faults).to_arrow()
        try:
            if self._writer is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._writer = TableWriter(self._draft, table.schema)
            self._writer.write(table)
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> StorageError:
        self._discard()
        return StorageError(
            f"quarantine file {self._path} cannot be written: {error.strerror or error};"
            " free some space or name another place"
        )

    def _discard(self) -> None:
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
            self._writer = None
        with suppress(OSError):
            self._draft.unlink(missing_ok=True)


def _with_reasons(found: pl.DataFrame, numbers: pl.Series, faults: Sequence[Fault]) -> pl.DataFrame:
    said = [
        pl.select(pl.when(fault.rows).then(pl.lit(fault.reason))).to_series().alias(str(place))
        for place, fault in enumerate(faults)
    ]
    reasons = (
        pl.DataFrame(said).select(pl.concat_str(pl.all(), separator="; ", ignore_nulls=True)).to_series()
    )
    own = found.rename(
        {name: _apart(name, found.columns) for name in ("row", "reason") if name in found.columns}
    )
    return (
        own.insert_column(0, numbers.alias("row"))
        .insert_column(1, reasons.alias("reason"))
        .filter(reasons != "")
    )


def _apart(name: str, taken: Sequence[str]) -> str:
    other = f"found_{name}"
    return other if other not in taken else _apart(other, taken)
