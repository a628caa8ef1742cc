"""Recorded throughput of links, as published sets come once they are brought into one table.

A CSV file, plain or gzipped, with the columns ``trace``, ``t_s`` (seconds) and ``tput_mbps``, and as far as
they were recorded ``rtt_ms``, ``jitter_ms`` or ``rttvar_ms``, ``loss`` (0 to 1), ``retrans``, ``cwnd_kb``
and ``start_epoch`` (seconds since 1970). Other columns are left alone.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from msgspec import Struct
from numpy.typing import NDArray

from dwcp.errors import InputError

__all__ = ["ThroughputTrace", "read_throughput"]

Floats = NDArray[np.float64]

_NEEDED = ("trace", "t_s", "tput_mbps")
_SEGMENT_KB = 1.46
_COLUMNS = {
    "throughput_mbps": ("tput_mbps",),
    "rtt_ms": ("rtt_ms",),
    "jitter_ms": ("jitter_ms", "rttvar_ms"),
    "packet_loss": ("loss",),
    "retransmits": ("retrans",),
    "congestion_window": ("cwnd_kb",),
}
_GAP_STEPS = 3.0


class ThroughputTrace(Struct, frozen=True, eq=False):
    """A stretch of one trace without gaps; NaN where something was not recorded.

    Attributes:
        name: the trace's; stretches of one trace share it.
        step_s: median time between its rows.
        start_s: time of the first row, on the trace's clock, or since 1970 where the file tells.
        throughput_mbps: shape ``(n,)``, as all that follow.
        rtt_ms: round-trip time.
        jitter_ms: its variation.
        packet_loss: 0 to 1.
        retransmits: segments.
        congestion_window: segments of 1460 bytes.
    """

    name: str
    step_s: float
    start_s: float
    throughput_mbps: Floats
    rtt_ms: Floats
    jitter_ms: Floats
    packet_loss: Floats
    retransmits: Floats
    congestion_window: Floats

    def __len__(self) -> int:
        return len(self.throughput_mbps)


def read_throughput(path: Path) -> list[ThroughputTrace]:
    """All stretches of all traces of a file, in the file's order.

    A row whose time does not come after the one before is left out. Where more than three steps lie between
    two rows, a new stretch begins. A stretch without any throughput is left out.

    Raises:
        InputError: the file cannot be read, or lacks a column that is needed.
    """
    try:
        table = pl.read_csv(path, infer_schema_length=None)
    except (OSError, pl.exceptions.PolarsError) as error:
        sentence = str(error).strip().splitlines()[0]
        raise InputError(f"the throughput traces {path} cannot be read: {sentence}") from error
    if missing := [name for name in _NEEDED if name not in table.columns]:
        raise InputError(f"the throughput traces {path} have no column {missing[0]!r}; it needs {_NEEDED}")
    return [
        stretch
        for (name,), rows in table.group_by("trace", maintain_order=True)
        for stretch in _stretches(str(name), rows)
    ]


def _stretches(name: str, rows: pl.DataFrame) -> Iterator[ThroughputTrace]:
    time_s = _column(rows, ("t_s",))
    latest = np.maximum.accumulate(np.concatenate([[-np.inf], time_s[:-1]]))
    rows, time_s = rows.filter(time_s > latest), time_s[time_s > latest]
    if not len(time_s):
        return
    passed = np.diff(time_s)
    step_s = float(np.median(passed)) if len(passed) else 1.0
    began_s = _column(rows, ("start_epoch",))[0]
    columns = {field: _column(rows, sources) for field, sources in _COLUMNS.items()}
    columns["congestion_window"] /= _SEGMENT_KB
    edges = [0, *(np.flatnonzero(passed > _GAP_STEPS * step_s) + 1).tolist(), len(time_s)]
    for begin, end in pairwise(edges):
        cut = {field: column[begin:end] for field, column in columns.items()}
        if np.isfinite(cut["throughput_mbps"]).any():
            start_s = float(time_s[begin] + (began_s if np.isfinite(began_s) else 0.0))
            yield ThroughputTrace(name, step_s, start_s, **cut)


def _column(rows: pl.DataFrame, sources: tuple[str, ...]) -> Floats:
    """The first of these columns that the file has, as numbers; NaN where it has none."""
    for source in sources:
        if source in rows.columns:
            return rows[source].cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy().copy()
    return np.full(rows.height, np.nan)
