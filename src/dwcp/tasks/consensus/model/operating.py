"""The operating point: scores of rows that their trees never saw, and the threshold taken from those."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from dwcp.task import TrainingOptions
from dwcp.tasks.consensus.figures import events_told
from dwcp.tasks.consensus.model.boosting import boost, margins
from dwcp.tasks.consensus.model.rows import Rows
from dwcp.tasks.consensus.quiet import TARGET_FPR, conformal_threshold
from dwcp.tasks.consensus.rules import HOLD, flagged

__all__ = ["MOST_FALSE_PER_HOUR", "MOST_FPR", "Point", "operating_point", "out_of_fold"]

MOST_FALSE_PER_HOUR = 1.0
"""False episodes an hour that the learned part may add to those of the hard rules."""

MOST_FPR = 0.05
"""Share of other seconds that may be flagged: an alarm that never ends is one episode alone."""

_FOLDS = 4
_WHOLE_GROUPS = 8
_CANDIDATES = 60
_MOST_FLAGGED, _LEAST_FLAGGED = 0.1, 0.0003

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Point:
    """What a threshold comes to, hard rules included.

    Attributes:
        threshold: the margin that flags.
        event_recall: share of visible faults that raised an alarm.
        false_per_hour: alarms outside faults and recoveries.
        accuracy: share of seconds flagged as labelled.
        fpr: share of quiet and benign seconds flagged.
    """

    threshold: float
    event_recall: float
    false_per_hour: float
    accuracy: float
    fpr: float


def out_of_fold(rows: Rows, options: TrainingOptions) -> Floats:
    """Log odds of each row by trees that did not see its part, shape ``(n,)``.

    Parts are whole groups where there are many, else quarters of each group's time.
    """
    fold, table = _folds(rows), rows.seen.table.numpy()
    found = np.zeros(len(fold))
    for part in np.unique(fold):
        given, own = rows.taught & (fold != part), fold == part
        trees = boost(table[given], rows.injected[given], options, weight=rows.weight[given])
        found[own] = margins(trees, table[own]).mean(axis=1)
    return found


def operating_point(margin: Floats, rows: Rows) -> tuple[float, list[dict[str, float]]]:
    """The threshold that finds most faults at few false alarms, and the curve of what may be had.

    Of the thresholds that flag at most `MOST_FPR` of other seconds and add at most `MOST_FALSE_PER_HOUR` to
    what the hard rules alone raise, the one that finds most visible faults; of equals the one that flags most
    seconds as labelled. Where none does, the one whose held level is the split-conformal threshold.

    Args:
        margin: of each row, by a model that did not see it.
        rows: labelled.
    """
    calm = margin[np.isin(rows.kinds, ("quiet", "benign"))]
    conformal = conformal_threshold(calm, TARGET_FPR)
    tried = np.unique(
        [*np.quantile(calm, 1 - np.geomspace(_MOST_FLAGGED, _LEAST_FLAGGED, _CANDIDATES)), conformal]
    )
    points = [_point(margin, rows, float(threshold)) for threshold in tried]
    curve = [point for point in points if point.fpr <= MOST_FPR]
    allowed = _point(margin, rows, np.inf).false_per_hour + MOST_FALSE_PER_HOUR
    fit = [point for point in curve if point.false_per_hour <= allowed]
    best = max(fit, key=lambda point: (point.event_recall, point.accuracy), default=None)
    return best.threshold if best else conformal + HOLD, [asdict(point) for point in _worth_it(curve)]


def _point(margin: Floats, rows: Rows, threshold: float) -> Point:
    flag = np.zeros(len(margin), dtype=np.bool_)
    delays: list[float | None] = []
    false, watched_s = 0, 0
    for group in np.unique(rows.groups):
        own = np.flatnonzero(rows.groups == group)
        flag[own] = flagged(margin[own], rows.broken[own], threshold)
        told = events_told(rows.times_s[own], rows.kinds[own], rows.events[own], flag[own])
        delays += told.delays_s
        false, watched_s = false + len(told.false), watched_s + told.watched_s
    missed = sum(delay is None for delay in delays)
    right = (flag == rows.faults)[rows.judged]
    return Point(
        threshold,
        1.0 - missed / max(len(delays), 1),
        3600.0 * false / max(watched_s, 1),
        float(right.mean()),
        float(flag[np.isin(rows.kinds, ("quiet", "benign"))].mean()),
    )


def _worth_it(curve: Sequence[Point]) -> list[Point]:
    """From the fewest false alarms on, each point that finds more than all before it."""
    kept: list[Point] = []
    for point in sorted(
        curve, key=lambda point: (point.false_per_hour, -point.event_recall, -point.accuracy)
    ):
        if not kept or point.event_recall > kept[-1].event_recall:
            kept.append(point)
    return kept


def _folds(rows: Rows) -> NDArray[np.int64]:
    groups, number = np.unique(rows.groups, return_inverse=True)
    if len(groups) >= _WHOLE_GROUPS:
        return np.asarray(number % _FOLDS)
    fold = np.zeros(len(number), np.int64)
    for group in range(len(groups)):
        own = np.flatnonzero(number == group)
        fold[own] = np.arange(len(own)) * _FOLDS // len(own)
    return fold
