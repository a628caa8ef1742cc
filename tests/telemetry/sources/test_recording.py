import gzip
import lzma
import math
from dataclasses import replace
from pathlib import Path
from typing import Literal

import polars as pl
import pytest

from dwcp.errors import InputError, SchemaError, StorageError
from dwcp.telemetry.sources.etcd import Assembler, ClientSecond, Second
from dwcp.telemetry.sources.recording import Event, read_recording
from dwcp.telemetry.sources.recording_impact import hit_seconds, with_impact
from dwcp.telemetry.sources.recording_writer import RecordingWriter

START = 1_800_000_000
FAULT = Event(
    0, "fault", "kill_leader", (2,), True, START + 30.5, START + 33.2, START + 36, {"duration_s": 2.7}
)


def second(ts: int, p95_ms: float = 10.0, failed: int = 0) -> Second:
    cluster, members = Assembler((1, 2, 3)).assemble(ts, {}, ClientSecond(issued=5, ok=5 - failed))
    return Second(replace(cluster, latency_p95=p95_ms, req_err=failed), members)


def write(folder: Path, events: tuple[Event, ...] = (FAULT,), suffix: Literal["", ".xz", ".gz"] = "") -> Path:
    """A minute in which the seconds of the fault are slow."""
    with RecordingWriter(folder, suffix) as writer:
        for ts in range(START, START + 60):
            inside = FAULT.start < ts <= FAULT.end + 1
            kind = "fault" if inside else "none"
            writer.write(second(ts, 900.0 if inside else 10.0), kind, FAULT.type if inside else "none", (2,))
        for event in events:
            writer.event(event)
    return folder


@pytest.mark.parametrize("suffix", ["", ".xz", ".gz"])
def test_what_was_written_is_read(tmp_path: Path, suffix: Literal["", ".xz", ".gz"]) -> None:
    recording = read_recording(write(tmp_path / "a", suffix=suffix))
    assert recording.events == (FAULT,)
    assert (recording.cluster.height, recording.nodes.height) == (60, 180)
    assert recording.cluster["latency_p95"].max() == 900.0
    assert math.isnan(recording.cluster["proposals_committed"][0])
    here = recording.nodes.filter(pl.col("fault_here") == 1)
    assert here["node"].unique().to_list() == [2]
    assert set(here["ts"]) == {START + 31, START + 32, START + 33, START + 34}
    assert recording.remarks() == ()


def test_older_names_are_read_and_newer_columns_may_lack(tmp_path: Path) -> None:
    folder = write(tmp_path / "a")
    cluster = folder / "cluster.csv"
    older = lzma.compress(cluster.read_bytes().replace(b"profile", b"dwcp_mode"))
    cluster.unlink()
    (folder / "cluster.csv.xz").write_bytes(older)
    nodes = pl.read_csv(folder / "nodes.csv").drop("restarted")
    (folder / "nodes.csv").unlink()
    (folder / "nodes.csv.gz").write_bytes(gzip.compress(nodes.write_csv().encode()))
    recording = read_recording(folder)
    assert recording.cluster["profile"].to_list() == [1.0] * 60
    assert recording.nodes["restarted"].null_count() == 180


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("stem", "old", "new", "words"),
    [
        ("cluster", "leader_changes", "changes", "cluster.csv lacks the columns leader_changes"),
        ("nodes", "fsync_ms", "fsync", "nodes.csv lacks the columns fsync_ms"),
        ("cluster", f"\n{START + 5},", f"\n{START + 3},", f"cluster: time goes back .* {START + 3}"),
        ("nodes", f"\n{START + 5},2,", f"\n{START + 4},2,", "member 2: time goes back"),
        ("cluster", ",10.0,", ",ten,", "cluster.csv is no table of a recording"),
        ("faults", ",2,1,", ",9,1,", "incident '0' of node '9'.*overlaps no record"),
        ("faults", f"{START + 30.5}", f"{START + 20.5 - 999}", None),
        (
            "faults",
            f"{START + 30.5},{START + 33.2}",
            "5.0,6.0",
            "incident '0' of node '2'.*overlaps no record",
        ),
        ("faults", "{", "", "label 0 of the faults cannot be read"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, stem: str, old: str, new: str, words: str | None) -> None:
    folder = write(tmp_path / "a")
    edit(folder / f"{stem}.csv", old, new)
    if words is None:  # a label that is partly recorded is no error
        read_recording(folder)
        return
    with pytest.raises(SchemaError, match=words):
        read_recording(folder)


def test_a_folder_without_a_recording_and_damage_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no recording: it has no cluster\.csv"):
        read_recording(tmp_path)
    (tmp_path / "cluster.csv.xz").write_bytes(b"not xz")
    with pytest.raises(InputError, match=r"cluster\.csv\.xz cannot be read"):
        read_recording(tmp_path)


def test_gaps_and_members_started_anew_are_remarked(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "a") as writer:
        for ts in (START, START + 1, START + 4, START + 5):
            cluster, members = second(ts)
            writer.write(Second(cluster, (*members[:2], replace(members[2], restarted=int(ts == START + 4)))))
    name = tmp_path / "a"
    assert read_recording(name).remarks() == (
        f"{name}: 2 s are missing in 1 gaps",
        f"{name}: member 3 was started anew 1 times",
    )


def test_a_recording_is_not_written_over(tmp_path: Path) -> None:
    write(tmp_path / "a")
    with pytest.raises(InputError, match="has a recording already"):
        RecordingWriter(tmp_path / "a")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        RecordingWriter(tmp_path / "file" / "a")


def test_impact_is_what_the_client_saw_beyond_what_was_usual(tmp_path: Path) -> None:
    cluster = read_recording(write(tmp_path / "a")).cluster
    assert with_impact(FAULT, cluster).hit_s == 4
    assert with_impact(FAULT, cluster).visible is True
    assert hit_seconds(cluster, START + 45.0, START + 50.0) == 0
    failed = cluster.with_columns(
        pl.when(pl.col("ts") == START + 47).then(3.0).otherwise(0.0).alias("req_err")
    )
    assert hit_seconds(failed, START + 45.0, START + 50.0) == 1
    waiting = cluster.with_columns(pl.lit(400.0).alias("oldest_ms"))
    assert hit_seconds(waiting, START + 45.0, START + 50.0) == 0, "as old as before"


def test_three_minutes_of_a_real_cluster() -> None:
    """Made by ``python -m benchmarks.consensus record``, of etcd 3.4.23 with three members."""
    recording = read_recording(Path(__file__).with_name("recorded"))
    assert recording.remarks() == ()
    faults = [event for event in recording.events if event.kind == "fault"]
    assert [event.type for event in faults] == [
        *("slowdisk_follower", "slowdisk_leader", "host_stress", "cpu_leader", "asym_leader")
    ]
    assert [event.visible for event in recording.events] == [False, True, True, False, True, True]
    asym = recording.cluster.filter(pl.col("fault") == "asym_leader")
    assert asym["leader_changes"].max() >= 0.9
    assert asym["oldest_ms"].max() > 1000
    leaders = recording.nodes.filter(pl.col("is_leader") == 1).group_by("ts").len()
    assert leaders["len"].max() <= 2
