"""A fleet's metrics over time as decisions to make."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from dwcp.evaluation.policy import Case
from dwcp.tasks.reliability.contract import METRICS, STEPS, Action, Context, Kind, Outcome, Sample
from dwcp.tasks.reliability.oracle import outcomes

__all__ = ["Fleet", "ReliabilityCase", "cases_of", "peer_medians"]

ReliabilityCase = Case[Context, Action, Outcome]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """Nodes that do alike, interval by interval.

    Attributes:
        name: the group of all its decisions.
        nodes: their names, ``n`` of them.
        times_s: ends of the intervals, in order, shape ``(t,)``.
        metrics: shape ``(t, n, metrics)``; NaN where not measured.
        kinds: what was going on at each node, shape ``(t, n)``; see `Kind`.
        events: names of events, shape ``(t, n)``; empty where there was none.
    """

    name: str
    nodes: tuple[str, ...]
    times_s: Floats
    metrics: Floats
    kinds: NDArray[np.str_]
    events: NDArray[np.str_]


def cases_of(fleet: Fleet, moments: Sequence[int] | None = None) -> Iterator[ReliabilityCase]:
    """One decision a node and interval, in order of time.

    Args:
        fleet: what was recorded.
        moments: which intervals; all of them when None. A window reaches back whichever they are.
    """
    own = _samples(fleet.metrics)
    peers = _samples(peer_medians(fleet.metrics)) if len(fleet.nodes) > 1 else [[] for _ in fleet.nodes]
    for moment in range(len(fleet.times_s)) if moments is None else moments:
        begin, end = max(0, moment + 1 - STEPS), moment + 1
        for place, node in enumerate(fleet.nodes):
            context = Context(
                f"{fleet.name}/{node}", tuple(own[place][begin:end]), tuple(peers[place][begin:end])
            )
            kind = cast("Kind", str(fleet.kinds[moment, place]))
            told = outcomes(kind, str(fleet.events[moment, place]))
            yield Case(context, told, fleet.name, float(fleet.times_s[moment]))


def peer_medians(metrics: Floats) -> Floats:
    """Each node's peers' medians: the median over all other nodes of what is known, ``(t, n, metrics)``."""
    nodes = metrics.shape[1]
    made = [_known_median(np.delete(metrics, place, axis=1)) for place in range(nodes)]
    return np.stack(made, axis=1)


def _known_median(metrics: Floats) -> Floats:
    """Median along axis 1, NaN left out; NaN where nothing is known."""
    ordered = np.sort(metrics, axis=1)
    count = np.isfinite(metrics).sum(axis=1)
    low, high = np.maximum(count - 1, 0) // 2, np.maximum(count, 1) // 2
    picked = [np.take_along_axis(ordered, place[:, None], axis=1)[:, 0] for place in (low, high)]
    return np.where(count > 0, (picked[0] + picked[1]) / 2, np.nan)


def _samples(metrics: Floats) -> list[list[Sample]]:
    """Samples by node and moment."""
    return [[_sample(row) for row in metrics[:, place].tolist()] for place in range(metrics.shape[1])]


def _sample(row: Sequence[float]) -> Sample:
    known = (value if value == value else None for value in row)
    return Sample(**dict(zip(METRICS, known, strict=True)))
