"""A recorded history of one link: what forecasts begin from."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from dwcp.errors import InputError
from dwcp.tasks.bandwidth.contract import Step
from dwcp.telemetry.schema import DType
from dwcp.telemetry.sources.convert import converter

__all__ = ["History", "read_history"]

_PARQUET = b"PAR1"
_COLUMNS = {
    "throughput_mbps": DType.FLOAT64,
    "rtt_ms": DType.FLOAT64,
    "jitter_ms": DType.FLOAT64,
    "packet_loss": DType.FLOAT64,
    "retransmits": DType.FLOAT64,
    "congestion_window": DType.FLOAT64,
    "app_limited": DType.BOOL,
}
_SERIES = ("node_id", "peer_id", "stream_index")
_NS_A_S, _US_A_S = 1e9, 1e6


@dataclass(frozen=True, slots=True)
class History:
    """What was measured of one link.

    Attributes:
        steps: end of each step, in seconds since 1970 UTC or since whenever the file counts, and what was
            measured in it, oldest first; shape ``(n,)``, at least one.
        step_s: median time from one to the next.
        link_type: ``dc``, ``metro``, ``wan`` or ``edge``; empty where the file does not tell.
    """

    steps: tuple[tuple[float, Step], ...]
    step_s: float


def read_history(path: Path, step_s: float | None = None) -> History:
    """Read a CSV or Parquet file with a column ``throughput_mbps``, one row a step, in the schema's columns.

    Of times, ``epoch_time`` (ns), ``timestamp`` or ``time_s`` is taken, and rows are put in order by it;
    other columns are left alone.

    Args:
        path: the file.
        step_s: length of a step, for a file without times; 1 s unless given.

    Raises:
        InputError: the file cannot be read, holds no throughput or a cell that is no number, holds several
            links, or says another length of step than was given.
    """
    table = _table(path)
    if "throughput_mbps" not in table.columns:
        raise InputError(f"{path} has no column throughput_mbps, in Mbit/s; name it so and try again")
    if not table.height:
        raise InputError(f"{path} holds no row; a forecast needs one measurement at least")
    series = [name for name in _SERIES if name in table.columns]
    if series and (links := table.select(series).unique().height) > 1:
        raise InputError(f"{path} holds {links} series ({', '.join(series)}); keep the rows of one")
    times = _times(path, table)
    found = _median_step(times) if times is not None else None
    if found is not None and step_s is not None and not np.isclose(found, step_s, rtol=0.01):
        raise InputError(
            f"{path} has steps of {found:g} s by its times, not of {step_s:g} s; leave that away"
        )
    length_s = found or step_s or 1.0
    if times is None:
        times = pl.Series(np.arange(table.height) * length_s)
    columns = {name: _column(path, table, name, dtype) for name, dtype in _COLUMNS.items()}
    rows = zip(*(columns[name].to_list() for name in _COLUMNS), strict=True)
    ordered = sorted(zip(times.to_list(), map(_step, rows), strict=True), key=lambda row: row[0])
    return History(tuple(ordered), length_s)


def _table(path: Path) -> pl.DataFrame:
    try:
        with path.open("rb") as file:
            is_parquet = file.read(len(_PARQUET)) == _PARQUET
        return pl.read_parquet(path) if is_parquet else pl.read_csv(path, infer_schema=False)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split("\n", 1)[0].split())
        raise InputError(f"{path} is no CSV file with a header, and no Parquet file: {said}") from error


def _times(path: Path, table: pl.DataFrame) -> pl.Series | None:
    """Seconds; None where the file has no times."""
    for name, dtype, a_second in (
        ("epoch_time", DType.INT64, _NS_A_S),
        ("timestamp", DType.TIMESTAMP, _US_A_S),
        ("time_s", DType.FLOAT64, 1.0),
    ):
        if name in table.columns:
            cells = _column(path, table, name, dtype)
            if cells.null_count():
                raise InputError(f"{path} has rows without {name}; remove them, or the column")
            counts = cells.dt.epoch("us") if dtype is DType.TIMESTAMP else cells
            return counts.cast(pl.Float64) / a_second
    return None


def _median_step(times: pl.Series) -> float | None:
    """None where all rows are of one time."""
    passed = np.diff(np.sort(times.to_numpy()))
    passed = passed[passed > 0]
    return float(np.median(passed)) if len(passed) else None


def _column(path: Path, table: pl.DataFrame, name: str, dtype: DType) -> pl.Series:
    """A column in its type; all null where the file does not have it."""
    if name not in table.columns:
        return pl.Series(name, [None] * table.height)
    convert = converter(table[name].dtype, dtype)
    if convert is None:
        raise InputError(f"{path}: column {name} holds {table[name].dtype}, not {dtype}; convert it first")
    cells, missing = convert(table[name])
    bad = (cells.is_null() & ~missing).arg_true()
    if len(bad):
        raise InputError(
            f"{path}: {name} of row {bad[0] + 1} is {table[name][bad[0]]!r}, not {dtype}; mend it"
        )
    return cells


def _step(row: tuple[object, ...]) -> Step:
    mbps, rtt_ms, jitter_ms, loss, retransmits, window, limited = row
    return Step(
        _float(mbps),
        _float(rtt_ms),
        _float(jitter_ms),
        _float(loss),
        _whole(retransmits),
        _whole(window),
        app_limited=bool(limited),
    )


def _float(cell: object) -> float | None:
    return float(cell) if isinstance(cell, int | float) else None


def _whole(cell: object) -> int | None:
    return round(cell) if isinstance(cell, int | float) else None
