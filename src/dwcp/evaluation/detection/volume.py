"""VUS-PR: the volume under the precision-recall surface over buffer lengths.

Source: Paparrizos, Boniol, Palpanas, Tsay, Elmore, Franklin, "Volume Under the Surface: A New Accuracy
Evaluation Measure for Time-Series Anomaly Detection", PVLDB 15(11), 2774-2787, 2022, definitions 1 to 4, with
the conventions of its reference implementation (TheDatumOrg/VUS, ``RangeAUC_volume``): the buffer reaches
half its length to each side of an event, falls by ``sqrt(1 - distance / length)``, overlaps add up to 1 at
most; recall is held against the mean of the plain and the buffered label mass, is 1 at most, and is
multiplied by the share of events (merged where their buffers meet) that are touched at all; the area is a sum
of steps, as average precision is. That implementation looks at 250 thresholds; here every distinct score is
one, which is what those approach.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dwcp.errors import InputError
from dwcp.evaluation.detection.spans import runs

__all__ = ["buffered_labels", "range_pr_auc", "vus_pr"]

Floats = NDArray[np.float64]


def vus_pr(labels: ArrayLike, scores: ArrayLike, longest_buffer: int) -> float:
    """Mean of `range_pr_auc` over the buffer lengths 0 to ``longest_buffer``.

    Args:
        labels: booleans in order of time, shape ``(n,)``.
        scores: finite numbers, higher where something is wrong, shape ``(n,)``.
        longest_buffer: rows; the usual length of an event, or the period of the series.

    Raises:
        InputError: shapes differ, a score is not finite, a class is missing, or the length is negative.
    """
    if longest_buffer < 0:
        raise InputError(f"a buffer has a length of 0 rows or more, not {longest_buffer}")
    areas = [range_pr_auc(labels, scores, length) for length in range(longest_buffer + 1)]
    return float(np.mean(areas))


def range_pr_auc(labels: ArrayLike, scores: ArrayLike, buffer: int) -> float:
    """Area under the range-based precision-recall curve at one buffer length, in rows.

    Raises:
        InputError: shapes differ, a score is not finite, or a class is missing.
    """
    truth, score = np.asarray(labels, dtype=np.bool_), np.asarray(scores, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != score.shape or not np.isfinite(score).all():
        raise InputError("a volume takes one finite score a label")
    if truth.all() or not truth.any():
        raise InputError("the area under a curve needs rows of both classes; these hold one")
    weight = buffered_labels(truth, buffer)
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), score.size - 1)
    hits = np.cumsum(weight[order])[last]
    recall = np.minimum(hits / ((truth.sum() + weight.sum()) / 2), 1.0)
    recall *= _touched_share(weight, score, score[order][last])
    precision = hits / (last + 1)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def buffered_labels(labels: NDArray[np.bool_], buffer: int) -> Floats:
    """Labels that fall off over half a buffer on each side of an event, shape ``(n,)``, 0 to 1."""
    weight = labels.astype(np.float64)
    reach = np.arange(1, buffer // 2 + 1)
    fall = np.sqrt(1 - reach / max(buffer, 1))
    for begin, end in runs(labels):
        after = end - 1 + reach
        inside = after < labels.size
        weight[after[inside]] += fall[inside]
        before = begin - reach
        weight[before[before >= 0]] += fall[before >= 0]
    return np.minimum(weight, 1.0)


def _touched_share(weight: Floats, score: Floats, thresholds: Floats) -> Floats:
    """Share of buffered events with a row at or above each threshold; thresholds fall."""
    tops = np.sort([score[begin:end].max() for begin, end in runs(weight > 0)])
    return (tops.size - np.searchsorted(tops, thresholds)) / tops.size
