from random import Random
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.errors import InputError
from dwcp.evaluation.cache import CacheCounts, LruCache

READS = st.lists(st.integers(0, 12), max_size=200)


class SlowCache:
    """The same by other means: a list of pairs, the most recent first."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.held: list[tuple[int, bool]] = []
        self.counts = CacheCounts()

    def access(self, block: int) -> None:
        self.counts.accesses += 1
        places = [place for place, (held, _) in enumerate(self.held) if held == block]
        if places:
            _, unread = self.held.pop(places[0])
            self.counts.hits += 1
            self.counts.prefetch_hits += unread
        self.held.insert(0, (block, False))
        self.trim()

    def prefetch(self, block: int) -> None:
        if all(held != block for held, _ in self.held):
            self.counts.fetched += 1
            self.held.insert(0, (block, True))
            self.trim()

    def trim(self) -> None:
        for _, unread in self.held[self.capacity :]:
            self.counts.dropped += unread
        del self.held[self.capacity :]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12)), max_size=200), st.integers(1, 10))
def test_it_counts_as_the_slow_one_does(steps: list[tuple[bool, int]], capacity: int) -> None:
    cache, slow = LruCache[int](capacity), SlowCache(capacity)
    for prefetched, block in steps:
        (cache.prefetch if prefetched else cache.access)(block)
        (slow.prefetch if prefetched else slow.access)(block)
        assert len(cache) <= capacity
    assert cache.counts() == slow.counts
    unread = sum(unread for _, unread in slow.held)
    assert slow.counts.fetched == slow.counts.prefetch_hits + slow.counts.dropped + unread


def stack_distances(reads: list[int]) -> list[float]:
    """How many different blocks were read since the last time, itself included; infinite for the first."""
    found = []
    for at, block in enumerate(reads):
        earlier = [place for place in range(at) if reads[place] == block]
        found.append(len(set(reads[earlier[-1] : at])) if earlier else np.inf)
    return found


@given(READS)
def test_hits_are_the_reads_within_the_stack_distance(reads: list[int]) -> None:
    distances = np.array(stack_distances(reads))
    for capacity in range(1, 14):
        cache = LruCache[int](capacity)
        for block in reads:
            cache.access(block)
        assert cache.counts().hits == int((distances <= capacity).sum())


def test_what_is_read_before_it_can_be_there_is_late() -> None:
    cache = LruCache[str](8, fetch_accesses=2)
    for prefetched in ("a", "b"):
        cache.prefetch(prefetched)
    for read in ("x", "a", "b", "b"):
        cache.access(read)
    assert cache.counts() == CacheCounts(4, 3, 2, 1, 2, 0)


def test_figures() -> None:
    counts = CacheCounts(accesses=10, hits=6, prefetch_hits=3, fetched=5, dropped=1)
    assert (counts.hit_rate, counts.precision, counts.coverage) == pytest.approx((0.6, 0.75, 3 / 7))
    nothing = CacheCounts()
    assert (nothing.hit_rate, nothing.precision, nothing.coverage) == (0.0, 1.0, 0.0)
    assert counts - CacheCounts(accesses=4, hits=1) == CacheCounts(6, 5, 3, 0, 5, 1)


def test_a_block_that_is_there_is_not_fetched_and_not_moved() -> None:
    cache = LruCache[str](2)
    cache.access("old")
    cache.access("new")
    assert not cache.prefetch("old")
    cache.access("newer")
    assert "old" not in cache


def test_no_room_at_all() -> None:
    with pytest.raises(InputError, match="one block or more"):
        LruCache(0)


def test_it_is_fast_enough_for_millions() -> None:
    rng = Random(1)
    reads = [int(rng.paretovariate(0.5)) % 50_000 for _ in range(100_000)]
    cache = LruCache[int](5_000)
    started = perf_counter()
    for block in reads:
        cache.access(block)
    assert perf_counter() - started < 2.0
