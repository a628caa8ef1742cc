"""Simulated decisions: reads of made-up patterns, each with what was read after it."""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from dwcp.evaluation.policy import Case
from dwcp.simulate.access import (
    Read,
    cold_reads,
    drifting_popularity,
    grow_tree,
    interleaved_streams,
    partial_reads,
    repeated_builds,
    repeated_loop,
    restore,
)
from dwcp.tasks.prefetch.contract import HISTORY, Action, Context, Outcome
from dwcp.tasks.prefetch.oracle import Outcomes
from dwcp.tasks.prefetch.watch import context_after

__all__ = ["cases_of", "simulated_cases"]

PrefetchCase = Case[Context, Action, Outcome]

_FILES, _BUILDS = 40, 50
_LOOP_BLOCKS, _POPULAR_BLOCKS = 50, 400
_LEAST_TRACE = 10
_CACHE_PART = 20


def simulated_cases(count: int, seed: int) -> list[PrefetchCase]:
    """So many decisions, of several traces of equal length, one group each."""
    length = max(_LEAST_TRACE, -(-count // len(_PATTERNS)))
    cases: list[PrefetchCase] = []
    for number, name in enumerate(_PATTERNS):
        rng = np.random.default_rng([seed, number])
        reads = list(islice(_pattern(name, length + HISTORY, rng), length + HISTORY))
        cases += islice(cases_of(reads, name, max(1, length // _CACHE_PART)), min(length, count - len(cases)))
    return cases


def cases_of(reads: Sequence[Read], group: str, cache_blocks: int = 0) -> Iterator[PrefetchCase]:
    """One decision after each read but the last ten, which tell what came of those before."""
    for position in range(len(reads) - HISTORY):
        context = context_after(reads, position, cache_blocks)
        accessed = tuple(read.block for read in reads[position + 1 : position + 1 + HISTORY])
        yield Case(context, Outcomes(context, accessed), group, float(position))


_PATTERNS = ("restore", "loop", "streams", "popularity", "builds", "parts", "cold")


def _pattern(name: str, reads: int, rng: np.random.Generator) -> Iterator[Read]:
    match name:
        case "restore":
            return restore(grow_tree(reads, rng))
        case "loop":
            return repeated_loop(reads, _LOOP_BLOCKS, rng)
        case "streams":
            return interleaved_streams(reads, 4, 0.1, rng)
        case "popularity":
            return drifting_popularity(reads, _POPULAR_BLOCKS, 1.0, 0.01, rng)
        case "builds":
            return repeated_builds(grow_tree(_FILES, rng), max(_BUILDS, reads // _FILES), rng)
        case "parts":
            return partial_reads(grow_tree(_FILES, rng), reads, rng)
        case _:
            return cold_reads(reads, rng)
