"""The measured table: one Parquet row a block, facts and every candidate's outcome side by side."""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from itertools import chain, islice
from operator import attrgetter
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from dwcp.codecs.facts import BlockFacts, Probe, ReferenceFacts
from dwcp.errors import InputError, SchemaError, StorageError
from dwcp.tasks.compression.contract import CANDIDATES, Outcome
from dwcp.tasks.compression.measure import MeasuredBlock, ReferenceKind
from dwcp.telemetry.parquet_file import TableWriter

__all__ = ["read_table", "write_table"]

_PROBES = ("lz4_light", "lz4", "zstd_fast", "zstd_strong", "zstd_whole")
_NUMBERS = tuple(f.name for f in fields(BlockFacts) if f.name not in (*_PROBES, "reference"))
_MEASURES = ("stored_bytes", "compress_ms", "decompress_ms")
_IDENTITY = ("file", "family", "offset_bytes", "reference_kind")
_NAMES = tuple(action.name for action in CANDIDATES)
_COLUMNS = (
    *_IDENTITY,
    *_NUMBERS,
    *(f"{probe}_{part}" for probe in (*_PROBES, "delta_probe") for part in ("ratio", "ms_per_mib")),
    "reference_window_bytes",
    "reference_same_share",
    *(f"{measure}:{name}" for name in _NAMES for measure in _MEASURES),
    *(f"speed_ms_per_mib:{name}" for name in _NAMES),
)
"""In the order in which `_row` gives and `_block` takes them."""

_REQUIRED = (*_IDENTITY, *_NUMBERS)
_TEXTS = ("file", "family", "reference_kind")
_INTEGERS = ("offset_bytes", "block_bytes", "reference_window_bytes")
_PART_ROWS = 4096
"""Rows that are held as objects at a time."""

_numbers = attrgetter(*_NUMBERS)


def write_table(blocks: Iterable[MeasuredBlock], path: Path) -> int:
    """Write measured blocks as they come, a few thousand in memory at a time; gives how many there were.

    A reader meets the whole table or what stood there before.

    Raises:
        InputError: there are none.
        StorageError: the disk is full or may not be written.
    """
    rows = iter(blocks)
    parts = iter(lambda: list(islice(rows, _PART_ROWS)), [])
    first = next(parts, None)
    if first is None:
        raise InputError("nothing was measured: every block is already in the previous version, or too small")
    count = 0
    with _draft_of(path) as draft, TableWriter(draft, _schema()) as writer:
        for part in chain((first,), parts):
            writer.write(_table(part))
            count += len(part)
    return count


def read_table(path: Path) -> list[MeasuredBlock]:
    """Read measured blocks back.

    Raises:
        InputError: the file is missing or may not be read.
        SchemaError: it is not a whole Parquet file, or not of measured blocks.
    """
    try:
        table = pl.read_parquet(path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}; name a measured table"
        ) from error
    except pl.exceptions.PolarsError as error:
        raise SchemaError(f"{path} is not a whole Parquet file; measure again or fetch it again") from error
    _require(table, path)
    parts = (part.rows() for part in table.select(_COLUMNS).iter_slices(_PART_ROWS))
    return [_block(row) for part in parts for row in part]


@contextmanager
def _draft_of(path: Path) -> Iterator[Path]:
    """A place beside the target to write to; takes the target's name at the end, or goes."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield draft
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StorageError.of(
            error, f"{path} cannot be written: {reason}; nothing was changed there"
        ) from error


def _schema() -> pa.Schema:
    return pa.schema([(name, _kind(name)) for name in _COLUMNS])


def _kind(column: str) -> pa.DataType:
    if column in _TEXTS:
        return pa.large_string()
    return pa.int64() if column in _INTEGERS or column.startswith("stored_bytes:") else pa.float64()


def _require(table: pl.DataFrame, path: Path) -> None:
    """Refuse a table that is not of measured blocks, in a sentence."""
    if missing := [name for name in _COLUMNS if name not in table.columns]:
        raise SchemaError(
            f"{path} lacks column {missing[0]!r} ({len(missing)} missing in all); it is not a table that "
            "`dwcp measure` or `dwcp simulate compression` wrote"
        )
    expected = pl.DataFrame(_schema().empty_table()).schema
    if wrong := [name for name in _COLUMNS if table.schema[name] != expected[name]]:
        name = wrong[0]
        raise SchemaError(
            f"{path}: column {name!r} is {table.schema[name]} and not {expected[name]}; measure again"
        )
    if gaps := [name for name in _REQUIRED if table[name].null_count()]:
        raise SchemaError(f"{path}: column {gaps[0]!r} has rows without a value; measure again")
    known = [kind.value for kind in ReferenceKind]
    if odd := sorted(set(table["reference_kind"]) - set(known)):
        raise SchemaError(
            f"{path}: a reference kind is {odd[0]!r} and not one of {', '.join(known)}; measure again"
        )


def _table(blocks: list[MeasuredBlock]) -> pa.Table:
    columns = zip(*map(_row, blocks), strict=True)
    schema = _schema()
    arrays = [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _row(block: MeasuredBlock) -> tuple[Any, ...]:
    facts, reference = block.facts, block.facts.reference
    row = [block.file, block.family, block.offset_bytes, block.reference_kind.value, *_numbers(facts)]
    probes = facts.lz4_light, facts.lz4, facts.zstd_fast, facts.zstd_strong, facts.zstd_whole
    for probe in (*probes, reference.delta if reference else None):
        row += (probe.ratio, probe.ms_per_mib) if probe else (None, None)
    row += (reference.window_bytes, reference.same_share) if reference else (None, None)
    for action in CANDIDATES:
        outcome = block.outcomes.get(action)
        row += (
            (outcome.stored_bytes, outcome.compress_ms, outcome.decompress_ms)
            if outcome
            else (None, None, None)
        )
    row += map(dict(block.speed).get, _NAMES)
    return tuple(row)


def _block(row: tuple[Any, ...]) -> MeasuredBlock:
    cells = iter(row)
    file, family, offset_bytes, reference_kind = islice(cells, len(_IDENTITY))
    known: dict[str, Any] = dict(zip(_NUMBERS, islice(cells, len(_NUMBERS)), strict=True))
    known |= {name: _probe(*islice(cells, 2)) for name in _PROBES}
    delta = _probe(*islice(cells, 2))
    window_bytes, same_share = islice(cells, 2)
    made_up = reference_kind == ReferenceKind.AGED
    reference = ReferenceFacts(window_bytes, same_share, delta, made_up) if window_bytes is not None else None
    measured = ((action, tuple(islice(cells, len(_MEASURES)))) for action in CANDIDATES)
    outcomes = {action: Outcome(*figures) for action, figures in measured if figures[0] is not None}
    return MeasuredBlock(
        file,
        family,
        offset_bytes,
        ReferenceKind(reference_kind),
        BlockFacts(**known, reference=reference),
        outcomes,
        tuple((name, speed) for name, speed in zip(_NAMES, cells, strict=True) if speed is not None),
    )


def _probe(ratio: float | None, ms_per_mib: float) -> Probe | None:
    return None if ratio is None else Probe(ratio, ms_per_mib)
