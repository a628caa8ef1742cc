"""A table of nodes, CSV or Parquet: one row a node and step, as far as it was measured."""

from pathlib import Path

import numpy as np
import polars as pl

from dwcp.errors import InputError, SchemaError
from dwcp.tasks.reliability.contract import METRICS
from dwcp.telemetry.schema import DType
from dwcp.telemetry.sources.convert import converter
from dwcp.words import counted

__all__ = ["node_table"]

_PARQUET = b"PAR1"
_NODES = ("node_id", "node", "instance")
_TIMES = (
    ("epoch_time", DType.INT64, 1),
    ("timestamp", DType.TIMESTAMP, 10**3),
    ("time_s", DType.FLOAT64, 10**9),
)


def node_table(path: Path) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The rows of every node in order, and what is odd and yet no error.

    Args:
        path: a file with ``node_id``, one of ``epoch_time`` (ns), ``timestamp`` and ``time_s``, and at least
            one of the task's ten metrics; a metric that is not there was not measured.

    Returns:
        Columns ``node_id``, ``epoch_time`` (ns) and the ten metrics.

    Raises:
        InputError: the file cannot be read.
        SchemaError: it holds no node, no time, no metric or no row, a cell that is no number, or a node has
            two rows of one time.
    """
    table = _read(path)
    node = next((name for name in _NODES if name in table.columns), None)
    if node is None:
        raise SchemaError(f"{path} has no column node_id; name the column that tells the nodes apart so")
    measured = [name for name in METRICS if name in table.columns]
    if not measured:
        raise SchemaError(f"{path} has none of the columns {', '.join(METRICS)}; name at least one so")
    if table.is_empty():
        raise SchemaError(f"{path} holds no row; there is nothing to detect anything in")
    named = table[node].cast(pl.String)
    if named.null_count():
        raise SchemaError(f"{path} has rows without {node}; remove them")
    columns = [named.alias("node_id"), _times_ns(path, table).alias("epoch_time")]
    columns += [
        _column(path, table, name, DType.FLOAT64).alias(name)
        if name in measured
        else pl.Series(name, [None] * table.height, pl.Float64)
        for name in METRICS
    ]
    rows = pl.DataFrame(columns).sort("node_id", "epoch_time", maintain_order=True)
    twice = rows.filter(pl.struct("node_id", "epoch_time").is_duplicated())
    if twice.height:
        where = f"node {twice['node_id'][0]!r} at {twice['epoch_time'][0] / 1e9:.3f} s"
        raise SchemaError(f"{path} has two rows of {where}; keep one of them")
    return rows, tuple(_remarks(path, rows, [name for name in METRICS if name not in measured]))


def _read(path: Path) -> pl.DataFrame:
    try:
        with path.open("rb") as file:
            is_parquet = file.read(len(_PARQUET)) == _PARQUET
        return pl.read_parquet(path) if is_parquet else pl.read_csv(path, infer_schema=False)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split("\n", 1)[0].split())
        raise InputError(f"{path} is no CSV file with a header, and no Parquet file: {said}") from error


def _times_ns(path: Path, table: pl.DataFrame) -> pl.Series:
    for name, dtype, ns in _TIMES:
        if name in table.columns:
            cells = _column(path, table, name, dtype)
            if cells.null_count():
                raise SchemaError(f"{path} has rows without {name}; remove them")
            counts = cells.dt.epoch("us") if dtype is DType.TIMESTAMP else cells
            return (counts * ns).cast(pl.Int64)
    raise SchemaError(f"{path} has no time; name its column epoch_time (ns), timestamp or time_s")


def _column(path: Path, table: pl.DataFrame, name: str, dtype: DType) -> pl.Series:
    convert = converter(table[name].dtype, dtype)
    if convert is None:
        raise SchemaError(f"{path}: column {name} holds {table[name].dtype}, not {dtype}; convert it first")
    cells, missing = convert(table[name])
    bad = (cells.is_null() & ~missing).arg_true()
    if len(bad):
        said = f"{name} of row {bad[0] + 1} is {table[name][bad[0]]!r}, not {dtype}"
        raise SchemaError(f"{path}: {said}; mend it")
    return cells


def _remarks(path: Path, rows: pl.DataFrame, absent: list[str]) -> list[str]:
    found = [f"{path} does not tell {', '.join(absent)}"] if absent else []
    times_s, node = rows["epoch_time"].to_numpy() / 1e9, rows["node_id"].to_numpy()
    gaps_s = np.diff(times_s)[node[1:] == node[:-1]]
    long_s = gaps_s[gaps_s > 1.5 * np.median(gaps_s)] if gaps_s.size else gaps_s
    if long_s.size:
        found.append(f"{path} has {counted(long_s.size, 'gap')}, the longest of {long_s.max():g} s")
    return found
