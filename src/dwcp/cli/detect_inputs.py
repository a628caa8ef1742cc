"""Recordings and tables as moments to judge, with their labels where there are any."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf, nextafter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dwcp.cli.detect_tables import node_table
from dwcp.errors import InputError
from dwcp.evaluation.detection import Span
from dwcp.tasks.consensus.recorded import series_of
from dwcp.tasks.consensus.series import cases_of as cluster_cases
from dwcp.tasks.consensus.series import without_gaps
from dwcp.tasks.reliability.contract import METRICS
from dwcp.tasks.reliability.recorded import fleet_of
from dwcp.tasks.reliability.series import Fleet
from dwcp.tasks.reliability.series import cases_of as node_cases
from dwcp.telemetry.incidents import Incident, check_overlap, load_incidents
from dwcp.telemetry.sources.recording import CLUSTER, Event, Recording, read_recording
from dwcp.telemetry.sources.recording_impact import with_impact

__all__ = ["Label", "Moment", "Recorded", "read_recorded"]

_NS = 10**9
_RENAMES = {
    "latency_p50": "p50_latency_ms",
    "latency_p99": "p99_latency_ms",
    "packet_loss_rate": "packet_loss",
}
_NO_SHARES = ("cpu_usage", "memory_usage", "disk_io")
"""Of a recording these are processor seconds and bytes, where the task wants shares of what the node has."""


class Moment(NamedTuple):
    """One to judge: of whom, when, and what is known then."""

    subject: str
    time_s: float
    context: Any


@dataclass(frozen=True, slots=True)
class Label:
    """What was going on.

    Attributes:
        id: its name.
        subject: whose.
        span: when; its kind is the type of fault.
        excused: when an alarm that begins is no mistake.
        wanted: whether it should be found; a fault that no client noticed need not be.
    """

    id: str
    subject: str
    span: Span
    excused: Span
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded.

    Attributes:
        task: whose contexts these are.
        subjects: nodes, or the one cluster.
        rows: how many moments there are.
        step_s: time from one to the next.
        moments: begins anew each time it is called; in order of time.
        labels: None where there are none to judge by.
        remarks: what is odd and yet no error.
    """

    task: str
    subjects: tuple[str, ...]
    rows: int
    step_s: float
    moments: Callable[[], Iterator[Moment]]
    labels: tuple[Label, ...] | None
    remarks: tuple[str, ...] = ()


def read_recorded(path: Path, task: str | None, labels: Path | None) -> Recorded:
    """A recording's folder or ``cluster.csv``, or a table of nodes.

    Args:
        path: the folder or file.
        task: ``consensus`` or ``reliability``; told by what it is when None.
        labels: incidents as JSON; those of a recording itself when None.

    Raises:
        InputError: no such task or file, or the file cannot be read.
        SchemaError: columns are missing, time goes back, or a label overlaps no record of its node.
    """
    if task not in (None, "consensus", "reliability"):
        raise InputError(f"nothing is detected by task {task!r}; there are consensus and reliability")
    incidents = None if labels is None else load_incidents(labels)
    folder = path.parent if path.is_file() and path.name.startswith("cluster.csv") else path
    if not folder.is_dir():
        if task == "consensus":
            raise InputError(f"{path} is no recording; name its folder, the one with cluster.csv")
        return _table(path, incidents)
    recording = read_recording(folder)
    if task == "reliability":
        return _members(recording, incidents)
    return _cluster(recording, folder.resolve().name, incidents)


def _cluster(recording: Recording, name: str, incidents: Sequence[Incident] | None) -> Recorded:
    series = without_gaps(series_of(recording, name))

    def moments() -> Iterator[Moment]:
        return (Moment(name, case.time_s, case.context) for case in cluster_cases(series, levels=False))

    if incidents is None:
        labels = tuple(
            _of_event(event, name, recording) for event in recording.events if event.kind == "fault"
        )
    else:
        check_overlap(incidents, _records(recording))
        labels = tuple(_of_incident(_with_node(one, name)) for one in incidents)
    told = labels if incidents is not None or recording.events else None
    return Recorded("consensus", (name,), len(series.times_s), 1.0, moments, told, recording.remarks())


def _members(recording: Recording, incidents: Sequence[Incident] | None) -> Recorded:
    nodes = recording.nodes.rename(_RENAMES).with_columns(
        pl.col("node").cast(pl.String).alias("node_id"),
        (pl.col("ts") * _NS).alias("epoch_time"),
        *(pl.lit(None, pl.Float64).alias(name) for name in _NO_SHARES),
    )
    remarks = (*recording.remarks(), f"{', '.join(_NO_SHARES)} of a recording are no shares and are left out")
    if incidents is not None:
        check_overlap(incidents, _records(recording))
        return _nodes(nodes, recording.name, tuple(map(_of_incident, incidents)), remarks)
    labels = tuple(
        _of_event(event, str(node), recording)
        for event in recording.events
        if event.kind == "fault"
        for node in event.targets
    )
    return _nodes(nodes, recording.name, labels if recording.events else None, remarks)


def _table(path: Path, incidents: Sequence[Incident] | None) -> Recorded:
    table, remarks = node_table(path)
    if incidents is not None:
        check_overlap(incidents, table)
    labels = None if incidents is None else tuple(map(_of_incident, incidents))
    return _nodes(table, str(path), labels, remarks)


def _nodes(
    table: pl.DataFrame, name: str, labels: tuple[Label, ...] | None, remarks: tuple[str, ...]
) -> Recorded:
    unlabelled = [pl.lit(value=False).alias("is_anomaly"), pl.lit(None, pl.String).alias("incident_id")]
    fleet = fleet_of(table.select("node_id", "epoch_time", *METRICS).with_columns(unlabelled), name)

    step_s = _step_s(fleet)
    shift_s = _shift_s(table["epoch_time"].to_numpy() / _NS, step_s)

    def moments() -> Iterator[Moment]:
        for place, case in enumerate(node_cases(fleet)):
            node = fleet.nodes[place % len(fleet.nodes)]
            yield Moment(node, case.time_s + shift_s, replace(case.context, node=node))

    rows = len(fleet.times_s) * len(fleet.nodes)
    return Recorded("reliability", fleet.nodes, rows, step_s, moments, labels, remarks)


def _step_s(fleet: Fleet) -> float:
    """The shortest time between two rows, which is that of the grid."""
    gaps = [after - before for before, after in zip(fleet.times_s, fleet.times_s[1:], strict=False)]
    return float(min(gaps, default=1.0))


def _shift_s(times_s: NDArray[np.float64], step_s: float) -> float:
    """How far the rows usually lie off the grid of whole steps that a fleet is laid on."""
    return float(np.median(times_s - np.round(times_s / step_s) * step_s))


def _of_event(event: Event, subject: str, recording: Recording) -> Label:
    """A row covers the second before its time: the last one that an event touches counts."""
    known = event if event.visible is not None else with_impact(event, recording.cluster)
    span = Span(event.start, ceil(event.end) + 1.0, event.type)
    excused = Span(event.start, ceil(event.recovered) + 1.0, event.type)
    return Label(f"{event.type} {event.idx}", subject, span, excused, bool(known.visible))


def _of_incident(incident: Incident) -> Label:
    """Both of its ends belong to it."""
    end_s = nextafter(incident.end.timestamp(), inf)
    span = Span(incident.start.timestamp(), end_s, incident.type)
    return Label(incident.id, incident.node, span, span)


def _with_node(incident: Incident, node: str) -> Incident:
    """The same of another node: whatever member it was done to, it is the cluster that fails."""
    return incident.model_copy(update={"node": node})


def _records(recording: Recording) -> pl.DataFrame:
    whole = recording.cluster.select(pl.lit(CLUSTER).alias("node_id"), pl.col("ts"))
    own = recording.nodes.select(pl.col("node").cast(pl.String).alias("node_id"), pl.col("ts"))
    return pl.concat([whole, own]).select("node_id", (pl.col("ts") * _NS).alias("epoch_time"))
