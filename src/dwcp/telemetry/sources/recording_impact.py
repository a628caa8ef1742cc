"""What the client saw of a fault, against the twenty seconds before it.

A second is hit if a request failed in it, if one waits far longer than any did before, or if the slowest
twentieth took far longer than was usual before. A fault is visible if two seconds were hit.
"""

from dataclasses import replace
from math import floor

import polars as pl

from dwcp.telemetry.sources.recording import Event

__all__ = ["BEFORE_S", "hit_seconds", "with_impact"]

BEFORE_S = 20
"""Seconds before the fault that tell what is usual."""
_LEAST_HIT_S = 2
_TIMES = 2.0
_MORE_MS = 20.0
_OLD_MS = 300.0
_QUIET = ("none", "benign")


def hit_seconds(cluster: pl.DataFrame, start: float, until: float) -> int:
    """Seconds between two times in which the client was worse off than before.

    Args:
        cluster: rows of a recording, with those of `BEFORE_S` before.
        start: seconds since 1970.
        until: as start; the second it lies in counts.
    """
    end_of_row = pl.col("ts")
    before = cluster.filter(
        end_of_row.is_between(start - BEFORE_S, floor(start)), pl.col("kind").is_in(_QUIET)
    )
    during = cluster.filter(end_of_row > start, end_of_row <= until + 1)
    usual = before.select(
        pl.col("latency_p95").fill_nan(None).quantile(0.9, "higher").alias("p95"),
        pl.col("oldest_ms").max().alias("oldest"),
    ).row(0)
    p95_ms, oldest_ms = (value or 0.0 for value in usual)
    hit = (
        (pl.col("req_err") > 0)
        | (pl.col("oldest_ms") > max(_OLD_MS, _TIMES * oldest_ms))
        | (pl.col("latency_p95").fill_nan(0.0) > _TIMES * p95_ms + _MORE_MS)
    )
    return int(during.select(hit.sum()).item() or 0)


def with_impact(event: Event, cluster: pl.DataFrame) -> Event:
    """The event, with what the client saw of it until all was well again."""
    hit_s = hit_seconds(cluster, event.start, event.recovered)
    return replace(event, hit_s=hit_s, visible=hit_s >= _LEAST_HIT_S)
