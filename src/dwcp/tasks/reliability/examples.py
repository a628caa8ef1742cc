"""Simulated fleets as decisions to make."""

import numpy as np

from dwcp.simulate.nodes import simulate_fleet
from dwcp.tasks.reliability.contract import METRICS, STEPS
from dwcp.tasks.reliability.series import Fleet, ReliabilityCase, cases_of

__all__ = ["simulated_cases", "simulated_fleet"]

_LEAST_FLEETS, _FLEET_CASES = 6, 900


def simulated_cases(count: int, seed: int) -> list[ReliabilityCase]:
    """So many decisions, of several fleets of nearly equal size, one group each."""
    fleets = max(_LEAST_FLEETS, -(-count // _FLEET_CASES))
    cases: list[ReliabilityCase] = []
    for number in range(fleets):
        wanted = count * (number + 1) // fleets - count * number // fleets
        rng = np.random.default_rng([seed, number])
        nodes = int(rng.integers(3, 7)) if wanted > _FLEET_CASES // 2 else 3
        steps = -(-wanted // nodes)
        fleet = simulated_fleet(f"fleet-{number}", nodes, steps, rng)
        cases += list(cases_of(fleet, range(STEPS, STEPS + steps)))[:wanted]
    return cases


def simulated_fleet(name: str, nodes: int, steps: int, rng: np.random.Generator) -> Fleet:
    """A fleet of so many steps after a quiet beginning as long as a window."""
    made = simulate_fleet(nodes, steps, STEPS, rng)
    metrics = np.stack([made.metrics[metric] for metric in METRICS], axis=2)
    names = tuple(f"node-{place}" for place in range(nodes))
    return Fleet(name, names, made.times_s, metrics, made.kinds, made.events)
