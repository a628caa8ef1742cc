"""Flags into episodes of alarm: a debounce, and runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dwcp.errors import InputError
from dwcp.evaluation.detection.spans import Span, require_times, runs

__all__ = ["Debounce", "debounced", "episodes"]


@dataclass(frozen=True, slots=True)
class Debounce:
    """An alarm stands while at least ``needed`` of the last ``of`` rows are flagged.

    Raises:
        InputError: ``needed`` is not between 1 and ``of``.
    """

    needed: int = 2
    of: int = 3

    def __post_init__(self) -> None:
        if not 1 <= self.needed <= self.of:
            raise InputError(f"a debounce takes 1 to n of n rows, not {self.needed} of {self.of}")

    def holds(self, latest_flags: Sequence[bool]) -> bool:
        """Whether the alarm stands after these flags, the newest last."""
        return sum(latest_flags[-self.of :]) >= self.needed


def debounced(flags: ArrayLike, debounce: Debounce) -> NDArray[np.bool_]:
    """Where the alarm stands, row by row, knowing only the rows so far; shape ``(n,)``."""
    counts = np.concatenate([[0], np.cumsum(np.asarray(flags, dtype=np.bool_))])
    rows = np.arange(1, counts.size)
    return np.asarray(counts[rows] - counts[np.maximum(rows - debounce.of, 0)] >= debounce.needed)


def episodes(flags: ArrayLike, times_s: ArrayLike, *, join_s: float = 0.0) -> tuple[Span, ...]:
    """Runs of flags as spans, each from its first flagged moment to the next unflagged one.

    Args:
        flags: booleans, shape ``(n,)``.
        times_s: moments in order, shape ``(n,)``; a last run ends with the last moment.
        join_s: runs that are no further apart than this are one episode.

    Raises:
        InputError: shapes differ, or the moments are not in order.
    """
    times, flagged = require_times(times_s), np.asarray(flags, dtype=np.bool_)
    if times.shape != flagged.shape:
        raise InputError(f"flags and times must be as many, not {flagged.shape} and {times.shape}")
    found: list[Span] = []
    for begin, end in runs(flagged):
        span = Span(float(times[begin]), float(times[min(end, times.size - 1)]))
        if found and span.begin_s - found[-1].end_s < join_s:
            span = Span(found.pop().begin_s, span.end_s)
        found.append(span)
    return tuple(found)
