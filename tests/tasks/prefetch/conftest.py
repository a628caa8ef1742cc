from collections.abc import Iterable
from random import Random

import pytest

from dwcp.evaluation.cache import CacheCounts, LruCache
from dwcp.evaluation.policy import Policy
from dwcp.simulate.access import Read
from dwcp.tasks.prefetch.contract import Action, Block, Context, Outcome
from dwcp.tasks.prefetch.watch import watch


class Judge:
    """Watches a policy over blocks, the last half of which count."""

    def __call__(
        self, blocks: Iterable[Block | Read], policy: Policy[Context, Action, Outcome], capacity: int
    ) -> CacheCounts:
        reads = [block if isinstance(block, Read) else Read(block) for block in blocks]
        edges = [len(reads) // 2, len(reads)]
        return watch(reads, policy, LruCache[Block](capacity), capacity, edges).stretches[0]


@pytest.fixture
def judged() -> Judge:
    return Judge()


@pytest.fixture
def rng() -> Random:
    return Random(1)
