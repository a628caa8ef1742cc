"""Opening a file as the source it is."""

from pathlib import Path

from dwcp.errors import InputError
from dwcp.telemetry.sources.csv import CsvSource
from dwcp.telemetry.sources.parquet import ParquetSource
from dwcp.telemetry.sources.source import Source, Unknown

__all__ = ["open_source"]

_MAGIC = b"PAR1"


def open_source(path: Path, kind: str | None = None, unknown: Unknown = "refuse") -> Source:
    """A Parquet file by its first bytes or its name, anything else as CSV.

    Args:
        path: the file.
        kind: the name of the record kind; None to tell it by the folder or the columns.
        unknown: what to do with columns that the kind does not have.

    Raises:
        SchemaError: the columns are not those of the kind, or of no kind.
        InputError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if start == _MAGIC or path.suffix == ".parquet":
        return ParquetSource(path, kind, unknown=unknown)
    return CsvSource(path, kind, unknown=unknown)
