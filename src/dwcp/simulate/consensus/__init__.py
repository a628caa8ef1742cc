"""Simulated consensus groups: continuous state, faults with onset and recovery, and their look-alikes."""

from dwcp.simulate.consensus.episodes import BENIGN, FAULTS, Episode, schedule
from dwcp.simulate.consensus.group import SimulatedGroup, simulate_group
from dwcp.simulate.consensus.traits import PROTOCOLS, Traits, draw_traits

__all__ = [
    "BENIGN",
    "FAULTS",
    "PROTOCOLS",
    "Episode",
    "SimulatedGroup",
    "Traits",
    "draw_traits",
    "schedule",
    "simulate_group",
]
