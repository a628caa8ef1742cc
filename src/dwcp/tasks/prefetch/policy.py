"""The policy that ships: cheap predictors, of which those speak that were right of late.

It learns while it serves, from nothing but the reads before the decision. `Recall` and `Followers` look at
the reads that a plain cache would miss, another `Followers` and, where blocks have places, `Streams` at all
of them; the children that a node still has are named as well. Whatever is named is waited for, fetched or
not, and so the precision of every predictor is known, by how sure it is. A block is fetched if the precision
of a ground that names it, less its standard error, is enough.
"""

from collections import OrderedDict
from random import Random
from typing import Any, cast

from dwcp.evaluation.policy import Decision, State
from dwcp.tasks.prefetch.candidate import Candidate
from dwcp.tasks.prefetch.contract import MOST_BLOCKS, NOTHING, Action, Block, Context, Outcome
from dwcp.tasks.prefetch.evidence import Evidence
from dwcp.tasks.prefetch.followers import Followers
from dwcp.tasks.prefetch.recall import Recall
from dwcp.tasks.prefetch.shadow import Expected, Shadow
from dwcp.tasks.prefetch.streams import Streams

__all__ = ["LEAST_PRECISION", "HybridPolicy"]

LEAST_PRECISION = 0.6
"""A ground speaks from this precision on."""

_FOLLOWING = 3
_TABLES = ("recall", "followers", "successors", "streams", "shadow", "expected", "evidence")
_USUAL_CACHE_BLOCKS, _MOST_CACHE_BLOCKS = 1024, 1 << 16
_MOST_LATEST = 64
_MOST_BITS = 5


class HybridPolicy:
    """Fetches what trusted predictors name; nothing when there are none.

    Args:
        name: for tables.
        least_precision: what the precision of a ground must be for a block to be fetched.
        capacity: how many blocks and reads each predictor remembers at most.
    """

    def __init__(
        self, name: str = "hybrid", least_precision: float = LEAST_PRECISION, capacity: int = 1 << 16
    ) -> None:
        self.name = name
        self._least_precision = least_precision
        self._recall = Recall(capacity)
        self._followers = Followers(_FOLLOWING, capacity)
        self._successors = Followers(1, capacity)
        self._streams = Streams()
        self._shadow = Shadow()
        self._expected = Expected()
        self._evidence = Evidence()
        self._reads = 0
        self._latest: OrderedDict[Block, list[Candidate]] = OrderedDict()
        """What the predictors named after each of the last few blocks that were read."""

    def __len__(self) -> int:
        """How many entries all tables hold."""
        return sum(len(getattr(self, f"_{name}")) for name in _TABLES)

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:  # noqa: ARG002
        """The blocks of the best grounds; changes nothing."""
        worth: dict[Block, float] = {}
        for block, ground in self._candidates(context):
            precision = self._evidence.precision(ground)
            if precision >= self._least_precision and precision > worth.get(block, 0.0):
                worth[block] = precision
        if not worth:
            return Decision(NOTHING)
        chosen = sorted(worth, key=worth.__getitem__, reverse=True)[:MOST_BLOCKS]
        return Decision(Action(tuple(chosen)), worth[chosen[-1]])

    def observe(self, context: Context, action: Action, outcome: Outcome, now: float) -> None:  # noqa: ARG002
        """Hold what was named against the next read, and learn from it."""
        block = outcome.accessed[0]
        for candidate in self._candidates(context):
            self._expected.add(candidate, self._reads)
        self._reads += 1
        capacity = min(context.cache_blocks or _USUAL_CACHE_BLOCKS, _MOST_CACHE_BLOCKS)
        missed = self._shadow.read(block, self._reads, capacity)
        self._expected.resolve(block, self._reads, self._shadow.oldest_read, self._evidence)
        self._latest.pop(block, None)
        self._latest[block] = self._learn(block, missed)
        if len(self._latest) > _MOST_LATEST:
            self._latest.popitem(last=False)

    def snapshot(self) -> State:
        """Everything that was learned."""
        return {
            "reads": self._reads,
            **{name: getattr(self, f"_{name}").snapshot() for name in _TABLES},
            "latest": [(block, [list(named) for named in found]) for block, found in self._latest.items()],
        }

    def restore(self, state: State) -> None:
        """Continue from a snapshot."""
        known = cast("dict[str, Any]", state)
        self._reads = known["reads"]
        for name in _TABLES:
            getattr(self, f"_{name}").restore(known[name])
        self._latest = OrderedDict(
            (block, [Candidate(named, tuple(ground)) for named, ground in found])
            for block, found in known["latest"]
        )

    def _candidates(self, context: Context) -> list[Candidate]:
        """What the predictors name now, without what a cache holds anyway."""
        newest = context.recent[-1] if context.recent else None
        found = [] if newest is None else self._latest.get(newest, [])
        children = [
            Candidate(child, ("child", 0, 0, depth))
            for depth, child in enumerate(context.next_children[:MOST_BLOCKS], 1)
        ]
        return [candidate for candidate in (*children, *found) if candidate.block not in self._shadow]

    def _learn(self, block: Block, missed: bool) -> list[Candidate]:
        found = self._streams.learn(block) if isinstance(block, int) else []
        found += _followed(self._successors, block, "next")
        if missed:
            found = self._recall.learn(block) + _followed(self._followers, block, "follow") + found
        return found


def _followed(followers: Followers, block: Block, name: str) -> list[Candidate]:
    """What came after this block before, with how often it came, and the share of times."""
    times, after = followers.of(block)
    followers.learn(block)
    seen = min((times + 1).bit_length(), _MOST_BITS)
    return [
        Candidate(
            follower,
            (name, seen, min(count.bit_length(), _MOST_BITS), min(8 * count // (times + 1), 8)),
        )
        for follower, count in after[:MOST_BLOCKS]
    ]
