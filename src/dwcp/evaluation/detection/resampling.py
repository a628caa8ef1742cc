"""Intervals by event: whole events with the quiet around them are drawn again, never single rows.

Rows of one event resemble each other; so do those of the quiet between two. `by_event` gives every row to the
event that is nearest in time, which makes each event, with its share of the quiet, one group of the cluster
bootstrap. Ratios (recall, rates) have `dwcp.evaluation.ratio_interval`; `resampled_interval` is for figures
that are no ratio of sums, such as an area under a curve.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dwcp.errors import InputError
from dwcp.evaluation.detection.spans import Span, require_times
from dwcp.evaluation.intervals import Bootstrap, Interval

__all__ = ["by_event", "resampled_interval"]

_LEAST_GROUPS = 2


def by_event(events: Sequence[Span], times_s: ArrayLike, series: str = "") -> list[str]:
    """The group of each row: the name of the series and the number of the event nearest in time.

    Args:
        events: of this series, in any order; without any, all rows are one group.
        times_s: moments in order, shape ``(n,)``.
        series: told apart from the events of another series by this name.

    Raises:
        InputError: the moments are not in order.
    """
    times = require_times(times_s)
    ordered = sorted(events, key=lambda event: (event.begin_s, event.end_s))
    cuts = [(one.end_s + other.begin_s) / 2 for one, other in pairwise(ordered)]
    return [f"{series}#{number}" for number in np.searchsorted(np.maximum.accumulate(cuts), times)]


def resampled_interval(
    statistic: Callable[[NDArray[np.int64]], float], groups: Sequence[str], bootstrap: Bootstrap
) -> Interval:
    """Percentile interval of any figure of rows, over groups drawn with replacement.

    Args:
        statistic: takes row numbers, repeated where a group was drawn twice; NaN or `InputError` where those
            rows have no such figure (one class alone), which drops the draw.
        groups: the group of each row.
        bootstrap: seed, resamples and level; the method is always that of percentiles, since a statistic is
            too dear to leave each group out in turn.

    Raises:
        InputError: there are no rows, or the figure cannot be had of all of them.
    """
    if not groups:
        raise InputError("an interval takes at least one row")
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(place == number) for number in range(len(names))]
    estimate = float(statistic(np.arange(len(groups))))
    if len(names) < _LEAST_GROUPS:
        return Interval(estimate, -np.inf, np.inf, bootstrap.level)
    rng = np.random.default_rng(bootstrap.seed)
    drawn = [
        _figure(
            statistic, np.concatenate([members[one] for one in rng.integers(len(names), size=len(names))])
        )
        for _ in range(bootstrap.resamples)
    ]
    known = np.array([figure for figure in drawn if np.isfinite(figure)])
    if not known.size:
        return Interval(estimate, -np.inf, np.inf, bootstrap.level)
    low, high = np.quantile(known, [(1 - bootstrap.level) / 2, (1 + bootstrap.level) / 2])
    return Interval(estimate, float(low), float(high), bootstrap.level)


def _figure(statistic: Callable[[NDArray[np.int64]], float], rows: NDArray[np.int64]) -> float:
    try:
        return float(statistic(rows))
    except InputError:
        return float("nan")
