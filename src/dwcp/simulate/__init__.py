"""Generators with documented physics: links, and blocks with the outcome of every codec."""

from dwcp.simulate.compression import (
    CANDIDATES,
    KINDS,
    BlockTable,
    CodecOutcome,
    ContentKind,
    Probe,
    SimulatedBlock,
    iterate_blocks,
    simulate_blocks,
)
from dwcp.simulate.links import (
    LINK_KINDS,
    LinkKind,
    LinkSimulator,
    LinkTrace,
    join_traces,
    simulate_link,
)

__all__ = [
    "CANDIDATES",
    "KINDS",
    "LINK_KINDS",
    "BlockTable",
    "CodecOutcome",
    "ContentKind",
    "LinkKind",
    "LinkSimulator",
    "LinkTrace",
    "Probe",
    "SimulatedBlock",
    "iterate_blocks",
    "join_traces",
    "simulate_blocks",
    "simulate_link",
]
