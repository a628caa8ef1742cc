"""Verdicts, moment by moment, into episodes that begin, still stand, and end."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from dwcp.errors import InputError

__all__ = ["Episodes", "Event", "Reason", "Verdict", "event_json", "event_line", "moment"]

STILL_EVERY_S = 60.0
"""How often an episode that stands is told of again."""

_TOLD = 4


@dataclass(frozen=True, slots=True)
class Reason:
    """What speaks for an anomaly.

    Attributes:
        feature: its name.
        value: what it is; None where it is not measured, or no number.
        words: the two, as they are told.
    """

    feature: str
    value: float | None
    words: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was said of a subject at a moment.

    Attributes:
        subject: a node or a cluster.
        at_s: the end of the moment, seconds since 1970 or since whenever a file counts.
        flagged: whether this moment is anomalous.
        alarm: whether an alarm stands, by the moments of late.
        score: 0 to 1.
        reasons: what speaks for it, the strongest first.
        by: what answered.
    """

    subject: str
    at_s: float
    flagged: bool
    alarm: bool
    score: float
    reasons: tuple[Reason, ...] = ()
    by: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """An episode that begins, still stands, or ends.

    Attributes:
        event: which of these.
        subject: a node or a cluster.
        at_s: when that was seen.
        since_s: the first flagged moment of the episode.
        score: the highest so far.
        reasons: at that moment, the strongest first.
        by: what answered.
    """

    event: Literal["begin", "still", "end"]
    subject: str
    at_s: float
    since_s: float
    score: float
    reasons: tuple[Reason, ...]
    by: str


class Episodes:
    """Remembers which subjects have an alarm that stands."""

    def __init__(self) -> None:
        self.began = 0
        """Episodes that began so far."""
        self.alarmed = False
        """Whether an alarm stood at any time."""
        self._flagged_since_s: dict[str, float] = {}
        self._open: dict[str, Event] = {}
        self._told_s: dict[str, float] = {}

    @property
    def standing(self) -> Mapping[str, Event]:
        """The open episodes, by subject."""
        return self._open

    def take(self, verdict: Verdict) -> Event | None:
        """What this verdict changes, or None."""
        subject = verdict.subject
        if not (verdict.flagged or verdict.alarm):
            self._flagged_since_s.pop(subject, None)
        since_s = self._flagged_since_s.get(subject, verdict.at_s)
        if verdict.flagged or verdict.alarm:
            self._flagged_since_s[subject] = since_s
        known = self._open.get(subject)
        if not verdict.alarm:
            return self.drop(subject, verdict.at_s)
        if known is None:
            self.began += 1
            self.alarmed = True
            return self._tell(Event("begin", *_of(verdict, since_s)))
        if verdict.score > known.score and verdict.reasons:
            known = Event("still", *_of(verdict, known.since_s))
        self._open[subject] = known = replace(known, event="still", at_s=verdict.at_s)
        if verdict.at_s - self._told_s.get(subject, verdict.at_s) >= STILL_EVERY_S:
            return self._tell(known)
        return None

    def drop(self, subject: str, at_s: float) -> Event | None:
        """End the subject's episode, if one stands."""
        self._told_s.pop(subject, None)
        ended = self._open.pop(subject, None)
        return replace(ended, event="end", at_s=at_s) if ended else None

    def snapshot(self) -> dict[str, object]:
        """The open episodes, as JSON values."""
        return {"open": [asdict(event) for event in self._open.values()]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a snapshot.

        Raises:
            InputError: it is none.
        """
        try:
            for told in state.get("open", ()):
                reasons = tuple(Reason(**reason) for reason in told["reasons"])
                event = Event(**{**told, "reasons": reasons})
                self.alarmed = True
                self._open[event.subject] = event
                self._told_s[event.subject] = event.at_s
                self._flagged_since_s[event.subject] = event.since_s
        except (TypeError, LookupError, AttributeError) as error:
            raise InputError("the episodes that were kept cannot be read; remove the file") from error

    def _tell(self, event: Event) -> Event:
        self._open[event.subject] = event
        self._told_s[event.subject] = event.at_s
        return event


def _of(verdict: Verdict, since_s: float) -> tuple[str, float, float, float, tuple[Reason, ...], str]:
    return verdict.subject, verdict.at_s, since_s, verdict.score, verdict.reasons, verdict.by


def event_line(event: Event) -> str:
    """In one line."""
    head = f"{moment(event.at_s)} {event.event} {event.subject}"
    lasted = f"since {moment(event.since_s)}"
    if event.event != "begin":
        lasted += f", {event.at_s - event.since_s:g} s"
    told = "; ".join(reason.words for reason in event.reasons[:_TOLD])
    return f"{head}: {lasted}{f': {told}' if told else ''}"


def event_json(event: Event) -> dict[str, object]:
    """As JSON values: what a webhook is sent, too."""
    told = asdict(event)
    told["at"], told["since"] = moment(event.at_s), moment(event.since_s)
    return told


def moment(epoch_s: float) -> str:
    """A time of day, UTC; the seconds themselves where a file does not count from 1970."""
    try:
        return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return f"{epoch_s:g} s"
