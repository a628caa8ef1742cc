"""What an episode does to a node: how it moves the drivers from which all metrics follow."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dwcp.simulate.nodes.episodes import Episode

__all__ = ["Drivers", "drive"]

Floats = NDArray[np.float64]

_EFFECTS: dict[str, dict[str, float]] = {
    "cascading_failure": {"load": 1.8, "capacity": -0.6, "refused": 0.2, "cpu": 0.3},
    "disk_stall": {"tail": 2.6, "median": 1.2, "disk": 0.9, "capacity": -0.4},
    "gc_pause": {"tail": 2.5, "median": 0.5, "cpu": 0.45, "memory": 0.15},
    "memory_leak": {"memory": 0.55, "tail": 1.6, "median": 0.4, "capacity": -0.3},
    "network_loss": {"loss": 0.2, "tail": 1.8, "refused": 0.15},
    "overload": {"load": 2.5, "cpu": 0.3},
    "crash": {"down": 1.0, "refused": 1.0},
    "deploy": {"cpu": 0.25, "tail": 0.35, "refused": 0.004, "memory": -0.1},
    "load_spike": {"load": 0.5},
    "backup_io": {"disk": 0.55, "tail": 0.2, "cpu": 0.05},
}
"""At a strength of 1. Logarithms for median and tail, shares for all others; load is relative."""


@dataclass(frozen=True, slots=True)
class Drivers:
    """What moves a node's metrics, each of shape ``(steps, nodes)``; all 0 when all is well.

    Attributes:
        load: more load, as a share of the usual.
        capacity: change of the capacity, as a share of it.
        median: rise of the logarithm of the median latency.
        tail: further rise of that of the tail.
        loss: more packets lost.
        refused: connections refused.
        cpu: more of the cores in use.
        memory: more of the memory in use.
        disk: more of the disk in use.
        down: from a half on, nothing answers and nothing is measured.
    """

    load: Floats
    capacity: Floats
    median: Floats
    tail: Floats
    loss: Floats
    refused: Floats
    cpu: Floats
    memory: Floats
    disk: Floats
    down: Floats


def drive(episodes: Sequence[Episode], steps: int, nodes: int) -> Drivers:
    """Drivers of all episodes together."""
    drivers = Drivers(*(np.zeros((steps, nodes)) for _ in Drivers.__dataclass_fields__))
    for episode in episodes:
        strength = episode.strength(steps)
        for name, effect in _EFFECTS[episode.kind].items():
            # A crash is whole or not at all; it only lasts as long as it is strong.
            getattr(drivers, name)[:, episode.node] += (
                (strength > 0) * effect if episode.kind == "crash" else strength * effect
            )
    return drivers
