"""Judging detectors: rows, events, episodes and volumes, on scores as arrays and labels as intervals of time.

PR-AUC of rows is `dwcp.evaluation.average_precision`; nothing here adjusts points.
"""

from dwcp.evaluation.detection.episodes import Debounce, debounced, episodes
from dwcp.evaluation.detection.events import (
    EventRecall,
    event_recall,
    false_episodes,
    false_episodes_per_hour,
    rate_inside,
)
from dwcp.evaluation.detection.pointwise import (
    Pointwise,
    pointwise,
    recall_at_fpr,
    share_above,
    threshold_at_fpr,
)
from dwcp.evaluation.detection.resampling import by_event, resampled_interval
from dwcp.evaluation.detection.spans import Span, covered, require_times, runs, span_rows
from dwcp.evaluation.detection.volume import buffered_labels, range_pr_auc, vus_pr

__all__ = [
    "Debounce",
    "EventRecall",
    "Pointwise",
    "Span",
    "buffered_labels",
    "by_event",
    "covered",
    "debounced",
    "episodes",
    "event_recall",
    "false_episodes",
    "false_episodes_per_hour",
    "pointwise",
    "range_pr_auc",
    "rate_inside",
    "recall_at_fpr",
    "require_times",
    "resampled_interval",
    "runs",
    "share_above",
    "span_rows",
    "threshold_at_fpr",
    "vus_pr",
]
