"""The rules about time within a series: order, duplicates, gaps; across batches, in bounded memory."""

from dataclasses import dataclass

import polars as pl

from dwcp.telemetry.rule import Rule
from dwcp.telemetry.schema import Kind
from dwcp.telemetry.sources import Fault

__all__ = ["GAP_INTERVALS", "Gap", "SeriesRules"]

GAP_INTERVALS = 3
"""A longer time than this many sampling intervals without a record is a gap."""
_TAIL_ROWS = 4_096
_ENOUGH_STEPS = 2
_NS = 10**9
_NUMBER, _NEW, _LATE, _TWICE = "_number", "_new", "_late", "_twice"
_STEP, _STEPS, _INTERVAL = "_step", "_steps", "_interval"


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without records in a sampled series.

    Attributes:
        number: the number of the row after the gap.
        length_s: how long it was.
        interval_s: the sampling interval of the series.
    """

    number: int
    length_s: float
    interval_s: float


class SeriesRules:
    """Remembers, for each series, its latest rows and its sampling interval.

    Of rows of the very same time, the latest 4,096 are remembered: duplicates further apart are not seen.
    """

    def __init__(self, kind: Kind, interval_s: float | None = None) -> None:
        """Begin with no series.

        Args:
            kind: the kind of the records.
            interval_s: the sampling interval; None to take the median of each series' first batch that
                has two steps.
        """
        self._kind = kind
        self._interval_ns = None if interval_s is None else float(interval_s) * _NS
        self._tail: pl.DataFrame | None = None
        self._intervals: pl.DataFrame | None = None

    def check(self, frame: pl.DataFrame, numbers: pl.Series) -> tuple[list[Fault], list[Gap]]:
        """The rows that come too late or twice, and the gaps before rows that do not.

        Args:
            frame: rows that break no other rule, in the kind's columns.
            numbers: their row numbers.
        """
        new = frame.with_columns(numbers.alias(_NUMBER), pl.lit(value=True).alias(_NEW))
        marked = self._marked(new if self._tail is None else pl.concat([self._tail, new]))
        kept = marked.filter(~pl.col(_LATE) & ~pl.col(_TWICE)).drop(_LATE, _TWICE)
        gaps = self._gaps(kept) if self._kind.sampled else []
        self._remember(kept)
        return _faults(marked.filter(_NEW)), gaps

    def _marked(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Which rows are earlier than one before them, and which have been there before."""
        peak = pl.col("epoch_time").cum_max().over(self._kind.series)
        late = pl.col("epoch_time") < peak
        identity = (*self._kind.series, "epoch_time") if self._kind.sampled else self._kind.names
        twice = ~pl.struct(identity).is_first_distinct() & ~late
        return rows.with_columns(late.alias(_LATE), twice.alias(_TWICE))

    def _gaps(self, kept: pl.DataFrame) -> list[Gap]:
        series = list(self._kind.series)
        steps = kept.with_columns(pl.col("epoch_time").diff().over(series).alias(_STEP))
        timed = steps.join(self._intervals_with(steps), on=series, how="left", maintain_order="left")
        wide = timed.filter(pl.col(_NEW) & (pl.col(_STEP) > GAP_INTERVALS * pl.col(_INTERVAL)))
        return [
            Gap(number, step / _NS, interval / _NS)
            for number, step, interval in wide.select(_NUMBER, _STEP, _INTERVAL).iter_rows()
        ]

    def _intervals_with(self, steps: pl.DataFrame) -> pl.DataFrame:
        """The sampling interval of every series known so far, in ns."""
        series = list(self._kind.series)
        if self._interval_ns is not None:
            return steps.select(series).unique().with_columns(pl.lit(self._interval_ns).alias(_INTERVAL))
        seen = (
            steps.filter(pl.col(_STEP) > 0)
            .group_by(series)
            .agg(pl.col(_STEP).median().alias(_INTERVAL), pl.len().alias(_STEPS))
            .filter(pl.col(_STEPS) >= _ENOUGH_STEPS)
            .drop(_STEPS)
        )
        if self._intervals is None:
            self._intervals = seen
        else:
            fresh = seen.join(self._intervals, on=series, how="anti")
            self._intervals = pl.concat([self._intervals, fresh])
        return self._intervals

    def _remember(self, kept: pl.DataFrame) -> None:
        series = list(self._kind.series)
        latest = kept.filter(pl.col("epoch_time") == pl.col("epoch_time").max().over(series))
        tail = latest.group_by(series, maintain_order=True).tail(_TAIL_ROWS)
        self._tail = tail.select(kept.columns).with_columns(pl.lit(value=False).alias(_NEW))


def _faults(marked: pl.DataFrame) -> list[Fault]:
    late = Fault(
        Rule.TIME_ORDER,
        "epoch_time",
        marked[_LATE],
        "epoch_time is before that of an earlier row of the series",
    )
    twice = Fault(Rule.DUPLICATE, "", marked[_TWICE], "the series has this record already")
    return [fault for fault in (late, twice) if fault.rows.any()]
