"""Writing one Parquet file, so that what is renamed afterwards is whole and on the disk."""

import os
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["TableWriter", "write_table"]


class TableWriter:
    """Writes tables of one schema into one new zstd-compressed file, synced when it is closed."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        """Make the file.

        Raises:
            OSError: there is one already, or the path may not be written.
        """
        self._file = path.open("xb")
        try:
            self._writer = pq.ParquetWriter(self._file, schema, compression="zstd")  # type: ignore[no-untyped-call]
        except OSError:
            self._file.close()
            raise

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, table: pa.Table) -> None:
        """Append a table.

        Raises:
            OSError: the disk is full; the file is of no use any more.
        """
        self._writer.write_table(table)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Finish and sync the file.

        Raises:
            OSError: the disk is full; the file is of no use.
        """
        try:
            self._writer.close()  # type: ignore[no-untyped-call]
            self._file.flush()
            os.fsync(self._file.fileno())
        finally:
            self._file.close()


def write_table(table: pa.Table, path: Path) -> None:
    """Write one table as a whole file.

    Raises:
        OSError: the disk is full or the path may not be written; a part of the file may be there.
    """
    with TableWriter(path, table.schema) as writer:
        writer.write(table)
