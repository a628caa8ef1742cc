"""Figures of a replay: seconds, events and episodes, each group a series of its own."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dwcp.evaluation.classification import average_precision
from dwcp.evaluation.detection import (
    EventRecall,
    Span,
    debounced,
    episodes,
    event_recall,
    false_episodes,
    pointwise,
    recall_at_fpr,
    runs,
    share_above,
)
from dwcp.tasks.consensus.contract import FINE, Action
from dwcp.tasks.consensus.rules import DEBOUNCE
from dwcp.tasks.consensus.series import ConsensusCase

__all__ = ["RANKED_FPR", "EventsTold", "events_told", "figures", "score_of", "spans_of"]

RANKED_FPR = 0.05
_NONE = 1e6
"""What a rate or delay is where there is nothing to take it of: no gate is met by that."""
_MOST_LOGIT = 30.0

Floats = NDArray[np.float64]
Names = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class EventsTold:
    """What alarms were worth in one group.

    Attributes:
        delays_s: of each fault, None where it raised no alarm.
        false: episodes of alarm that began outside faults, recoveries and what nobody knows.
        watched_s: quiet and benign seconds.
    """

    delays_s: tuple[float | None, ...]
    false: tuple[Span, ...]
    watched_s: int


def figures(cases: Sequence[ConsensusCase], chosen: Sequence[Action]) -> Mapping[str, float]:
    """Figures by name; those that these rows cannot give are left out.

    Args:
        cases: labelled rows; hidden faults, recoveries and rows that nobody labelled do not count.
        chosen: what was said, one action a case.
    """
    kinds = np.array([case.outcomes[FINE].kind for case in cases], dtype=np.str_)
    score = np.array([score_of(action) for action in chosen])
    flag = np.array([action.anomalous for action in chosen], dtype=np.bool_)
    fault, judged = kinds == "fault", np.isin(kinds, ("quiet", "benign", "fault"))
    found = {
        "quiet_fpr": share_above(flag[kinds == "quiet"], 0),
        "benign_fpr": share_above(flag[kinds == "benign"], 0),
    }
    if fault.any() and (judged & ~fault).any():
        rows = pointwise(fault[judged], flag[judged])
        found |= {
            "pr_auc": average_precision(fault[judged], score[judged]),
            "recall_at_5pct_fpr": recall_at_fpr(fault[judged], score[judged], RANKED_FPR),
            "accuracy": rows.accuracy,
            "balanced_accuracy": rows.balanced_accuracy,
            "recall": rows.recall,
            "precision": rows.precision,
            "f1": rows.f1,
            "fpr": rows.false_positive_rate,
        }
    found |= _of_events(cases, kinds, flag)
    return {name: float(figure) for name, figure in found.items() if math.isfinite(figure)}


def score_of(action: Action) -> float:
    """What rows are ranked by: the margin, or the logit of a rule's score."""
    if action.margin is not None:
        return action.margin
    share = min(max(action.probability, 0.0), 1.0)
    if share in (0.0, 1.0):
        return _MOST_LOGIT * (2 * share - 1)
    return math.log(share / (1 - share))


def spans_of(times_s: Floats, kinds: Names, events: Names, wanted: Sequence[str]) -> tuple[Span, ...]:
    """Stretches of one event and kind as spans that end with the next second.

    Args:
        times_s: of one group, in order.
        kinds: of its rows.
        events: of its rows.
        wanted: which kinds.
    """
    named = np.array([f"{kind}\x00{event}" for kind, event in zip(kinds, events, strict=True)], dtype=np.str_)
    of_kind = np.isin(kinds, wanted)
    return tuple(
        Span(float(times_s[begin]), float(times_s[end - 1]) + 1.0, str(events[begin]))
        for name in np.unique(named[of_kind])
        for begin, end in runs((named == name) & of_kind)
    )


def events_told(
    times_s: Floats, kinds: Names, events: Names, flag: NDArray[np.bool_], grace_s: float = 0.0
) -> EventsTold:
    """What the alarms that follow from flags are worth in one group.

    Args:
        times_s: in order.
        kinds: of its rows.
        events: of its rows.
        flag: which rows are flagged.
        grace_s: how long after its end an event may still be found.
    """
    alarm = debounced(flag, DEBOUNCE)
    faults = spans_of(times_s, kinds, events, ("fault",))
    excused = (*faults, *spans_of(times_s, kinds, events, ("recovery", "hidden", "unknown")))
    lenient = [Span(span.begin_s, span.end_s + DEBOUNCE.of) for span in excused]
    return EventsTold(
        event_recall(faults, alarm, times_s, grace_s=grace_s).delays_s,
        false_episodes(episodes(alarm, times_s), lenient),
        int(np.isin(kinds, ("quiet", "benign")).sum()),
    )


def _of_events(cases: Sequence[ConsensusCase], kinds: Names, flag: NDArray[np.bool_]) -> dict[str, float]:
    """Event recall and delay, and false episodes an hour, over all groups."""
    delays: list[float | None] = []
    false, watched_s = 0, 0
    for rows in _rows_by_group(cases).values():
        times = np.array([cases[row].time_s for row in rows])
        events = np.array([cases[row].outcomes[FINE].event for row in rows], dtype=np.str_)
        told = events_told(times, kinds[rows], events, flag[rows], DEBOUNCE.of - 1)
        delays += told.delays_s
        false += len(told.false)
        watched_s += told.watched_s
    found = EventRecall(tuple(delays))
    return {
        "event_recall": found.recall,
        "median_delay_s": found.median_delay_s if found.recall > 0 else _NONE,
        "false_episodes_per_hour": 3600.0 * false / watched_s if watched_s else _NONE,
    }


def _rows_by_group(cases: Sequence[ConsensusCase]) -> dict[str, NDArray[np.int64]]:
    """Row numbers of each group, in order of time."""
    found: dict[str, list[int]] = {}
    for row, case in enumerate(cases):
        found.setdefault(case.group, []).append(row)
    return {group: np.array(sorted(rows, key=lambda row: cases[row].time_s)) for group, rows in found.items()}
