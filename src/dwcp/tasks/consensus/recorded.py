"""Recordings of a cluster as decisions to make."""

from dataclasses import fields
from math import nan
from pathlib import Path
from typing import Any, cast

from dwcp.errors import SchemaError
from dwcp.tasks.consensus.contract import Kind
from dwcp.tasks.consensus.seconds import step_of
from dwcp.tasks.consensus.series import ConsensusCase, Series, cases_of
from dwcp.telemetry.sources.etcd.seconds import ClusterSecond, MemberSecond, Second
from dwcp.telemetry.sources.recording import Event, Recording, read_recording
from dwcp.telemetry.sources.recording_impact import with_impact

__all__ = ["recorded_cases", "series_of"]

_PART_S = 240.0
_LATE_S = 0.5
"""Labels are set when a row is written, which may be a little after its second is over."""
_KINDS: dict[str, Kind] = {"none": "quiet", "benign": "benign", "fault": "fault", "recovery": "recovery"}
_CLUSTER = tuple(one.name for one in fields(ClusterSecond))
_MEMBER = tuple(one.name for one in fields(MemberSecond))


def recorded_cases(table: Path) -> list[ConsensusCase]:
    """Every second of one or several recordings, in groups of a few minutes each.

    Args:
        table: a recording's ``cluster.csv``, compressed or not, or its folder, or a folder of such folders.

    Raises:
        InputError: a file is missing or cannot be read.
        SchemaError: it is no recording, or no fault in any of them was visible to a client.
    """
    folders = _recordings(table)
    found = [series_of(read_recording(folder), folder.name) for folder in folders]
    if not any("fault" in series.kinds for series in found):
        raise SchemaError(f"{table} has no fault that a client noticed; record one with faults")
    return [case for series in found for case in cases_of(series, part_s=_PART_S)]


def _recordings(table: Path) -> list[Path]:
    if not table.is_dir():
        return [table.parent]
    folders = (
        [table] if _is_recording(table) else [one for one in sorted(table.iterdir()) if _is_recording(one)]
    )
    if not folders:
        raise SchemaError(
            f"{table} is no recording and holds none; a recording is a folder with cluster.csv and nodes.csv"
        )
    return folders


def _is_recording(folder: Path) -> bool:
    return folder.is_dir() and any(folder.glob("cluster.csv*")) and any(folder.glob("nodes.csv*"))


def series_of(recording: Recording, name: str) -> Series:
    """A recording as a row of steps; a fault that no client noticed is ``hidden``.

    Args:
        recording: as read.
        name: of the group.
    """
    members: dict[int, list[MemberSecond]] = {}
    for told_row in recording.nodes.select(_MEMBER).iter_rows():
        known = MemberSecond(*_numbers(told_row))
        members.setdefault(known.ts, []).append(known)
    times, steps, kinds, events = [], [], [], []
    told = [_told(event, recording) for event in recording.events]
    for *row, kind, _ in recording.cluster.select(*_CLUSTER, "kind", "fault").iter_rows():
        cluster = ClusterSecond(*_numbers(row))
        event = _event_at(cluster.ts, told) if kind != "none" else None
        times.append(float(cluster.ts))
        steps.append(step_of(Second(cluster, tuple(members.get(cluster.ts, ())))))
        kinds.append(_kind(kind, event))
        events.append("" if event is None else f"{event.type} {event.idx}")
    return Series(name, tuple(times), tuple(steps), tuple(kinds), tuple(events))


def _told(event: Event, recording: Recording) -> Event:
    """With what the client saw of it."""
    return (
        event if event.kind != "fault" or event.visible is not None else with_impact(event, recording.cluster)
    )


def _event_at(time_s: int, events: list[Event]) -> Event | None:
    """The one whose time overlaps the second that ends about then; the last where two do."""
    return next(
        (one for one in reversed(events) if one.start - _LATE_S < time_s and time_s - 1 < one.recovered), None
    )


def _kind(kind: str, event: Event | None) -> Kind:
    if kind == "fault" and event is not None and not event.visible:
        return "hidden"
    return _KINDS.get(kind, "unknown")


def _numbers(row: Any) -> Any:
    """Null is what was not measured."""
    return cast("Any", (nan if value is None else value for value in row))
