"""What was observed of the units, as arrays, in the order it became known.

The unit is the unit of analysis, as it is what was assigned: a unit's outcomes are averaged first. So one
that decides a thousand times counts as much as one that decides twice, and outcomes that resemble each
other, as they are one unit's, don't pass for independent ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dwcp.errors import InputError

__all__ = ["Exposure", "Observations", "Outcome", "UnitMeans", "observations_of"]


class Exposure(NamedTuple):
    """A unit met its arm for the first time."""

    when_s: float
    unit: str
    arm: str


class Outcome(NamedTuple):
    """What came of a unit, once."""

    when_s: float
    unit: str
    values: Mapping[str, float]


class UnitMeans(NamedTuple):
    """Units with a figure: the arm of each, as its place in the plan, and the mean of its outcomes."""

    arms: NDArray[np.intp]
    means: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Observations:
    """Outcomes of exposed units, oldest first.

    Attributes:
        arms: names, in the plan's order.
        exposed: units exposed to each arm, with an outcome or without.
        arm_of_unit: place of each unit's arm; shape ``(units,)``.
        unit: place of the unit of each outcome; shape ``(n,)``.
        when_s: of each outcome; shape ``(n,)``.
        values: of each metric, NaN where an outcome does not tell it; shape ``(n,)`` each.
        mixed: units that met two arms, left out: assignment was not sticky.
        unexposed: outcomes of units that had met no arm by then, left out.
    """

    arms: tuple[str, ...]
    exposed: Mapping[str, int]
    arm_of_unit: NDArray[np.intp]
    unit: NDArray[np.intp]
    when_s: NDArray[np.float64]
    values: Mapping[str, NDArray[np.float64]]
    mixed: int = 0
    unexposed: int = 0

    def __len__(self) -> int:
        """Outcomes."""
        return len(self.unit)

    def means_until(self, metric: str, count: int) -> UnitMeans:
        """The units' means over the first ``count`` outcomes, of those units that have one."""
        values, unit = self.values[metric][:count], self.unit[:count]
        told = ~np.isnan(values)
        width = len(self.arm_of_unit)
        counts = np.bincount(unit[told], minlength=width)
        sums = np.bincount(unit[told], weights=values[told], minlength=width)
        seen = counts > 0
        return UnitMeans(self.arm_of_unit[seen], sums[seen] / counts[seen])


def observations_of(
    arms: Sequence[str], metrics: Sequence[str], exposures: Iterable[Exposure], outcomes: Iterable[Outcome]
) -> Observations:
    """Join outcomes to the arms their units met.

    Args:
        arms: names, in the plan's order.
        metrics: names of the figures wanted.
        exposures: in any order; of a unit's several to one arm the first counts.
        outcomes: in any order.

    Raises:
        InputError: an exposure names an arm that there is not.
    """
    place = {name: number for number, name in enumerate(arms)}
    first: dict[str, Exposure] = {}
    mixed: set[str] = set()
    for exposure in sorted(exposures):
        if exposure.arm not in place:
            raise InputError(f"unit {exposure.unit} met arm {exposure.arm!r}; there are {', '.join(arms)}")
        if first.setdefault(exposure.unit, exposure).arm != exposure.arm:
            mixed.add(exposure.unit)
    units = {unit: number for number, unit in enumerate(unit for unit in first if unit not in mixed)}
    kept: list[Outcome] = []
    unexposed = 0
    for outcome in sorted(outcomes, key=lambda each: each.when_s):
        met = first.get(outcome.unit)
        if met is None or outcome.when_s < met.when_s:
            unexposed += 1
        elif outcome.unit in units:
            kept.append(outcome)
    exposed = dict.fromkeys(arms, 0)
    for unit in units:
        exposed[first[unit].arm] += 1
    return Observations(
        arms=tuple(arms),
        exposed=exposed,
        arm_of_unit=np.array([place[first[unit].arm] for unit in units], np.intp),
        unit=np.array([units[each.unit] for each in kept], np.intp),
        when_s=np.array([each.when_s for each in kept], np.float64),
        values={
            name: np.array([each.values.get(name, np.nan) for each in kept], np.float64) for name in metrics
        },
        mixed=len(mixed),
        unexposed=unexposed,
    )
