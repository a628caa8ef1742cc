"""Figures of whole events: which were found and when, and what was raised for nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import ArrayLike

from dwcp.errors import InputError
from dwcp.evaluation.detection.spans import Span, covered, require_times, span_rows

__all__ = ["EventRecall", "event_recall", "false_episodes", "false_episodes_per_hour", "rate_inside"]

_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class EventRecall:
    """How many events were found, and how soon.

    Attributes:
        delays_s: for each judged event, seconds from its beginning to the first alarm inside it; None where
            there was none.
    """

    delays_s: tuple[float | None, ...]

    @property
    def recall(self) -> float:
        """Share of events found; NaN where there are none."""
        return len(self._known()) / len(self.delays_s) if self.delays_s else float("nan")

    @property
    def median_delay_s(self) -> float:
        """Of the events that were found; NaN where none was."""
        return median(self._known()) if self._known() else float("nan")

    @property
    def worst_delay_s(self) -> float:
        """Of the events that were found; NaN where none was."""
        return max(self._known(), default=float("nan"))

    def _known(self) -> list[float]:
        return [delay for delay in self.delays_s if delay is not None]


def event_recall(
    events: Sequence[Span], alarms: ArrayLike, times_s: ArrayLike, *, grace_s: float = 0.0
) -> EventRecall:
    """Look for the first alarm inside each event; events without a single row are left out.

    An alarm that stood already when the event began counts as found at once: report `false_episodes` beside
    it, or an alarm that never ends is the best of all.

    Args:
        events: what should be found.
        alarms: booleans, shape ``(n,)``.
        times_s: moments in order, shape ``(n,)``.
        grace_s: how long after its end an event may still be found.

    Raises:
        InputError: shapes differ, or the moments are not in order.
    """
    times, alarm = require_times(times_s), np.asarray(alarms, dtype=np.bool_)
    if times.shape != alarm.shape:
        raise InputError(f"alarms and times must be as many, not {alarm.shape} and {times.shape}")
    delays: list[float | None] = []
    for event in events:
        rows = span_rows(Span(event.begin_s, event.end_s + grace_s), times)
        if rows.start < rows.stop:
            found = np.flatnonzero(alarm[rows])
            delays.append(float(times[rows][found[0]] - event.begin_s) if found.size else None)
    return EventRecall(tuple(delays))


def false_episodes(episodes: Sequence[Span], excused: Sequence[Span]) -> tuple[Span, ...]:
    """Episodes that begin in no excused span: an event, its recovery, whatever may raise an alarm."""
    begins = np.array([[span.begin_s, span.end_s] for span in excused]).reshape(-1, 2)
    return tuple(
        episode
        for episode in episodes
        if not np.any((begins[:, 0] <= episode.begin_s) & (episode.begin_s < begins[:, 1]))
    )


def false_episodes_per_hour(
    episodes: Sequence[Span], excused: Sequence[Span], times_s: ArrayLike, *, step_s: float
) -> float:
    """False episodes an hour of watched time outside the excused spans.

    Args:
        episodes: episodes of alarm.
        excused: spans in which an alarm is no mistake.
        times_s: the moments that were watched, in order.
        step_s: time that each moment stands for.

    Raises:
        InputError: the moments are not in order, or none of them lies outside the excused spans.
    """
    watched_s = float(np.count_nonzero(~covered(excused, times_s))) * step_s
    if watched_s <= 0:
        raise InputError("no watched moment lies outside the excused spans; a rate an hour needs some")
    return len(false_episodes(episodes, excused)) / (watched_s / _HOUR_S)


def rate_inside(spans: Sequence[Span], flags: ArrayLike, times_s: ArrayLike) -> float:
    """Share of the rows inside the spans that are flagged: false positives where the spans are benign.

    NaN where no row lies inside.

    Raises:
        InputError: the moments are not in order.
    """
    inside = covered(spans, times_s)
    return float(np.mean(np.asarray(flags, dtype=np.bool_)[inside])) if inside.any() else float("nan")
