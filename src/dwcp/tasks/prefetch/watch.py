"""A policy beside a cache: ask after every read, fetch what it says, tell it what came."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from dwcp.evaluation.cache import CacheCounts, LruCache
from dwcp.evaluation.policy import Policy
from dwcp.simulate.access import Read
from dwcp.tasks.prefetch.contract import HISTORY, MOST_BLOCKS, Action, Block, Context, Outcome

__all__ = ["Watch", "context_after", "watch"]

PrefetchPolicy = Policy[Context, Action, Outcome]


@dataclass(frozen=True, slots=True)
class Watch:
    """What a cache made of reads, stretch by stretch.

    Attributes:
        stretches: counts of each stretch of time, in order.
        spoke: decisions that named a block, out of those in the stretches.
        decisions: how many those are.
        decide_us: microseconds of each of those decisions; empty where no clock was given.
    """

    stretches: tuple[CacheCounts, ...]
    spoke: int
    decisions: int
    decide_us: tuple[float, ...]


def context_after(reads: Sequence[Read], position: int, cache_blocks: int) -> Context:
    """What is known right after the read at this position."""
    read = reads[position]
    recent = tuple(earlier.block for earlier in reads[max(0, position + 1 - HISTORY) : position + 1])
    return Context(recent, read.parent, read.child_position, read.next_children[:MOST_BLOCKS], cache_blocks)


def watch(
    reads: Sequence[Read],
    policy: PrefetchPolicy,
    cache: LruCache[Block],
    cache_blocks: int,
    edges: Sequence[int],
    clock: Callable[[], int] | None = None,
) -> Watch:
    """Go through all reads in order; judge from the first edge on.

    The policy is asked after each read, what it names is fetched at once, and at the next read it is told
    that one block. So it learns from the past alone.

    Args:
        reads: in order of time.
        policy: asked and told; learns from the first read on.
        cache: empty.
        cache_blocks: how many blocks the cache holds; contexts tell it.
        edges: where stretches begin, ascending, with the end of the last one.
        clock: nanoseconds, to time decisions.
    """
    rng = Random(0)
    marks = set(edges)
    counts: list[CacheCounts] = []
    taken_us: list[float] = []
    spoke = decisions = 0
    context = action = None
    for position, read in enumerate(reads):
        if position in marks:
            counts.append(cache.counts())
        if context is not None and action is not None:
            policy.observe(context, action, Outcome((read.block,), action.blocks), float(position))
        cache.access(read.block)
        context = context_after(reads, position, cache_blocks)
        started_ns = clock() if clock else 0
        action = policy.decide(context, float(position), rng).action
        if counts:
            decisions += 1
            spoke += bool(action.blocks)
            if clock:
                taken_us.append((clock() - started_ns) / 1e3)
        for block in action.blocks:
            cache.prefetch(block)
    if len(reads) in marks:
        counts.append(cache.counts())
    stretches = tuple(later - earlier for earlier, later in pairwise(counts))
    return Watch(stretches, spoke, decisions, tuple(taken_us))
