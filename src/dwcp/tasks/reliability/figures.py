"""Figures of a replay: rows, events and episodes, each node a series of its own."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dwcp.evaluation.classification import average_precision
from dwcp.evaluation.detection import (
    Span,
    debounced,
    episodes,
    event_recall,
    false_episodes_per_hour,
    pointwise,
    recall_at_fpr,
    runs,
    share_above,
)
from dwcp.tasks.reliability.contract import FINE, Action
from dwcp.tasks.reliability.policy import DEBOUNCE
from dwcp.tasks.reliability.series import ReliabilityCase

__all__ = ["RANKED_FPR", "figures", "spans_of"]

RANKED_FPR = 0.05

Floats = NDArray[np.float64]
Names = NDArray[np.str_]


def figures(cases: Sequence[ReliabilityCase], chosen: Sequence[Action]) -> Mapping[str, float]:
    """Figures by name; those that these rows cannot give are left out, rates without a row are 0.

    Args:
        cases: labelled rows; recoveries and rows that nobody labelled do not count.
        chosen: what was said, one action a case.
    """
    kinds = np.array([case.outcomes[FINE].kind for case in cases], dtype=np.str_)
    score = np.array([action.score for action in chosen])
    flag = np.array([action.anomalous for action in chosen], dtype=np.bool_)
    fault, judged = kinds == "fault", np.isin(kinds, ("quiet", "benign", "fault"))
    found: dict[str, float] = {
        "quiet_fpr": _rate(flag[kinds == "quiet"]),
        "benign_fpr": _rate(flag[kinds == "benign"]),
    }
    if fault.any() and (judged & ~fault).any():
        rows = pointwise(fault[judged], flag[judged])
        found |= {
            "pr_auc": average_precision(fault[judged], score[judged]),
            "recall_at_5pct_fpr": recall_at_fpr(fault[judged], score[judged], RANKED_FPR),
            "recall": rows.recall,
            "precision": rows.precision,
            "f1": rows.f1,
            "accuracy": rows.accuracy,
            "balanced_accuracy": rows.balanced_accuracy,
        }
    found |= _events(cases, flag, kinds)
    return {name: figure for name, figure in found.items() if math.isfinite(figure)}


def spans_of(times_s: Floats, kinds: Names, events: Names, wanted: Sequence[str]) -> tuple[Span, ...]:
    """Stretches of one event and kind as spans that end with the next row.

    Args:
        times_s: of one node, in order.
        kinds: of its rows.
        events: of its rows.
        wanted: which kinds.
    """
    step = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 1.0
    names, number = np.unique(
        [f"{k}\x00{e}" for k, e in zip(kinds, events, strict=True)], return_inverse=True
    )
    of_kind = np.isin(kinds, wanted)
    return tuple(
        Span(float(times_s[begin]), float(times_s[end - 1]) + step, str(events[begin]))
        for name in range(len(names))
        for begin, end in runs((number == name) & of_kind)
    )


def _rate(flags: NDArray[np.bool_]) -> float:
    return share_above(flags, 0) if flags.size else 0.0


def _events(cases: Sequence[ReliabilityCase], flag: NDArray[np.bool_], kinds: Names) -> dict[str, float]:
    """Event recall and delay over all nodes, and false episodes an hour of node time."""
    delays: list[float | None] = []
    false, watched_h = 0.0, 0.0
    for rows in _rows_by_node(cases).values():
        times = np.array([cases[row].time_s for row in rows])
        events = np.array([cases[row].outcomes[FINE].event for row in rows], dtype=np.str_)
        own = kinds[rows]
        alarms = debounced(flag[rows], DEBOUNCE)
        delays += event_recall(spans_of(times, own, events, ("fault",)), alarms, times).delays_s
        excused = spans_of(times, own, events, ("fault", "recovery", "unknown"))
        outside = float(np.isin(own, ("quiet", "benign")).sum())
        if outside and len(times) > 1:
            step = float(np.median(np.diff(times)))
            hours = outside * step / 3600
            false += false_episodes_per_hour(episodes(alarms, times), excused, times, step_s=step) * hours
            watched_h += hours
    known = [delay for delay in delays if delay is not None]
    return {
        "event_recall": len(known) / len(delays) if delays else math.nan,
        "median_delay_s": float(np.median(known)) if known else math.nan,
        "worst_delay_s": max(known, default=math.nan),
        "false_episodes_per_hour": false / watched_h if watched_h else math.nan,
    }


def _rows_by_node(cases: Sequence[ReliabilityCase]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, case in enumerate(cases):
        rows.setdefault(case.context.node, []).append(row)
    return {node: sorted(members, key=lambda row: cases[row].time_s) for node, members in rows.items()}
