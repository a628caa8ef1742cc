"""Watches a real cluster with ``dwcp watch etcd`` while faults are done to it, and scores what it says."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from statistics import median

from benchmarks.consensus import score
from benchmarks.consensus.cluster import Cluster
from benchmarks.consensus.record import Wishes, record
from benchmarks.consensus.schedule import ABSENCES, Planned, plan
from benchmarks.consensus.score import Figures, Judged
from benchmarks.consensus.watcher import Line, Watcher, command
from rich.console import Console
from rich.table import Table

from dwcp.evaluation.detection import Span
from dwcp.telemetry.sources.recording import Recording, read_recording

Say = Callable[[str], None]


@dataclass(frozen=True)
class Watched:
    """What was done, and what was said.

    Attributes:
        recording: of the same time.
        addresses: host and port of each member.
        lines: of the watcher.
        span: from the watcher's start to its end, seconds since 1970.
    """

    recording: Recording
    addresses: Mapping[int, str]
    lines: Sequence[Line]
    span: Span


def planned(rounds: int, seed: int) -> list[Planned]:
    """As a recording with that seed has it; then a member is started anew, and one is gone for long."""
    rng = Random(seed)
    return [*plan(rounds, rng), *plan(1, rng, ABSENCES)]


def watched(cluster: Cluster, wishes: Wishes, registry: Path | None, out: Path | None, say: Say) -> Watched:
    """Record and watch at once.

    Args:
        cluster: it runs, and this process is its client.
        wishes: what to do.
        registry: folder of the watcher's models; None for the rules.
        out: where the recording is kept; None where it is not.
        say: told of each event that is over.

    Raises:
        InputError: the cluster does not come up, or the watcher ends.
    """
    endpoints = {number: one.endpoint for number, one in cluster.members.items()}
    with ExitStack() as opened:
        work = Path(opened.enter_context(tempfile.TemporaryDirectory(dir=cluster.places.folder)))
        watcher = Watcher(command(list(endpoints.values()), registry), work)
        begun_s: list[float] = []

        async def beside() -> None:
            begun_s.append(time.time())
            await watcher.run()

        asyncio.run(record(cluster, wishes, out or work / "recording", say, beside))
        say(watcher.said)
        addresses = {number: url.partition("://")[2] for number, url in endpoints.items()}
        recording = read_recording(out or work / "recording")
        return Watched(recording, addresses, tuple(watcher.lines), Span(begun_s[0], time.time()))


def figures(found: Watched) -> Figures:
    """Everything, as JSON values; times of lines and events count from the watcher's start."""
    alarms = score.alarms_of(found.lines)
    judged = score.judge(found.recording.events, alarms, found.recording.cluster)
    visible = [one for one in judged if one.visible_fault]
    outlasting = [
        lasted
        for one in judged
        if one.event.kind == "fault" and (lasted := score.outlasting_s(one)) is not None
    ]
    return {
        "by": sorted({one.by for one in alarms}),
        "watched_minutes": round((found.span.end_s - found.span.begin_s) / 60, 2),
        "seconds_judged": found.lines[-1].told.get("seconds") if found.lines else None,
        "host_busy": found.recording.cluster["host_cpu_busy"].fill_nan(None).mean(),
        "visible_faults": len(visible),
        "event_recall": _share(visible),
        "delays": {
            "from_injection": score.delays(judged, score.injected_s),
            "from_impact": score.delays(judged, score.impact_s),
        },
        "types": score.by_type(judged),
        "benign": score.benign(judged),
        "false_episodes": score.false_rates(judged, alarms, found.span),
        "outlasting": {
            "alarms": len(outlasting),
            "median_s": median(outlasting) if outlasting else None,
            "worst_s": max(outlasting, default=None),
        },
        "absences": list(score.absences(judged, found.lines, dict(found.addresses))),
        "events": [_event(one, found.span.begin_s) for one in judged],
        "lines": list(_lines(found)),
    }


def gated(told: Figures) -> dict[str, float]:
    """What the gates are held against; what could not be measured is not there."""
    moves = told["benign"].get("move_leader")
    known = {
        "median_delay_s": told["delays"]["from_injection"]["median_s"],
        "event_recall": told["event_recall"],
        "leader_move_alarms": moves["alarmed"] if moves else None,
        "quiet_false_episodes_per_hour": told["false_episodes"]["quiet"]["per_hour"],
    }
    return {name: float(figure) for name, figure in known.items() if figure is not None}


def show(told: Figures, console: Console) -> None:
    """The tables of a run."""
    table = Table(title=f"Faults, judged by {', '.join(told['by']) or 'nobody'}", title_justify="left")
    for heading in (
        "fault",
        "done",
        "visible",
        "found",
        "hidden, alarm",
        "delay s",
        "from impact s",
        "outlasts s",
    ):
        table.add_column(heading, justify="left" if heading == "fault" else "right")
    for name, one in told["types"].items():
        counts = (str(one[key]) for key in ("faults", "visible", "found", "hidden_alarmed"))
        times = (_times(one[key]) for key in ("delays_s", "delays_from_impact_s", "outlasting_s"))
        table.add_row(name, *counts, *times)
    console.print(table)
    told_of = Table("what", "figure", title="In all", title_justify="left")
    for name, figure in _in_all(told):
        told_of.add_row(name, figure)
    console.print(told_of)
    gone = Table("member killed", *_ABSENCE, title="Told of members", title_justify="left")
    for one in told["absences"]:
        gone.add_row(f"{one['type']} n{one['member']}", *(_cell(one[key]) for key in _ABSENCE))
    console.print(gone)


_ABSENCE = ("gone_s", "alarm_s", "away_s", "back_s", "restarted_s")


def _in_all(told: Figures) -> Iterator[tuple[str, str]]:
    yield "seconds judged, minutes watched", f"{told['seconds_judged']}, {told['watched_minutes']}"
    yield "share of the machine's processors in use, mean", _cell(told["host_busy"])
    recall = _cell(told["event_recall"])
    yield "visible faults, share found", f"{told['visible_faults']}, {recall}"
    for since, found in told["delays"].items():
        soon = found[f"within_{score.SOON_S:g}_s"]
        yield (
            f"delay {since} s: median, worst, share within {score.SOON_S:g} s",
            " ".join(_cell(one) for one in (found["median_s"], found["worst_s"], soon)),
        )
    for name, one in told["benign"].items():
        yield f"benign {name}", f"{one['alarmed']} of {one['events']} raised an alarm"
    for name, one in told["false_episodes"].items():
        rate = f"{_cell(one['per_hour'])} an hour"
        yield f"false episodes, {name}", f"{one['episodes']} in {one['minutes']} minutes, {rate}"
    lasted = told["outlasting"]
    yield (
        "alarms outlast recovery s: median, worst",
        f"{_cell(lasted['median_s'])} {_cell(lasted['worst_s'])}",
    )


def _share(visible: Sequence[Judged]) -> float | None:
    return sum(one.alarm is not None for one in visible) / len(visible) if visible else None


def _event(judged: Judged, begun_s: float) -> Figures:
    event, alarm = judged.event, judged.alarm
    moments = {
        "start_s": event.start,
        "impact_s": judged.impact_s,
        "end_s": event.end,
        "recovered_s": event.recovered,
        "alarm_s": alarm.begin_s if alarm else None,
    }
    kept = ("kind", "type", "targets", "target_was_leader", "params", "visible", "hit_s")
    return {
        **{name: asdict(event)[name] for name in kept},
        **{name: None if s is None else round(s - begun_s, 2) for name, s in moments.items()},
        "standing": judged.standing,
        "reasons": alarm.reasons if alarm else "",
    }


def _lines(found: Watched) -> Iterator[Figures]:
    """Without what is the same in all of them."""
    for line in found.lines:
        told = {key: told for key, told in line.told.items() if key not in ("subject", "at", "since")}
        if "reasons" in told:
            told["reasons"] = [reason["words"] for reason in told["reasons"]]
        yield {"came_s": round(line.came_s - found.span.begin_s, 2), **told}


def _times(seconds: Sequence[float | None]) -> str:
    return " ".join("-" if one is None else f"{one:.1f}" for one in seconds)


def _cell(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.2f}"
