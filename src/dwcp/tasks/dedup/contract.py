"""Context, action and outcome of choosing a base for a block's delta. Standard library only."""

from dataclasses import dataclass
from itertools import islice

__all__ = [
    "FEATURES",
    "GRAMS",
    "MOST_CANDIDATES",
    "MOST_TRIALS",
    "NOTHING",
    "USELESS_SHARE",
    "Action",
    "Candidate",
    "Context",
    "Outcome",
    "promising",
]

FEATURES = 12
"""How many features of its 32-byte windows a block has."""
GRAMS = 16
"""How many features of its 8-byte windows a block has."""
MOST_CANDIDATES = 4
"""How many candidates a context holds at most."""
MOST_TRIALS = 2
"""How many deltas are tried for a block at most; the smaller one is taken."""
USELESS_SHARE = 0.9
"""A delta with this share, or more, of what the block takes by itself was not worth making."""
_LEAST = 2
"""Shared features of either kind from which on a delta is likely to pay."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A block that may serve as the base of a delta, with what speaks for it.

    Attributes:
        base: its id; it is whole, as far as is known.
        size_bytes: of its plaintext.
        shared_features: of the 32-byte windows, 0 to `FEATURES`.
        shared_grams: features of the 8-byte windows that are shared, 0 to `GRAMS`.
        is_direct: whether the likeness is to the base itself, and not to another delta against it.
        is_next: whether it came right behind what the block before this one is, or was like.
    """

    base: bytes
    size_bytes: int
    shared_features: int
    shared_grams: int
    is_direct: bool = True
    is_next: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What is known before one choice.

    Attributes:
        block_id: of the block.
        is_node: whether it is a node of the DAG rather than content.
        size_bytes: of its plaintext.
        alone_bytes: what it takes stored by itself.
        candidates: the likest first; `MOST_CANDIDATES` at most, and no base twice.
    """

    block_id: bytes
    is_node: bool
    size_bytes: int
    alone_bytes: int
    candidates: tuple[Candidate, ...] = ()

    def admissible(self, action: "Action") -> bool:
        """Whether the action names candidates alone, none twice, and not too many."""
        bases = {candidate.base for candidate in self.candidates}
        is_each_once = len(set(action.bases)) == len(action.bases)
        return len(action.bases) <= MOST_TRIALS and is_each_once and bases.issuperset(action.bases)


@dataclass(frozen=True, slots=True)
class Action:
    """What to try.

    Attributes:
        bases: ids of candidates, the most promising first, `MOST_TRIALS` at most; empty to store the block by
            itself.
    """

    bases: tuple[bytes, ...] = ()


NOTHING = Action()
"""The action of somebody who knows of no block that is alike."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an action.

    Attributes:
        alone_bytes: what the block takes stored by itself.
        delta_bytes: what the smallest delta that was tried takes; None where none was.
        tried: how many deltas were made.
        useless: how many of them were not worth making.
    """

    alone_bytes: int
    delta_bytes: int | None = None
    tried: int = 0
    useless: int = 0

    @property
    def stored_bytes(self) -> int:
        """What the block takes: the delta's bytes where that was worth making."""
        if self.delta_bytes is None or self.delta_bytes >= USELESS_SHARE * self.alone_bytes:
            return self.alone_bytes
        return self.delta_bytes


def promising(context: Context) -> Action:
    """The rule that needs no model: the first candidates that share enough."""
    enough = (
        candidate.base
        for candidate in context.candidates
        if max(candidate.shared_features, candidate.shared_grams) >= _LEAST
    )
    return Action(tuple(islice(enough, MOST_TRIALS)))
