"""What ``dwcp rollout status`` and ``history`` show."""

from collections.abc import Sequence
from datetime import UTC, datetime

from dwcp.safety.rollout import Entry, Rollout, Standing

__all__ = [
    "HISTORY_HEADER",
    "STATUS_HEADER",
    "entry_words",
    "history_rows",
    "next_step",
    "status",
    "status_rows",
]

STATUS_HEADER = ("task", "candidate", "control", "region", "stage", "since", "decisions", "waits for")
HISTORY_HEADER = ("when", "who", "event", "region", "from", "to", "why")


def status(rollout: Rollout, now: float) -> dict[str, object]:
    """A rollout as JSON values; ``regions`` is empty where nothing was ever started."""
    state = rollout.state
    return {
        "task": rollout.task,
        "candidate": state.start.candidate if state else None,
        "control": state.start.control if state else None,
        "active": state is not None and state.active,
        "complete": state is not None and state.complete,
        "promoted": state is not None and state.promoted,
        "killed": rollout.killed,
        "fault": rollout.fault,
        "regions": [_region(one) for one in rollout.standings(now).values()],
    }


def status_rows(rollout: Rollout, now: float) -> list[tuple[str, ...]]:
    """A line for each region."""
    state = rollout.state
    if state is None:
        return []
    control = state.start.control or "the rule"
    return [
        (
            rollout.task,
            state.start.candidate,
            control,
            one.name,
            one.region.stage.words,
            _time(one.region.since_s),
            f"{one.samples:,}",
            "; ".join(one.waits) or one.region.why,
        )
        for one in rollout.standings(now).values()
    ]


def next_step(rollout: Rollout) -> str:
    """What a person may have to do, or to know; empty when nothing."""
    if rollout.fault:
        return rollout.fault
    if rollout.killed:
        return f"{rollout.task}: no model is asked: {rollout.killed}"
    state = rollout.state
    if state is not None and state.active and state.complete:
        return (
            f"{rollout.task} {state.start.candidate} is complete in every region: dwcp rollout approve "
            f"{rollout.task} makes it the champion"
        )
    return ""


def history_rows(entries: Sequence[Entry]) -> list[tuple[str, ...]]:
    """A line for each event."""
    return [
        (
            _time(entry.when_s),
            entry.who,
            f"{entry.event} {entry.start.candidate}" if entry.start else str(entry.event),
            entry.region or "",
            entry.from_stage.words if entry.from_stage else "",
            entry.to_stage.words if entry.to_stage else "",
            entry.why,
        )
        for entry in entries
    ]


def entry_words(task: str, entry: Entry) -> str:
    """One event in a line."""
    if entry.region is None:
        return f"{task}: {entry.event}"
    moved = (
        f"{entry.from_stage.words} to {entry.to_stage.words}" if entry.from_stage and entry.to_stage else ""
    )
    return f"{task} in {entry.region}: {moved} ({entry.event}: {entry.why})"


def _region(one: Standing) -> dict[str, object]:
    return {
        "region": one.name,
        "stage": one.region.stage,
        "percent": one.region.stage.percent,
        "since_s": one.region.since_s,
        "why": one.region.why,
        "decisions": one.samples,
        "waits": list(one.waits),
        "for_approval": one.for_approval,
        "gates": [
            {
                "metric": found.metric,
                "verdict": found.verdict,
                "value": found.value,
                "low": found.low,
                "high": found.high,
                "count": found.count,
                "limit": found.limit,
                "recent": found.recent,
            }
            for found in one.findings
        ],
    }


def _time(when_s: float) -> str:
    return f"{datetime.fromtimestamp(when_s, UTC):%Y-%m-%d %H:%M}"
