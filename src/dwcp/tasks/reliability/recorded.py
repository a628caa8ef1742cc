"""Recorded ``node`` records with labelled incidents as decisions to make."""

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dwcp.errors import InputError, SchemaError
from dwcp.tasks.reliability.contract import METRICS
from dwcp.tasks.reliability.series import Fleet, ReliabilityCase, cases_of

__all__ = ["fleet_of", "recorded_cases"]

_NEEDED = ("node_id", "epoch_time", *METRICS, "is_anomaly", "incident_id")
_NS = 1e9
_GROUP = "recorded"


def recorded_cases(path: Path) -> list[ReliabilityCase]:
    """Every interval of every node; each node is a group, its peers are the others at the same time.

    Args:
        path: a Parquet table of ``node`` records, labelled by `dwcp.telemetry.incidents.label_records`.

    Raises:
        InputError: the file cannot be read.
        SchemaError: it is no such table, or no row of it is labelled.
    """
    try:
        table = pl.read_parquet(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}; name a table") from error
    except pl.exceptions.PolarsError as error:
        raise SchemaError(f"{path} is not a whole Parquet file; record again or fetch it again") from error
    fleet = fleet_of(table, str(path))
    return [
        type(case)(case.context, case.outcomes, case.context.node, case.time_s) for case in cases_of(fleet)
    ]


def fleet_of(table: pl.DataFrame, name: str) -> Fleet:
    """Records of nodes, laid on one grid of time.

    Args:
        table: rows with ``node_id``, ``epoch_time`` in ns, the ten metrics, ``is_anomaly``, ``incident_id``.
        name: what to call it in messages.

    Raises:
        SchemaError: a column is missing, or no row is labelled.
    """
    if missing := [column for column in _NEEDED if column not in table.columns]:
        raise SchemaError(f"{name} lacks column {missing[0]!r}; label node records with incidents first")
    if not table.height or table["is_anomaly"].null_count() == table.height:
        raise SchemaError(f"{name} holds no labelled row; label its records with incidents first")
    ordered = table.sort("epoch_time", "node_id")
    nodes, node = np.unique(ordered["node_id"].cast(pl.String).to_numpy(), return_inverse=True)
    seconds = ordered["epoch_time"].cast(pl.Float64).to_numpy() / _NS
    interval = _interval_s(seconds, node)
    times, moment = np.unique(np.round(seconds / interval), return_inverse=True)
    shape = (len(times), len(nodes))
    metrics = np.full((*shape, len(METRICS)), np.nan)
    metrics[moment, node] = ordered.select(pl.col(*METRICS).cast(pl.Float64)).fill_null(np.nan).to_numpy()
    kinds, events = np.full(shape, "unknown", dtype="<U8"), np.full(shape, "", dtype="<U256")
    known = ordered["is_anomaly"]
    kinds[moment, node] = np.where(
        known.is_null().to_numpy(),
        "unknown",
        np.where(known.fill_null(value=False).to_numpy(), "fault", "quiet"),
    )
    events[moment, node] = ordered["incident_id"].cast(pl.String).fill_null("").to_numpy()
    return Fleet(_GROUP, tuple(nodes.tolist()), times * interval, metrics, kinds, events)


def _interval_s(seconds: NDArray[np.float64], node: NDArray[np.int64]) -> float:
    """The usual time between two records of a node; 1 where no node has two."""
    gaps = np.concatenate([np.diff(seconds[node == one]) for one in np.unique(node)])
    known = gaps[gaps > 0]
    return float(np.median(known)) if known.size else 1.0
