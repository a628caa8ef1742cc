"""Labels as intervals of time, and rows as moments within them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dwcp.errors import InputError

__all__ = ["Span", "covered", "require_times", "runs", "span_rows"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time: an incident, a benign event or an episode of alarms.

    Attributes:
        begin_s: the first moment.
        end_s: where it is over; a moment at the end is no longer inside.
        kind: what it is, e.g. the type of a fault; empty where that says nothing.
    """

    begin_s: float
    end_s: float
    kind: str = ""


def runs(marked: ArrayLike) -> NDArray[np.int64]:
    """Runs of true among booleans, as rows ``[begin, end)``, shape ``(runs, 2)``."""
    steps = np.diff(np.asarray(marked, dtype=np.int8), prepend=0, append=0)
    return np.stack([np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)], axis=1)


def covered(spans: Sequence[Span], times_s: ArrayLike) -> NDArray[np.bool_]:
    """Which moments lie in any of the spans, shape ``(n,)``.

    Raises:
        InputError: the moments are not in order.
    """
    times = require_times(times_s)
    inside = np.zeros(times.size, dtype=np.bool_)
    for span in spans:
        inside[span_rows(span, times)] = True
    return inside


def span_rows(span: Span, times_s: NDArray[np.float64]) -> slice:
    """The rows of ordered moments that lie in a span."""
    begin, end = np.searchsorted(times_s, [span.begin_s, span.end_s])
    return slice(int(begin), int(end))


def require_times(times_s: ArrayLike) -> NDArray[np.float64]:
    """Moments as an array, shape ``(n,)``.

    Raises:
        InputError: they are not finite or not in order.
    """
    times = np.asarray(times_s, dtype=np.float64)
    if times.ndim != 1 or not np.isfinite(times).all() or np.any(np.diff(times) < 0):
        raise InputError("times must be finite and in order; sort the rows of one series by time")
    return times
