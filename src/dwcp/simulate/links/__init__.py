"""Links with time structure: capacity, cross traffic, regimes, queues and loss."""

from dwcp.simulate.links.optimum import Optimum, simulate_with_optimum
from dwcp.simulate.links.profiles import LINK_KINDS, LinkKind
from dwcp.simulate.links.simulator import LinkSimulator, simulate_link
from dwcp.simulate.links.trace import LinkTrace, join_traces

__all__ = [
    "LINK_KINDS",
    "LinkKind",
    "LinkSimulator",
    "LinkTrace",
    "Optimum",
    "join_traces",
    "simulate_link",
    "simulate_with_optimum",
]
