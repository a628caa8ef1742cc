"""Recordings of a cluster: one folder with ``cluster.csv``, ``nodes.csv`` and ``faults.csv``.

A row a second of the cluster, a row a second of each member, and a row for each fault or benign event. Each
file may be plain, gzipped (``.gz``) or xz-compressed (``.xz``). ``dwcp_mode``, an older name, is read as
``profile``.
"""

import gzip
import json
import lzma
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from math import ceil
from pathlib import Path

import polars as pl

from dwcp.errors import InputError, SchemaError
from dwcp.telemetry.incidents import Incident, check_overlap
from dwcp.telemetry.sources.etcd.seconds import ClusterSecond, MemberSecond

__all__ = ["CLUSTER", "Event", "Recording", "check_recording", "read_recording"]

CLUSTER = "cluster"
"""What a label of no particular member is laid over."""

_SUFFIXES = ("", ".xz", ".gz")
_RENAMES = {"dwcp_mode": "profile"}
_Types = dict[str, type[pl.DataType]]
_LABELS: _Types = {"kind": pl.String, "fault": pl.String}
_CLUSTER_TYPES: _Types = {
    **{one.name: pl.Int64 if one.name == "ts" else pl.Float64 for one in fields(ClusterSecond)},
    **_LABELS,
}
_NODE_TYPES: _Types = {
    **{one.name: pl.Int64 if one.name in ("ts", "node") else pl.Float64 for one in fields(MemberSecond)},
    "fault_here": pl.Int64,
    **_LABELS,
}
_EVENT_TYPES: _Types = {
    **{"idx": pl.Int64, "kind": pl.String, "type": pl.String, "target": pl.String},
    **{"target_was_leader": pl.Int64, "start": pl.Float64, "end": pl.Float64, "recovered": pl.Float64},
    **{"params": pl.String, "hit_s": pl.Int64, "visible": pl.Int64},
}
_OPTIONAL = {"restarted", "hit_s", "visible"}
"""Columns that older recordings lack: null there."""


@dataclass(frozen=True, slots=True)
class Event:
    """A fault or a benign event, as it was.

    Attributes:
        idx: number, from 0.
        kind: ``fault`` or ``benign``.
        type: which, e.g. ``kill_leader``.
        targets: members it was done to; none where it is the load that changes.
        target_was_leader: whether one of them led.
        start: seconds since 1970.
        end: when it was taken back.
        recovered: when all members were well again and no request was old.
        params: how hard and how long.
        hit_s: seconds in which the client saw it; None where that was not told.
        visible: whether the client saw it at all; None where that was not told.
    """

    idx: int
    kind: str
    type: str
    targets: tuple[int, ...]
    target_was_leader: bool
    start: float
    end: float
    recovered: float
    params: dict[str, float] = field(default_factory=dict)
    hit_s: int | None = None
    visible: bool | None = None

    def row(self) -> dict[str, object]:
        """As ``faults.csv`` has it."""
        told = asdict(self)
        told["target"] = " ".join(map(str, told.pop("targets")))
        told["params"] = json.dumps(self.params)
        told["target_was_leader"] = int(self.target_was_leader)
        told["visible"] = None if self.visible is None else int(self.visible)
        return {name: told[name] for name in _EVENT_TYPES}


@dataclass(frozen=True)
class Recording:
    """A recording in memory.

    Attributes:
        name: what to call it in messages.
        cluster: columns of `ClusterSecond`, then ``kind`` (``none``, ``benign``, ``fault``, ``recovery``)
            and ``fault`` (which); one row a second.
        nodes: columns of `MemberSecond`, then ``fault_here`` (1 while a fault is done to that member),
            ``kind`` and ``fault``; one row a second and member.
        events: faults and benign events, in order.
    """

    name: str
    cluster: pl.DataFrame
    nodes: pl.DataFrame
    events: tuple[Event, ...]

    def remarks(self) -> tuple[str, ...]:
        """What is odd and yet no error: seconds that are missing, members that were started anew."""
        times = self.cluster["ts"]
        missing = (times.diff().drop_nulls() - 1).filter(times.diff().drop_nulls() > 1)
        found = []
        if missing.len():
            found.append(f"{self.name}: {missing.sum()} s are missing in {missing.len()} gaps")
        restarts = self.nodes.filter(pl.col("restarted") > 0).group_by("node").len().sort("node")
        found += [f"{self.name}: member {node} was started anew {n} times" for node, n in restarts.rows()]
        return tuple(found)


def read_recording(folder: Path) -> Recording:
    """A recording, checked.

    Raises:
        InputError: a file is not there or cannot be read.
        SchemaError: columns are missing, time goes back, or a label overlaps no record of its member.
    """
    frames = [
        _read(folder, stem, types)
        for stem, types in (("cluster", _CLUSTER_TYPES), ("nodes", _NODE_TYPES), ("faults", _EVENT_TYPES))
    ]
    recording = Recording(str(folder), frames[0], frames[1], tuple(_events(frames[2], folder)))
    check_recording(recording)
    return recording


def check_recording(recording: Recording) -> None:
    """Hold times and labels against the records.

    Raises:
        SchemaError: there is no row, a time comes twice or goes back, or a label overlaps no record.
    """
    if recording.cluster.is_empty():
        raise SchemaError(f"{recording.name}: the recording has no second in it")
    _check_times(recording.cluster, f"{recording.name}: cluster")
    for (node,), own in recording.nodes.group_by("node", maintain_order=True):
        _check_times(own, f"{recording.name}: member {node}")
    records = pl.concat(
        [
            recording.cluster.select(pl.lit(CLUSTER).alias("node_id"), pl.col("ts") * 10**9),
            recording.nodes.select(pl.col("node").cast(pl.String).alias("node_id"), pl.col("ts") * 10**9),
        ]
    ).rename({"ts": "epoch_time"})
    check_overlap([one for event in recording.events for one in _incidents(event)], records)


def _incidents(event: Event) -> Iterable[Incident]:
    """One for each member it was done to; its end is that of the row it ends in."""
    start, end = (datetime.fromtimestamp(time, UTC) for time in (event.start, ceil(event.end)))
    for node in map(str, event.targets or (CLUSTER,)):
        yield Incident(id=str(event.idx), node=node, type=event.type, severity="high", start=start, end=end)


def _check_times(rows: pl.DataFrame, named: str) -> None:
    bad = rows.filter(pl.col("ts").diff() <= 0)["ts"]
    if bad.len():
        raise SchemaError(f"{named}: time goes back or stands still at {bad[0]}; record it again, or cut it")


def _read(folder: Path, stem: str, types: _Types) -> pl.DataFrame:
    path = _find(folder, stem)
    data = _bytes(path)
    try:
        found = pl.read_csv(data, infer_schema=False)
        found = found.rename({old: new for old, new in _RENAMES.items() if old in found.columns})
        missing = [name for name in types if name not in found.columns and name not in _OPTIONAL]
        if missing:
            raise SchemaError(f"{path} lacks the columns {', '.join(missing)}; record it again")
        absent = [pl.lit(None, pl.String).alias(name) for name in types if name not in found.columns]
        return found.with_columns(absent).select(
            pl.col(name).replace("", None).cast(kind) for name, kind in types.items()
        )
    except pl.exceptions.PolarsError as error:
        reason = str(error).partition("\n")[0]
        raise SchemaError(f"{path} is no table of a recording: {reason}") from error


def _find(folder: Path, stem: str) -> Path:
    for suffix in _SUFFIXES:
        path = folder / f"{stem}.csv{suffix}"
        if path.exists():
            return path
    raise InputError(f"{folder} is no recording: it has no {stem}.csv, .csv.xz or .csv.gz")


def _bytes(path: Path) -> bytes:
    try:
        stored = path.read_bytes()
        match path.suffix:
            case ".xz":
                return lzma.decompress(stored)
            case ".gz":
                return gzip.decompress(stored)
            case _:
                return stored
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise InputError(f"{path} cannot be read: {error}; copy or record it again") from error


def _events(rows: pl.DataFrame, folder: Path) -> Iterable[Event]:
    for row in rows.iter_rows(named=True):
        try:
            targets = tuple(int(word) for word in (row.pop("target") or "").split())
            row["params"] = json.loads(row["params"] or "{}")
        except ValueError as error:
            raise SchemaError(
                f"{folder}: label {row['idx']} of the faults cannot be read: {error}"
            ) from error
        row["target_was_leader"] = bool(row["target_was_leader"])
        row["visible"] = None if row["visible"] is None else bool(row["visible"])
        yield Event(targets=targets, **row)
