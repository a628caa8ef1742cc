"""Simulated fleets of nodes: a shared load, faults with onset and recovery, and what only looks like one."""

from dwcp.simulate.nodes.episodes import BENIGN, FAULTS, Episode, Phase, schedule
from dwcp.simulate.nodes.fleet import SimulatedFleet, simulate_fleet
from dwcp.simulate.nodes.traits import Traits, draw_traits

__all__ = [
    "BENIGN",
    "FAULTS",
    "Episode",
    "Phase",
    "SimulatedFleet",
    "Traits",
    "draw_traits",
    "schedule",
    "simulate_fleet",
]
