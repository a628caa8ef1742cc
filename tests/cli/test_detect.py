import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from dwcp.cli.detect_events import Episodes, Reason, Verdict, event_json, event_line, moment
from dwcp.errors import InputError
from dwcp.telemetry.sources.etcd import Assembler, ClientSecond, Second
from dwcp.telemetry.sources.recording import Event
from dwcp.telemetry.sources.recording_writer import RecordingWriter

START = 1_800_000_001
STEP_S = 15
FAILING = range(60, 75)
INCIDENT = {"id": "7", "node": "web2", "type": "loss", "severity": "high"}


@pytest.fixture
def nodes(tmp_path: Path) -> Path:
    """Three nodes, of which one loses packets for a while."""
    rng = random.Random(1)
    rows = ["node_id,time_s,cpu_usage,packet_loss"]
    for step in range(100):
        for node in ("web1", "web2", "web3"):
            loss = 0.1 if node == "web2" and step in FAILING else 0.001
            rows.append(f"{node},{START + STEP_S * step},{rng.uniform(0.2, 0.4):.3f},{loss}")
    file = tmp_path / "nodes.csv"
    file.write_text("\n".join(rows) + "\n")
    return file


def incidents(folder: Path, *changed: dict) -> Path:
    span = {"start": START + STEP_S * FAILING.start, "end": START + STEP_S * (FAILING.stop - 1)}
    file = folder / "incidents.json"
    file.write_text(json.dumps([{**INCIDENT, **span, **one} for one in changed]))
    return file


def second(ts: int, up: int = 3) -> Second:
    """Without a reading of its own: a second in which members answered is told by the labels alone."""
    cluster, members = Assembler((1, 2, 3)).assemble(ts, {}, ClientSecond(issued=5, ok=5))
    told = [
        replace(one, scrape_ok=int(one.node <= up), has_leader=1.0 if one.node <= up else float("nan"))
        for one in members
    ]
    return Second(replace(cluster, leader=1, active_nodes=up, nodes_up=up), tuple(told))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A minute and a half in which a member is away twice, the second time with no fault behind it."""
    fault = Event(0, "fault", "kill", (3,), False, START + 29.5, START + 34.5, START + 36, visible=True)
    late = replace(fault, idx=1, type="freeze", start=START + 49.5, end=START + 54.5, recovered=START + 56)
    folder = tmp_path / "run"
    with RecordingWriter(folder) as writer:
        for place in range(90):
            inside = [one for one in (fault, late) if one.start < START + place <= one.end + 1]
            away = 30 <= place < 36 or 70 <= place < 75
            told = ("fault", inside[0].type) if inside else ("none", "none")
            writer.write(second(START + place, 2 if away else 3), *told)
        writer.event(fault)
        writer.event(late)
    return folder


def test_a_table_is_told_by_episodes_with_their_reasons(run, nodes):
    done = run("detect", nodes)
    assert done.status == 3
    assert "1 episode" in done.out
    assert "web2" in done.out
    assert "packet_loss 0.1 (peers 0.001), 5 times the limit" in done.out
    assert "labels" not in done.out
    assert "does not tell error_rate" in done.err


def test_labels_tell_what_was_found_missed_and_false(run, nodes, tmp_path):
    labels = incidents(tmp_path, {}, {"id": "8", "node": "web1"})
    done = run("detect", nodes, "--labels", labels, "--json")
    assert done.status == 3
    told = json.loads(done.out)
    [episode] = told["episodes"]
    assert (episode["since_s"], episode["at_s"]) == (START + 60 * STEP_S, START + 75 * STEP_S)
    assert episode["reasons"][0]["value"] == 0.1
    assert told["judged"] == {
        "found": ["7"],
        "missed": ["8"],
        "delays_s": {"7": 0.0},
        "false_episodes": 0,
        "false_an_hour": 0.0,
    }
    assert told["task"] == "reliability"
    assert "labels: 1 of 2 found, median delay 0 s; missed: 8" in run("detect", nodes, "--labels", labels).out


def test_nothing_found_ends_with_0(run, tmp_path):
    file = tmp_path / "calm.csv"
    file.write_text("node_id,time_s,cpu_usage\n" + "".join(f"a,{15 * n},0.3\n" for n in range(40)))
    done = run("detect", file)
    assert (done.status, done.out.splitlines()[-1]) == (0, "0 episodes")


def test_gaps_are_told(run, nodes):
    lines = nodes.read_text().splitlines()
    nodes.write_text("\n".join([*lines[:100], *lines[130:]]))
    assert "has 3 gaps, the longest of 165 s" in run("detect", nodes).err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time_s,cpu_usage\n1,2\n", "no column node_id"),
        ("node_id,time_s\na,2\n", "none of the columns error_rate"),
        ("node_id,cpu_usage\na,0.5\n", "no time; name its column epoch_time"),
        ("node_id,time_s,cpu_usage\n", "holds no row"),
        ("node_id,time_s,cpu_usage\na,1,much\n", "cpu_usage of row 1 is 'much'"),
        ("node_id,time_s,cpu_usage\na,,0.5\n", "rows without time_s"),
        ("node_id,time_s,cpu_usage\na,1,0.5\na,1,0.6\n", "two rows of node 'a' at 1.000 s"),
        ("", "no CSV file"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_sentence(text, said, run, tmp_path):
    file = tmp_path / "nodes.csv"
    file.write_bytes(text.encode())
    done = run("detect", file)
    assert said in done.sentence
    assert done.status == 2


def test_labels_files_and_tasks_that_cannot_be_used_are_one_sentence(run, nodes, tmp_path):
    for changed, said in (
        ({"start": 5, "end": 6}, "overlaps no record of that node"),
        ({"node": "web9"}, "of which there is none"),
        ({"end": 5}, "ends before it starts"),
    ):
        done = run("detect", nodes, "--labels", incidents(tmp_path, changed))
        assert (said in done.sentence, done.status) == (True, 2)
    assert "is no recording" in run("detect", nodes, "--task", "consensus").sentence
    assert "there are consensus and reliability" in run("detect", nodes, "--task", "weather").sentence
    assert "cannot be read" in run("detect", tmp_path / "none.csv").sentence
    assert "no cluster.csv" in run("detect", tmp_path).sentence


def test_a_recording_is_judged_by_its_own_labels(run, recording):
    done = run("detect", recording, "--json")
    assert done.status == 3
    told = json.loads(done.out)
    assert [episode["since_s"] - START for episode in told["episodes"]] == [30, 70]
    assert told["episodes"][0]["reasons"][0]["words"] == "1 of 3 members do not answer"
    assert told["judged"]["found"] == ["kill 0"]
    assert told["judged"]["missed"] == ["freeze 1"]
    assert told["judged"]["false_episodes"] == 1
    assert run("detect", recording / "cluster.csv", "--json").out.replace("/cluster.csv", "") == done.out


def test_members_of_a_recording_can_be_judged_as_nodes(run, recording):
    told = json.loads(run("detect", recording, "--task", "reliability", "--json").out)
    assert told["subjects"] == ["1", "2", "3"]
    assert set(told["judged"]["found"]) | set(told["judged"]["missed"]) == {"kill 0", "freeze 1"}


def test_an_episode_begins_still_stands_and_ends():
    episodes = Episodes()
    why = (Reason("cpu_usage", 0.99, "cpu_usage 0.99"),)
    told = []
    for at_s in range(0, 200, 10):
        flagged = 30 <= at_s < 150
        verdict = Verdict("a", at_s, flagged, 40 <= at_s < 150, at_s / 200, why if flagged else ())
        event = episodes.take(verdict)
        if event is not None:
            told.append((event.event, event.at_s, event.since_s, event.score))
    assert told == [
        *(("begin", 40, 30, 0.2), ("still", 100, 30, 0.5), ("end", 150, 30, 0.7)),
    ]
    assert episodes.began == 1
    assert not episodes.standing


def test_episodes_that_stand_go_on_after_a_restart():
    episodes = Episodes()
    episodes.take(Verdict("a", 1000.0, True, True, 0.9, (Reason("x", None, "x"),), "by"))
    again = Episodes()
    again.restore(json.loads(json.dumps(episodes.snapshot())))
    assert again.standing == episodes.standing
    event = again.take(Verdict("a", 1060.0, True, True, 0.5))
    assert (event.event, event.since_s, again.began) == ("still", 1000.0, 0)
    assert event_line(event).endswith("since 1970-01-01T00:16:40Z, 60 s: x")
    assert event_json(event)["since"] == "1970-01-01T00:16:40Z"
    assert again.drop("a", 1070.0).event == "end"
    assert moment(1e300) == "1e+300 s"
    with pytest.raises(InputError):
        again.restore({"open": [{"event": "begin"}]})
