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
_JUMP, _JUMP_STEPS = 50.0, 5
_STALLED_STEPS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A history as numbers.

    Attributes:
        values: throughputs plus ``floor``, Mbit/s, oldest first, without the steps that were not measured;
            shape ``(n,)``. Where the application limited them, the link's last known capacity stands in, or
            what was measured if that is more.
        floor: a hundredth of the window's mean: keeps logarithms of stalls finite.
        missing: steps without a measurement since the last one.
        limited: whether every step was limited by the application: then nothing is known but a lower bound.
        jumped: whether the latest step is fifty times every other of the last five, or a fiftieth.
        stalled: whether the link has just stopped delivering, after it had delivered.
    """

    values: Floats
    floor: float
    missing: int = 0
    limited: bool = False
    jumped: bool = False
    stalled: bool = False

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
    floor = max(_LEAST_FLOOR, _FLOOR_SHARE * math.fsum(carried) / len(carried))
    values = np.asarray(carried) + floor
    return Series(
        values,
        floor,
        missing,
        limited=all(step.app_limited for step in steps if usable(step) is not None),
        jumped=_jumped(carried[-_JUMP_STEPS:-1], carried[-1]),
        stalled=carried[-1] == 0 and any(carried[-_STALLED_STEPS - 1 : -1]),
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


def _jumped(before: Sequence[float], latest: float) -> bool:
    least, most = min(before, default=latest), max(before, default=latest)
    return latest >= _JUMP * max(most, _LEAST_FLOOR) or least >= _JUMP * max(latest, _LEAST_FLOOR)
