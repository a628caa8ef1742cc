"""Codec outcomes of simulated blocks: correlated, and driven by what the blocks are made of."""

from dwcp.simulate.compression.blocks import BlockTable, CodecOutcome, Probe, SimulatedBlock
from dwcp.simulate.compression.codecs import CANDIDATES
from dwcp.simulate.compression.contents import KINDS, ContentKind, Latents
from dwcp.simulate.compression.generate import iterate_blocks, simulate_blocks

__all__ = [
    "CANDIDATES",
    "KINDS",
    "BlockTable",
    "CodecOutcome",
    "ContentKind",
    "Latents",
    "Probe",
    "SimulatedBlock",
    "iterate_blocks",
    "simulate_blocks",
]
