"""What of a history can be reckoned with: the throughputs that say something about the link."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dwcp.tasks.bandwidth.contract import Context, Step

__all__ = ["MOST_MBPS", "STEPS", "Floats", "Series", "series_of", "usable"]

Floats = NDArray[np.float64]

MOST_MBPS = 1e7
"""Nothing carries more than 10 Tbit/s: more is a fault of the measurement, and taken as missing."""

STEPS = {"datacenter": 30, "internet": 60, "hybrid": 60, "unknown": 60}
"""Steps that are looked at, by regime."""

_FLOOR_SHARE, _LEAST_FLOOR = 0.01, 1e-6
_SILENT_MBPS = 10.0
"""The scale of a link that has not delivered yet: by how little such a forecast is wrong, none can say."""
_JUMP, _RECENT_STEPS = 30.0, 5


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A history as numbers.

    Attributes:
        values: throughputs plus ``floor``, Mbit/s, oldest first, without the steps that were not measured;
            shape ``(n,)``. Where the application limited them, the link's last known capacity stands in, or
            what was measured if that is more.
        floor: a hundredth of the window's mean, or of the lower level's after a jump: keeps logarithms of
            stalls finite. It shrinks with every step of a link that never delivered.
        missing: steps without a measurement since the last one.
        limited: whether every step was limited by the application: then nothing is known but a lower bound.
        jumped: whether one of the last steps began a level thirty times the one before it, or a thirtieth.
        stalled: whether the link has stopped delivering of late, or has not delivered yet.
        silent: measured steps at the end that delivered nothing.
        last_mbps: what it delivered before those; 0 where the window holds no such step.
        most_mbps: the most of the window.
    """

    values: Floats
    floor: float
    missing: int = 0
    limited: bool = False
    jumped: bool = False
    stalled: bool = False
    silent: int = 0
    last_mbps: float = 0.0
    most_mbps: float = 0.0

    @property
    def doubtful(self) -> bool:
        """Whether the latest steps are such that the past says little about the next."""
        return self.missing > 0 or self.limited or self.jumped or self.stalled


def usable(step: Step) -> float | None:
    """A step's throughput in Mbit/s; None where it was not measured, or cannot be true."""
    mbps = step.throughput_mbps
    if mbps is None or not 0.0 <= mbps <= MOST_MBPS:
        return None
    return mbps


def series_of(context: Context) -> Series:
    """The throughputs of a context's latest steps."""
    steps = context.steps[-STEPS[context.regime] :]
    carried, missing = _capacities(steps)
    if not carried:
        return Series(np.empty(0), _LEAST_FLOOR, missing, limited=False)
    since = _since_jump(carried)
    floor = _floor(carried, since)
    silent = next((back for back, mbps in enumerate(reversed(carried)) if mbps > 0), len(carried))
    return Series(
        np.asarray(carried) + floor,
        floor,
        missing,
        limited=all(step.app_limited for step in steps if usable(step) is not None),
        jumped=since > 0,
        stalled=0 < silent <= _RECENT_STEPS,
        silent=silent,
        last_mbps=carried[-silent - 1] if silent < len(carried) else 0.0,
        most_mbps=max(carried),
    )


def _capacities(steps: Sequence[Step]) -> tuple[list[float], int]:
    """Capacities as far as they are known, and how many steps lie behind the last measured one."""
    carried: list[float] = []
    missing, capacity = 0, 0.0
    for step in steps:
        mbps = usable(step)
        if mbps is None:
            missing += 1
            continue
        missing = 0
        capacity = max(capacity, mbps) if step.app_limited else mbps
        carried.append(capacity)
    return carried, missing


def _floor(carried: Sequence[float], since: int) -> float:
    """What is added to all of them, so that the smallest that counts can be told from nothing."""
    before, recent = carried[: len(carried) - since], carried[-_RECENT_STEPS:]
    mean = _mean(carried)
    if mean <= 0:
        return max(_LEAST_FLOOR, _SILENT_MBPS / len(carried))
    if since and 0 < _mean(before) < mean:
        mean = _mean(before)
    elif 0 < _JUMP * max(recent) <= mean:
        mean = _mean(recent)
    return max(_LEAST_FLOOR, _FLOOR_SHARE * mean)


def _since_jump(carried: Sequence[float]) -> int:
    """How many of the latest steps are of another level than those before; fewer than are looked at, or 0."""
    for since in range(1, min(_RECENT_STEPS, len(carried))):
        before, after = carried[max(0, len(carried) - since - _RECENT_STEPS + 1) : -since], carried[-since:]
        low, high = max(_LEAST_FLOOR, *before), max(_LEAST_FLOOR, *after)
        if min(after) >= _JUMP * low or min(before) >= _JUMP * high:
            return since
    return 0


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
