"""Training rows from cases: every block at every depth of looking."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dwcp.codecs.facts import BlockFacts, ProbeDepth
from dwcp.evaluation.policy import Case
from dwcp.tasks.compression.contract import CANDIDATES, Action, Context, Outcome
from dwcp.tasks.compression.inputs import MEASURES, arrays

__all__ = ["Rows", "at_depth", "log_measures", "rows_of"]

_MIB = 1024 * 1024
_SMALLEST = 1e-6


@dataclass(frozen=True, slots=True)
class Rows:
    """Blocks as numbers; each block stands once for every depth.

    Attributes:
        facts: ``[rows, facts]``.
        speed: ``[rows, candidates]``, milliseconds per MiB where the row was measured; -1 where not known.
        depth: ``[rows]``, 0 to 3.
        targets: ``[rows, measures * candidates]`` logarithms; NaN where a candidate was not measured.
        family: what must not be split, ``[rows]``.
        flow: the file, ``[rows]``.
    """

    facts: NDArray[np.float32]
    speed: NDArray[np.float32]
    depth: NDArray[np.int64]
    targets: NDArray[np.float64]
    family: NDArray[np.str_]
    flow: NDArray[np.str_]

    def take(self, mask: NDArray[np.bool_]) -> "Rows":
        """The rows where the mask is true."""
        return Rows(
            self.facts[mask],
            self.speed[mask],
            self.depth[mask],
            self.targets[mask],
            self.family[mask],
            self.flow[mask],
        )


def rows_of(cases: Sequence[Case[Context, Action, Outcome]]) -> Rows:
    """Every case at every depth."""
    seen = [
        replace(case.context, facts=at_depth(case.context.facts, depth))
        for depth in ProbeDepth
        for case in cases
    ]
    fed = arrays(seen)
    targets = np.array([log_measures(case) for case in cases])
    return Rows(
        fed["facts"].astype(np.float32),
        fed["speed_ms_per_mib"].astype(np.float32),
        np.repeat(np.array([int(depth) for depth in ProbeDepth]), len(cases)),
        np.tile(targets, (len(ProbeDepth), 1)),
        np.tile(np.array([case.group for case in cases]), len(ProbeDepth)),
        np.tile(np.array([case.context.flow for case in cases]), len(ProbeDepth)),
    )


def at_depth(facts: BlockFacts, depth: ProbeDepth) -> BlockFacts:
    """The facts as a shallower look would have given them."""
    if depth >= ProbeDepth.DEEP:
        return facts
    medium = depth >= ProbeDepth.MEDIUM
    reference = facts.reference
    return replace(
        facts,
        lz4_light=facts.lz4_light if depth >= ProbeDepth.LIGHT else None,
        lz4=facts.lz4 if depth >= ProbeDepth.LIGHT else None,
        zstd_fast=facts.zstd_fast if medium else None,
        zstd_strong=None,
        zstd_whole=None,
        reference=reference if reference is None or medium else replace(reference, delta=None),
    )


def log_measures(case: Case[Context, Action, Outcome]) -> NDArray[np.float64]:
    """Logarithms of stored ratio and milliseconds per MiB of every candidate, measure by measure."""
    block_bytes = case.context.facts.block_bytes
    measures = np.full((len(MEASURES), len(CANDIDATES)), np.nan)
    for position, action in enumerate(CANDIDATES):
        if (outcome := case.outcomes.get(action)) is None:
            continue
        mib = block_bytes / _MIB
        decompress_ms = np.nan if outcome.decompress_ms is None else outcome.decompress_ms / mib
        measures[:, position] = outcome.stored_bytes / block_bytes, outcome.compress_ms / mib, decompress_ms
    return np.asarray(np.log(np.maximum(measures, _SMALLEST))).reshape(-1)
