"""Figures for predicted classes and scores: F1, balanced accuracy, ROC-AUC and PR-AUC."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dwcp.errors import InputError

__all__ = ["average_precision", "balanced_accuracy", "f1_per_class", "macro_f1", "roc_auc"]


def f1_per_class(truth: Sequence[Hashable], predicted: Sequence[Hashable]) -> dict[Hashable, float]:
    """F1 of every class that occurs in either, in order of appearance in truth, then in predicted.

    Raises:
        InputError: lengths differ or are zero.
    """
    _require_aligned(truth, predicted)
    hits = Counter(t for t, p in zip(truth, predicted, strict=True) if t == p)
    total = Counter(truth) + Counter(predicted)
    return {label: 2 * hits[label] / total[label] for label in dict.fromkeys([*truth, *predicted])}


def macro_f1(truth: Sequence[Hashable], predicted: Sequence[Hashable]) -> float:
    """Mean of the F1 of every class that occurs in either, each class counting the same.

    Raises:
        InputError: lengths differ or are zero.
    """
    return float(np.mean(list(f1_per_class(truth, predicted).values())))


def balanced_accuracy(truth: Sequence[Hashable], predicted: Sequence[Hashable]) -> float:
    """Mean recall over the classes that occur in truth.

    Raises:
        InputError: lengths differ or are zero.
    """
    _require_aligned(truth, predicted)
    hits = Counter(t for t, p in zip(truth, predicted, strict=True) if t == p)
    return float(np.mean([hits[label] / count for label, count in Counter(truth).items()]))


def roc_auc(truth: ArrayLike, scores: ArrayLike) -> float:
    """Chance that a positive scores above a negative, ties counting half (Mann-Whitney).

    Args:
        truth: booleans, shape ``(n,)``.
        scores: finite numbers, higher for the positive class, shape ``(n,)``.

    Raises:
        InputError: shapes differ, a score is not finite, or one of the classes is missing.
    """
    positive, score = _scored(truth, scores)
    positives = np.count_nonzero(positive)
    negatives = positive.size - positives
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(truth: ArrayLike, scores: ArrayLike) -> float:
    """Area under the precision-recall curve as average precision: steps, no interpolation.

    The trapezoid rule would flatter (Davis and Goadrich, 2006); equal scores are one threshold.

    Args:
        truth: booleans, shape ``(n,)``.
        scores: finite numbers, higher for the positive class, shape ``(n,)``.

    Raises:
        InputError: shapes differ, a score is not finite, or one of the classes is missing.
    """
    positive, score = _scored(truth, scores)
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(positive[order])
    last_of_threshold = np.append(np.flatnonzero(np.diff(score[order])), score.size - 1)
    found = hits[last_of_threshold]
    precision = found / (last_of_threshold + 1)
    recall = found / found[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def _require_aligned(truth: Sequence[Hashable], predicted: Sequence[Hashable]) -> None:
    if len(truth) != len(predicted) or not len(truth):
        raise InputError(
            f"true and predicted classes must be as many and at least one: {len(truth)}, {len(predicted)}"
        )


def _scored(truth: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    positive, score = np.asarray(truth, dtype=np.bool_), np.asarray(scores, dtype=np.float64)
    if positive.ndim != 1 or positive.shape != score.shape:
        raise InputError(f"labels and scores must be as many, not {positive.shape} and {score.shape}")
    if not np.isfinite(score).all():
        raise InputError("scores must be finite numbers")
    if positive.all() or not positive.any():
        raise InputError("the area under a curve needs rows of both classes; these hold one")
    return positive, score
