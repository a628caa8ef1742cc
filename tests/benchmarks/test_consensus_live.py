import asyncio
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from benchmarks.consensus import live, score
from benchmarks.consensus.__main__ import parse
from benchmarks.consensus.live import Watched
from benchmarks.consensus.record import until_done
from benchmarks.consensus.watcher import Line, Watcher, command
from benchmarks.pages import detection
from rich.console import Console

from dwcp.errors import InputError
from dwcp.evaluation import check_gates
from dwcp.evaluation.detection import Span
from dwcp.telemetry.sources.recording import Event, Recording

BEGIN = 1000.0
FAULT = Event(0, "fault", "kill_follower", (2,), False, 1100.4, 1106.0, 1110.0, visible=True, hit_s=4)
MISSED = replace(FAULT, idx=1, type="rate_leader", targets=(1,), start=1140.0, end=1145.0, recovered=1147.0)
MOVE = Event(2, "benign", "move_leader", (), False, 1170.0, 1172.0, 1173.5)
HIDDEN = replace(FAULT, idx=3, type="loss_leader", start=1200.0, end=1205.0, recovered=1206.5, visible=False)


def line(came_s, event, **told):
    if event in ("begin", "end"):
        told = {"reasons": [{"words": "1 of 3 members do not answer"}], "by": "FALLBACK", **told}
    return Line(came_s, {"event": event, "subject": "a", **told})


LINES = (
    line(1020.0, "begin"),
    line(1023.0, "end"),
    line(1102.9, "begin"),
    line(1104.1, "away", words="10.77.0.2:2379 has not answered for 3 s"),
    line(1108.0, "back", words="10.77.0.2:2379 answers again after 6 s, and was started anew: its counters"),
    line(1113.0, "end"),
    line(1139.0, "begin"),
    line(1150.0, "end"),
    line(1171.0, "begin"),
    line(1174.0, "end"),
    line(1300.0, "done", seconds=298, alarms=3, standing=[]),
)


@pytest.fixture
def watched() -> Watched:
    seconds = range(1001, 1301)
    slow = {1103, 1104, 1105, 1142}
    cluster = pl.DataFrame(
        [
            {"ts": ts, "kind": "none", "req_err": int(ts in slow), "oldest_ms": 1.0, "latency_p95": 5.0}
            for ts in seconds
        ]
    ).with_columns(host_cpu_busy=0.25)
    recording = Recording("a", cluster, pl.DataFrame(), (FAULT, MISSED, MOVE, HIDDEN))
    addresses = {one: f"10.77.0.{one}:2379" for one in (1, 2, 3)}
    return Watched(recording, addresses, LINES, Span(BEGIN, 1300.0))


def test_delays_count_from_the_injection_and_from_when_a_client_saw_it(watched: Watched) -> None:
    told = live.figures(watched)
    injection, impact = told["delays"]["from_injection"], told["delays"]["from_impact"]
    assert injection == pytest.approx({"found": 1, "median_s": 2.5, "worst_s": 2.5, "within_3_s": 0.5})
    assert impact["median_s"] == pytest.approx(0.9), "from 1102, where the second that ends at 1103 began"
    assert told["events"][1]["impact_s"] == 141.0
    assert told["outlasting"] == {"alarms": 1, "median_s": 3.0, "worst_s": 3.0}


def test_an_alarm_that_stood_before_finds_nothing(watched: Watched) -> None:
    told = live.figures(watched)
    assert (told["visible_faults"], told["event_recall"]) == (2, 0.5)
    assert told["events"][1]["standing"]
    assert {name: (one["visible"], one["found"]) for name, one in told["types"].items()} == {
        "kill_follower": (1, 1),
        "loss_leader": (0, 0),
        "rate_leader": (1, 0),
    }


def test_what_is_raised_for_nothing_is_counted_by_what_was_going_on(watched: Watched) -> None:
    told = live.figures(watched)
    rates = {name: (one["episodes"], one["minutes"]) for name, one in told["false_episodes"].items()}
    excused = (9.6 + 5) + (7 + 5) + (6.5 + 5)
    assert rates == {
        "stretch": (1, pytest.approx(100.4 / 60, abs=0.01)),
        "quiet": (2, pytest.approx((300 - excused - 8.5) / 60, abs=0.01)),
        "overall": (3, pytest.approx((300 - excused) / 60, abs=0.01)),
    }
    assert told["benign"] == {"move_leader": {"events": 1, "alarmed": 1}}
    gates = check_gates(score.GATES, live.gated(told))
    assert [one.met for one in gates] == [True, False, False, False]


def test_a_member_that_goes_and_comes_back_is_looked_for_by_its_address(watched: Watched) -> None:
    [gone] = live.figures(watched)["absences"]
    assert gone == {
        "type": "kill_follower", "member": 2, "gone_s": 5.6,
        "alarm_s": 2.5, "away_s": 3.7, "back_s": 2.0, "restarted_s": 2.0,
    }  # fmt: skip


def test_the_tables_and_the_page_tell_it(watched: Watched) -> None:
    told = live.figures(watched)
    console = Console(file=io.StringIO(), width=150)
    live.show(told, console)
    shown = console.file.getvalue()
    assert "kill_follower n2" in shown
    assert "1 of 1 raised an alarm" in shown
    environment = {"cpu": "CPU", "instruction_set": "x86_64-avx2", "python": "3.11"}
    data = {"members": 3, "seed": 7, "rounds": 1, "load": 100.0, "minutes_quiet": 3}
    written = json.loads(json.dumps({"figures": told, "data": data, "gates": [], "environment": environment}))
    text = "\n".join(detection.live(written))
    assert "| kill_follower | 1 | 1 | 1 | 2.5 |" in text
    assert "| move_leader | 1 | 1 |" in text
    assert "25.0 % of the machine's processors were in use" in text


def test_nothing_seen_is_no_figure(watched: Watched) -> None:
    nothing = replace(watched, lines=(), recording=replace(watched.recording, events=(MOVE,)))
    told = live.figures(nothing)
    assert live.gated(told) == {"leader_move_alarms": 0.0, "quiet_false_episodes_per_hour": 0.0}
    live.show(told, Console(file=io.StringIO()))


def test_the_plan_is_that_of_a_recording_and_then_two_members_go() -> None:
    made = live.planned(1, 7)
    assert [one.type.name for one in made[-2:]] in (
        ["restart_follower", "gone_follower"],
        ["gone_follower", "restart_follower"],
    )
    options = parse(["live"])
    assert (options.members, options.seed, options.rounds, options.minutes_quiet) == (3, 7, 1, 3)


def test_the_command_is_that_of_a_user(tmp_path: Path) -> None:
    words = command(["http://10.77.0.1:2379", "http://10.77.0.2:2379"], None)
    assert words[1:] == [
        "watch",
        "etcd",
        "--endpoints",
        "http://10.77.0.1:2379,http://10.77.0.2:2379",
        "--json",
    ]
    assert command(["a"], tmp_path)[-2:] == ["--registry", str(tmp_path)]


def test_a_watcher_is_ended_as_by_ctrl_c_and_its_last_line_kept(tmp_path: Path) -> None:
    program = """
import json, os, signal
print(json.dumps({"event": "begin", "home": os.environ["DWCP_HOME"]}), flush=True)
try:
    signal.pause()
except KeyboardInterrupt:
    print(json.dumps({"event": "done"}))
"""
    watcher = Watcher([sys.executable, "-c", program], tmp_path)

    async def until_it_spoke() -> None:
        while not watcher.lines:
            await asyncio.sleep(0.005)

    asyncio.run(until_done(until_it_spoke(), watcher.run()))
    assert [one.told for one in watcher.lines] == [
        {"event": "begin", "home": str(tmp_path)},
        {"event": "done"},
    ]


def test_a_watcher_that_ends_by_itself_ends_the_run(tmp_path: Path) -> None:
    watcher = Watcher([sys.executable, "-c", "import sys; sys.exit('no member answers')"], tmp_path)
    with pytest.raises(InputError, match="status 1: no member answers"):
        asyncio.run(watcher.run())


def test_the_pages_of_recordings_and_nodes_leave_out_what_nobody_has() -> None:
    policy = {"pr_auc": 0.9, "vus_pr": 0.8, "recall_at_5pct_fpr": 0.95, "accuracy": 0.96, "event_recall": 1.0}
    rest = {
        "gates": [
            {"metric": "m", "limit": 1, "direction": "at_least", "meaning": "w", "figure": 1, "met": True}
        ],
        "environment": {"cpu": "CPU", "instruction_set": "x86_64-avx2", "python": "3.11"},
    }
    by_policy = {"detector": policy, "rules": {**policy, "median_delay_s": None}}
    group = {
        "recordings": [
            {"name": "a", "members": 3, "seconds": 9, "faults": 2, "visible_faults": 1, "benign_events": 1}
        ],
        "by_time": by_policy,
        "by_cluster": {"trained on 3 members": by_policy},
        "by_time_types": {"kill": {"events": 2, "found": 1, "seconds": 3, "flagged": 2}},
        "left_out": {"event_recall": 0.5, "acts": {"cpu": {"events": 2.0, "found": 1.0}}},
        "ablation": {"all": policy},
        "drift": [{"factor": 1.5, "seconds": 9, "alarm_share": 0.01}],
        "latency_ms": {"p50": 1.0, "p99": 2.0},
        **{"model_mb": 1.0, "fit_s": 2.0, "parity": 1e-6},
    }
    text = "\n".join(detection.consensus({"figures": group, **rest}))
    assert (
        "| detector | PR-AUC | VUS-PR | recall at 5 % FPR | accuracy | events found | median delay, s |"
        in text
    )
    assert "| rules | 0.900 | 0.800 | 95.0 % | 96.0 % | 100 % | – |" in text
    assert "| `kill` | 1 of 2 | – |\n| `cpu` | – | 1 of 2 |" in text
    server = dict.fromkeys(
        ("pr_auc", "vus_pr", "fpr_fixed", "fpr_followed", "recall_followed", "event_recall"), 0.5
    )
    fleet = {
        "recorded": by_policy,
        "simulated": by_policy,
        "recorded_by_fault": {"pause_leader": {"rows": 7, "recall_at_5pct_fpr": float("nan")}},
        "servers": [{"name": "smd/1", "rows": 9, "scorers": {"pca": server}}],
        "drift_quiet_fpr": {"drift-0": 0.004},
        "latency": {"p50_ms": 1.0, "p99_ms": 2.0},
    }
    text = "\n".join(detection.nodes({"figures": fleet, **rest}))
    assert "| `pause_leader` | 7 | – |" in text
    assert "| pca | 0.500 | 0.500 | 50.0 % | 50.0 % | 50.0 % | 50.0 % |" in text
    assert "0.4 % in the worst fleet" in text
