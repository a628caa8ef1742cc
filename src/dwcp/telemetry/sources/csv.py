"""A CSV file as a source: UTF-8, comma-separated, with a header; ``.gz`` and ``.zst`` are unpacked.

Every cell is read as text and then converted by rule, so that one bad cell sets aside one row, whatever
the rows before it looked like. A line with too many or too few cells is set aside as well.
"""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv

from dwcp.errors import InputError
from dwcp.telemetry.rule import Rule
from dwcp.telemetry.schema import Kind, kind_named
from dwcp.telemetry.sources.batch import Batch, Fault
from dwcp.telemetry.sources.coerce import coerce
from dwcp.telemetry.sources.mapping import infer_kind, map_columns
from dwcp.telemetry.sources.source import Unknown

__all__ = ["CsvSource"]


class CsvSource:
    """Reads a CSV file block by block."""

    def __init__(
        self,
        path: Path,
        kind: str | None = None,
        *,
        renames: Mapping[str, str] = MappingProxyType({}),
        unknown: Unknown = "refuse",
        block_bytes: int = 4 << 20,
    ) -> None:
        """Read the header and hold the columns against the schema.

        Args:
            path: the file.
            kind: the name of the record kind; None to tell it by the columns.
            renames: the schema's name for columns that are called otherwise in the file.
            unknown: what to do with columns that the kind does not have.
            block_bytes: how much is read at a time; no line may be longer.

        Raises:
            SchemaError: the columns are not the kind's.
            InputError: the file cannot be read or is no CSV file.
        """
        self._path = path
        self._block_bytes = block_bytes
        with _translated(path, block_bytes), _open(path, block_bytes, [], _RaggedLines()) as reader:
            self._columns = reader.schema.names
        self._kind = kind_named(kind) if kind else infer_kind(self.name, self._columns, renames)
        self._mapping = map_columns(self.name, self._columns, self._kind, renames, unknown)
        self._schema = dict.fromkeys(self._columns, pl.String)

    @property
    def name(self) -> str:
        """The path."""
        return str(self._path)

    @property
    def kind(self) -> Kind:
        """The kind of its records."""
        return self._kind

    def batches(self) -> Iterator[Batch]:
        """The rows in order; see `Source.batches`. Blank lines are no rows."""
        lines = _RaggedLines()
        path, block_bytes = self._path, self._block_bytes
        with _translated(path, block_bytes), _open(path, block_bytes, self._columns, lines) as reader:
            for block in reader:
                yield self._batch(pl.DataFrame(pa.Table.from_batches([block])), lines)
        if lines.waiting:
            yield self._batch(pl.DataFrame(schema=self._schema), lines)

    def _batch(self, whole: pl.DataFrame, lines: "_RaggedLines") -> Batch:
        """A block's rows, with the ragged lines that stand before and between them."""
        numbers, ragged = lines.place(whole.height)
        cells = [_fitted(text, len(self._columns)) for text in ragged.values()]
        broken = pl.DataFrame(cells, schema=self._schema, orient="row")
        unsorted = pl.Series([*numbers, *ragged], dtype=pl.Int64)
        order = unsorted.arg_sort()
        placed, found = unsorted[order], pl.concat([whole, broken])[order]
        frame, faults = coerce(self.name, found, self._kind, self._mapping)
        shape = Fault(Rule.SHAPE, "", placed.is_in(list(ragged)), "the line has too many or too few cells")
        return Batch(placed, found, frame, (*faults, shape) if ragged else faults)


class _RaggedLines:
    """Collects lines whose cells do not fit the header, and knows the numbers of those that do."""

    def __init__(self) -> None:
        self.waiting: dict[int, str] = {}
        """Text by row number, of ragged lines that no batch has had yet."""
        self._next = 1

    def __call__(self, line: pa_csv.InvalidRow) -> str:
        """What pyarrow calls: keep the line, and go on without it."""
        self.waiting[line.number - 1] = line.text  # the header is line 1
        return "skip"

    def place(self, count: int) -> tuple[list[int], dict[int, str]]:
        """Row numbers of the next whole lines, and the ragged lines before, between and right after them."""
        numbers: list[int] = []
        ragged: dict[int, str] = {}
        while len(numbers) < count or self._next in self.waiting:
            if self._next in self.waiting:
                ragged[self._next] = self.waiting.pop(self._next)
            else:
                numbers.append(self._next)
            self._next += 1
        return numbers, ragged


def _open(path: Path, block_bytes: int, columns: list[str], lines: _RaggedLines) -> pa_csv.CSVStreamingReader:
    # Decoding comes first: what the reader is given is UTF-8, or it is never asked about it.
    text = pa.transcoding_input_stream(pa.input_stream(path, compression="detect"), "utf-8-sig", "utf-8")
    return pa_csv.open_csv(
        text,
        read_options=pa_csv.ReadOptions(block_size=block_bytes, use_threads=False),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=lines),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
        ),
    )


def _fitted(text: str, width: int) -> list[str | None]:
    """A ragged line's cells, as many as the header has; the report and the row number tell of the rest."""
    try:
        cells = next(csv.reader([text]), [])
    except csv.Error:  # an open quote, or a cell beyond the reader's limit
        cells = [text]
    return [*cells, *[None] * width][:width]


@contextmanager
def _translated(path: Path, block_bytes: int) -> Iterator[None]:
    """What pyarrow says of an unreadable file, in one sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text, so it cannot be read as CSV; convert it first"
        ) from error
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read as CSV with a header: {_why(error, block_bytes)}") from error


def _why(error: Exception, block_bytes: int) -> str:
    """In words, without the cells that pyarrow quotes."""
    said = str(error)
    if "straddl" in said:
        return f"a line is longer than {block_bytes:,} bytes, or a quote is left open"
    return "it is empty" if "Empty CSV" in said else "it is damaged, cut short, or another kind of file"
