"""Figures of single rows, without point adjustment.

Point adjustment counts a whole event as found once any of its rows is, which lets random scores look good
(Kim et al., "Towards a rigorous evaluation of time-series anomaly detection", AAAI 2022). Nothing here does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dwcp.errors import InputError

__all__ = ["Pointwise", "pointwise", "recall_at_fpr", "share_above", "threshold_at_fpr"]


@dataclass(frozen=True, slots=True)
class Pointwise:
    """What flags were worth, row by row; NaN where there was no row to tell.

    Attributes:
        accuracy: share of rows that were flagged as labelled.
        balanced_accuracy: mean of recall and the share of quiet rows left alone.
        recall: share of labelled rows that were flagged.
        precision: share of flagged rows that were labelled.
        false_positive_rate: share of the other rows that were flagged.
        f1: harmonic mean of precision and recall; 0 where nothing was found.
    """

    accuracy: float
    balanced_accuracy: float
    recall: float
    precision: float
    false_positive_rate: float
    f1: float


def pointwise(labels: ArrayLike, flags: ArrayLike) -> Pointwise:
    """Hold flags against labels, both booleans of shape ``(n,)``.

    Raises:
        InputError: shapes differ, or there are no rows.
    """
    truth, flagged = np.asarray(labels, dtype=np.bool_), np.asarray(flags, dtype=np.bool_)
    if truth.ndim != 1 or truth.shape != flagged.shape or not truth.size:
        raise InputError(f"labels and flags must be as many, not {truth.shape} and {flagged.shape}")
    hits = int(np.count_nonzero(truth & flagged))
    recall, false_rate = share_above(flagged[truth], 0), share_above(flagged[~truth], 0)
    wrong = int(np.count_nonzero(flagged) + np.count_nonzero(truth))
    return Pointwise(
        accuracy=float(np.mean(truth == flagged)),
        balanced_accuracy=(recall + 1 - false_rate) / 2,
        recall=recall,
        precision=share_above(truth[flagged], 0),
        false_positive_rate=false_rate,
        f1=2 * hits / wrong if wrong else 0.0,
    )


def threshold_at_fpr(quiet_scores: ArrayLike, false_positive_rate: float) -> float:
    """The lowest of the given scores above which at most this share of them lies.

    Args:
        quiet_scores: scores of rows without an anomaly, shape ``(n,)``.
        false_positive_rate: 0 to 1.

    Raises:
        InputError: there are no scores, one is not finite, or the share is outside [0, 1].
    """
    scores = np.sort(np.asarray(quiet_scores, dtype=np.float64))
    if not scores.size or not np.isfinite(scores).all() or not 0 <= false_positive_rate <= 1:
        raise InputError("a threshold takes finite quiet scores and a rate from 0 to 1")
    allowed = int(np.floor(false_positive_rate * scores.size + 1e-9))
    return float(scores[max(scores.size - 1 - allowed, 0)])


def recall_at_fpr(labels: ArrayLike, scores: ArrayLike, false_positive_rate: float) -> float:
    """Share of labelled rows above the lowest threshold that keeps the rate on all other rows.

    Where one says which threshold was chosen on the judged rows, this figure is of ranking, not of alarms.

    Args:
        labels: booleans, shape ``(n,)``.
        scores: finite numbers, higher where something is wrong, shape ``(n,)``.
        false_positive_rate: 0 to 1.

    Raises:
        InputError: shapes differ, a class is missing, or a score is not finite.
    """
    truth, score = np.asarray(labels, dtype=np.bool_), np.asarray(scores, dtype=np.float64)
    if truth.shape != score.shape or not truth.any():
        raise InputError("a recall takes one score a label and at least one labelled row")
    return share_above(score[truth], threshold_at_fpr(score[~truth], false_positive_rate))


def share_above(scores: NDArray[np.generic], threshold: float) -> float:
    """Share of scores strictly above a threshold; NaN where there are none."""
    return float(np.mean(np.asarray(scores, dtype=np.float64) > threshold)) if scores.size else float("nan")
