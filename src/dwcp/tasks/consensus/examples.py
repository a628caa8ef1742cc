"""Simulated groups as decisions to make."""

from typing import cast

import numpy as np

from dwcp.simulate.consensus import SimulatedGroup, simulate_group
from dwcp.tasks.consensus.contract import MEASURES, Kind, Step
from dwcp.tasks.consensus.series import ConsensusCase, Series, cases_of

__all__ = ["series_of_group", "simulated_cases"]

_LEAST_GROUPS, _GROUP_S = 5, 500
_QUIET_S = 48


def simulated_cases(count: int, seed: int) -> list[ConsensusCase]:
    """So many decisions, of several groups of nearly equal length; each begins after a quiet time."""
    groups = max(_LEAST_GROUPS, -(-count // _GROUP_S))
    cases: list[ConsensusCase] = []
    for number in range(groups):
        wanted = count * (number + 1) // groups - count * number // groups
        rng = np.random.default_rng([seed, number])
        made = simulate_group(wanted, _QUIET_S, rng)
        cases += list(cases_of(series_of_group(made, f"simulated-{number}")))[_QUIET_S:]
    return cases


def series_of_group(group: SimulatedGroup, name: str) -> Series:
    """A simulated group as if it had been recorded.

    Args:
        group: what was simulated.
        name: what to call it.
    """
    columns = [group.measures[measure].tolist() for measure in MEASURES if measure in group.measures]
    told = [measure for measure in MEASURES if measure in group.measures]
    steps = tuple(
        Step(**{name: value for name, value in zip(told, row, strict=True) if value == value})
        for row in zip(*columns, strict=True)
    )
    kinds = tuple(cast("Kind", str(kind)) for kind in group.kinds)
    times = tuple(float(second) for second in range(len(steps)))
    return Series(name, times, steps, kinds, tuple(str(event) for event in group.events))
