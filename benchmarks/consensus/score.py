"""Holds what a watcher said against what was done to the cluster while it watched."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Any

import polars as pl
from benchmarks.consensus.watcher import Line

from dwcp.evaluation import Gate
from dwcp.evaluation.detection import Span, false_episodes
from dwcp.telemetry.sources.recording import Event
from dwcp.telemetry.sources.recording_impact import hit_seconds

GATES = (
    Gate("median_delay_s", 3.0, "at_most", "visible faults, from the beginning of the injection to the line"),
    Gate("event_recall", 1.0, "at_least", "visible faults in which an alarm began"),
    Gate("leader_move_alarms", 0.0, "at_most", "alarms in planned leader moves"),
    Gate(
        "quiet_false_episodes_per_hour", 1.0, "at_most", "while nothing was done, the gaps between included"
    ),
)
SOON_S = 3.0
AFTER_S = 5.0
"""An alarm that begins so soon after a recovery is still counted as the event's."""
_HOUR_S = 3600.0

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Alarm:
    """An episode as its lines came.

    Attributes:
        begin_s: when ``begin`` came, seconds since 1970.
        end_s: when ``end`` came; infinity where none did.
        reasons: what spoke for it at first.
        by: what answered.
    """

    begin_s: float
    end_s: float
    reasons: str
    by: str


@dataclass(frozen=True, slots=True)
class Judged:
    """An event, and what was said of it.

    Attributes:
        event: a fault or a benign event.
        impact_s: the beginning of the first second in which the client was worse off; None where it saw no
            fault.
        alarm: the first that began in it; None without any.
        standing: whether one stood when it began, which is no finding.
    """

    event: Event
    impact_s: float | None
    alarm: Alarm | None
    standing: bool

    @property
    def visible_fault(self) -> bool:
        """Whether it should be found."""
        return self.event.kind == "fault" and bool(self.event.visible)

    def delay_s(self, since: Callable[["Judged"], float | None]) -> float | None:
        """From a moment of the event to the line; None where it was not found, or has no such moment."""
        moment = since(self)
        return None if self.alarm is None or moment is None else self.alarm.begin_s - moment


def injected_s(judged: Judged) -> float:
    """When it was begun."""
    return judged.event.start


def impact_s(judged: Judged) -> float | None:
    """When the client was first worse off."""
    return judged.impact_s


def alarms_of(lines: Sequence[Line]) -> list[Alarm]:
    """The episodes, each from its lines."""
    found: list[Alarm] = []
    for line in lines:
        match line.told["event"]:
            case "begin":
                words = "; ".join(reason["words"] for reason in line.told["reasons"])
                found.append(Alarm(line.came_s, math.inf, words, line.told["by"]))
            case "end" if found:
                last = found.pop()
                found.append(Alarm(last.begin_s, line.came_s, last.reasons, last.by))
    return found


def judge(events: Sequence[Event], alarms: Sequence[Alarm], cluster: pl.DataFrame) -> list[Judged]:
    """Each event with the first alarm that began in it.

    Args:
        events: in order.
        alarms: in order.
        cluster: rows of the recording, as the load's client saw it.
    """
    return [
        Judged(
            event,
            first_impact_s(event, cluster) if event.visible else None,
            next((one for one in alarms if event.start <= one.begin_s < _until(event)), None),
            any(one.begin_s < event.start < one.end_s for one in alarms),
        )
        for event in events
    ]


def first_impact_s(event: Event, cluster: pl.DataFrame) -> float | None:
    """The beginning of the first second that the client's figures show the event in; None without any."""
    for end in range(math.floor(event.start) + 1, math.ceil(event.recovered) + 1):
        if hit_seconds(cluster, event.start, end - 1):
            return max(event.start, end - 1.0)
    return None


def delays(judged: Sequence[Judged], since: Callable[[Judged], float | None]) -> Figures:
    """Median, worst, and the share of visible faults that were found soon."""
    visible = [one for one in judged if one.visible_fault]
    known = [delay for one in visible if (delay := one.delay_s(since)) is not None]
    return {
        "found": len(known),
        "median_s": median(known) if known else None,
        "worst_s": max(known, default=None),
        f"within_{SOON_S:g}_s": sum(delay <= SOON_S for delay in known) / len(visible) if visible else None,
    }


def by_type(judged: Sequence[Judged]) -> dict[str, Figures]:
    """Of each type of fault: how many, how many a client saw, how many of those were found, and when."""
    faults = sorted((one for one in judged if one.event.kind == "fault"), key=lambda one: one.event.type)
    told = {}
    for name, found in groupby(faults, key=lambda one: one.event.type):
        own = list(found)
        visible = [one for one in own if one.visible_fault]
        told[name] = {
            "faults": len(own),
            "visible": len(visible),
            "found": sum(one.alarm is not None for one in visible),
            "hidden_alarmed": sum(one.alarm is not None for one in own if not one.visible_fault),
            "delays_s": [_rounded(one.delay_s(injected_s)) for one in own],
            "delays_from_impact_s": [_rounded(one.delay_s(impact_s)) for one in own],
            "outlasting_s": [_rounded(outlasting_s(one)) for one in own],
        }
    return told


def benign(judged: Sequence[Judged]) -> dict[str, Figures]:
    """Of each type of benign event: how many, and how many raised an alarm."""
    told: dict[str, Figures] = {}
    for one in judged:
        if one.event.kind == "benign":
            found = told.setdefault(one.event.type, {"events": 0, "alarmed": 0})
            found["events"] += 1
            found["alarmed"] += one.alarm is not None
    return told


def false_rates(judged: Sequence[Judged], alarms: Sequence[Alarm], watched: Span) -> dict[str, Figures]:
    """False episodes before the first event, while nothing was done, and wherever there was no fault."""
    all_, faults = ([_span(one) for one in judged if one.event.kind in kinds] for kinds in _KINDS)
    stretch = Span(watched.begin_s, min((span.begin_s for span in all_), default=watched.end_s))
    return {
        "stretch": _rate(alarms, stretch, ()),
        "quiet": _rate(alarms, watched, all_),
        "overall": _rate(alarms, watched, faults),
    }


_KINDS = (("fault", "benign"), ("fault",))


def outlasting_s(judged: Judged) -> float | None:
    """How long the alarm stood after all was well again; less than 0 where it ended before."""
    if judged.alarm is None or math.isinf(judged.alarm.end_s):
        return None
    return judged.alarm.end_s - judged.event.recovered


def absences(judged: Sequence[Judged], lines: Sequence[Line], addresses: dict[int, str]) -> Iterator[Figures]:
    """What was said of each member that was killed, in order.

    Args:
        judged: the events.
        lines: of the watcher.
        addresses: host and port of each member.
    """
    for one in judged:
        event = one.event
        if event.type not in _KILLED:
            continue
        for target in event.targets:
            own = [
                line
                for line in lines
                if event.start <= line.came_s < event.recovered + AFTER_S
                and f"{addresses[target]} " in line.told.get("words", "")
            ]
            away, back = (
                next((s.came_s for s in own if s.told["event"] == kind), None) for kind in _PRESENCE
            )
            anew = next((line.came_s for line in own if _ANEW in line.told["words"]), None)
            yield {
                "type": event.type,
                "member": target,
                "gone_s": round(event.end - event.start, 1),
                "alarm_s": _rounded(one.delay_s(injected_s)),
                "away_s": _rounded(_since(away, event.start)),
                "back_s": _rounded(_since(back, event.end)),
                "restarted_s": _rounded(_since(anew, event.end)),
            }


_PRESENCE, _ANEW = ("away", "back"), "started anew"
_KILLED = ("kill_leader", "kill_follower", "quorum_loss", "restart_follower", "gone_follower")


def _until(event: Event) -> float:
    return event.recovered if event.kind == "fault" else event.recovered + AFTER_S


def _span(judged: Judged) -> Span:
    return Span(judged.event.start, judged.event.recovered + AFTER_S)


def _rate(alarms: Sequence[Alarm], watched: Span, excused: Sequence[Span]) -> Figures:
    inside = [Span(one.begin_s, one.end_s) for one in alarms if _within(one.begin_s, watched)]
    lost_s = sum(
        max(0.0, min(span.end_s, watched.end_s) - max(span.begin_s, watched.begin_s)) for span in excused
    )
    hours = (watched.end_s - watched.begin_s - lost_s) / _HOUR_S
    count = len(false_episodes(inside, excused))
    return {
        "minutes": round(60 * hours, 2),
        "episodes": count,
        "per_hour": count / hours if hours > 0 else None,
    }


def _within(moment_s: float, span: Span) -> bool:
    return span.begin_s <= moment_s < span.end_s


def _since(moment_s: float | None, begin_s: float) -> float | None:
    return None if moment_s is None else moment_s - begin_s


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
