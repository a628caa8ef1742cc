"""Recordings of clusters as cases."""

from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from dwcp.errors import InputError, SchemaError
from dwcp.tasks.consensus.contract import FINE
from dwcp.tasks.consensus.recorded import recorded_cases
from dwcp.telemetry.sources.etcd.seconds import ClusterSecond, MemberSecond, Second
from dwcp.telemetry.sources.recording import Event
from dwcp.telemetry.sources.recording_writer import RecordingWriter

START = 1_700_000_000
FAULT = Event(0, "fault", "kill_leader", (3,), True, START + 9.5, START + 14.5, START + 16, visible=True)


def second(ts: int) -> Second:
    members = (MemberSecond(**{**zeros(MemberSecond), "ts": ts, "node": node}) for node in (1, 2, 3))
    return Second(ClusterSecond(**{**zeros(ClusterSecond), "ts": ts, "leader": 1}), tuple(members))


def zeros(kind: Any) -> dict[str, Any]:
    return {one.name: 0 if one.type in ("int", int) else 0.0 for one in fields(kind)}


def record(folder: Path, fault: Event = FAULT) -> Path:
    """Forty seconds with one fault in them; two seconds are missing after it."""
    with RecordingWriter(folder) as writer:
        for place in [*range(25), *range(27, 40)]:
            kind = "fault" if 10 <= place < 15 else "recovery" if place == 15 else "none"
            writer.write(second(START + place), kind, "kill_leader" if kind != "none" else "none")
        writer.event(fault)
    return folder


def test_seconds_become_cases_with_their_kinds(tmp_path: Path) -> None:
    cases = recorded_cases(record(tmp_path / "one") / "cluster.csv")
    assert Counter(case.outcomes[FINE].kind for case in cases) == {
        "quiet": 32, "fault": 5, "recovery": 1, "unknown": 2,
    }  # fmt: skip
    assert {case.outcomes[FINE].event for case in cases} == {"", "kill_leader 0"}
    assert [case.time_s - START for case in cases] == list(range(40))


def test_a_fault_that_nobody_noticed_is_hidden(tmp_path: Path) -> None:
    record(tmp_path / "a")
    unseen = Event(0, "fault", "slowdisk", (1,), False, START + 9.5, START + 14.5, START + 16, visible=False)
    record(tmp_path / "b", unseen)
    cases = recorded_cases(tmp_path)
    assert {case.group.split("/")[0] for case in cases} == {"a", "b"}
    kinds = {name: {c.outcomes[FINE].kind for c in cases if c.context.group == name} for name in ("a", "b")}
    assert "fault" in kinds["a"]
    assert "hidden" not in kinds["a"]
    assert "hidden" in kinds["b"]
    assert "fault" not in kinds["b"]
    with pytest.raises(SchemaError, match="no fault that a client noticed"):
        recorded_cases(tmp_path / "b")


def test_what_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="no recording and holds none"):
        recorded_cases(tmp_path)
    with pytest.raises(InputError):
        recorded_cases(tmp_path / "nothing" / "cluster.csv")
