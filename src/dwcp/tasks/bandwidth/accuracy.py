"""How forecasts did against what came: samples, figures over them, and a table of them."""

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from dwcp.evaluation.files import atomic_write
from dwcp.evaluation.regression import mean_absolute_error
from dwcp.tasks.bandwidth.contract import Regime

__all__ = ["Accuracy", "Sample", "accuracy_of", "write_samples"]

_CLOSE, _CLOSE_MBPS = 0.2, 0.01
"""A forecast that is off by at most this share of the truth is close, or by next to nothing."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A forecast of one step, and what came.

    Attributes:
        epoch_s: end of the step, seconds since 1970 UTC.
        path: the link.
        mode: the conditions it was made for.
        actual_mbps: what came.
        last_mbps: what the last value before it would have said; None where there was none.
        low_mbps: the forecast's 5% quantile.
        mid_mbps: its median.
        high_mbps: its 95% quantile.
        confidence: its probability of being within 20%.
        notes: why it was wider, with blanks in between.
    """

    epoch_s: float
    path: str
    mode: Regime
    actual_mbps: float
    last_mbps: float | None
    low_mbps: float
    mid_mbps: float
    high_mbps: float
    confidence: float
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Figures over some samples; None where there is no sample to reckon from.

    Attributes:
        samples: how many.
        within_20: share of medians within 20% of the truth, or 0.01 Mbit/s.
        mae_mbps: mean absolute error of the median.
        last_value_mae_mbps: that of the last value, on the samples that have one.
        skill: share of the last value's error that the forecast takes away, on those.
        coverage: share of truths inside the 90% interval.
        width_mbps: mean width of the interval.
    """

    samples: int
    within_20: float | None = None
    mae_mbps: float | None = None
    last_value_mae_mbps: float | None = None
    skill: float | None = None
    coverage: float | None = None
    width_mbps: float | None = None


def accuracy_of(samples: Sequence[Sample]) -> Accuracy:
    """The figures over some samples."""
    if not samples:
        return Accuracy(0)
    actual, low, mid, high = np.array(
        [(one.actual_mbps, one.low_mbps, one.mid_mbps, one.high_mbps) for one in samples]
    ).T
    last, skill = _against_last(samples)
    return Accuracy(
        samples=len(samples),
        within_20=float(np.mean(np.abs(mid - actual) <= np.maximum(_CLOSE * actual, _CLOSE_MBPS))),
        mae_mbps=mean_absolute_error(actual, mid),
        last_value_mae_mbps=last,
        skill=skill,
        coverage=float(np.mean((low <= actual) & (actual <= high))),
        width_mbps=float(np.mean(high - low)),
    )


def write_samples(samples: Sequence[Sample], file: Path) -> None:
    """Write samples as CSV with a header, whole or not at all.

    Raises:
        StorageError: the disk is full or the place may not be written.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow([column.name for column in fields(Sample)])
    table.writerows(astuple(sample) for sample in samples)
    atomic_write(file, text.getvalue().encode())


def _against_last(samples: Sequence[Sample]) -> tuple[float | None, float | None]:
    """Mean absolute error of the last value, and the skill against it."""
    rows = [(one.actual_mbps, one.mid_mbps, one.last_mbps) for one in samples if one.last_mbps is not None]
    if not rows:
        return None, None
    actual, mid, last = np.array(rows).T
    reference = mean_absolute_error(actual, last)
    return reference, 1 - mean_absolute_error(actual, mid) / reference if reference > 0 else None
