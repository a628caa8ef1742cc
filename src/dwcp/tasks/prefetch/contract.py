"""Context, action and outcome of a prefetch decision. Standard library only."""

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["HISTORY", "MOST_BLOCKS", "NOTHING", "Action", "Block", "Context", "Outcome"]

Block: TypeAlias = int | str
"""A block's id: a number where blocks with neighbouring numbers lie beside each other, else a name.

A store's blocks have names (the hexadecimal digits of a hash). Numbers that were given in the order in which
blocks were first read must be handed over as names: the neighbour of such a number is the future.
"""

HISTORY = 10
"""How many accesses a context holds at most."""

MOST_BLOCKS = 5
"""How many blocks an action holds at most."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known right after an access.

    Attributes:
        recent: the last accesses, the newest last; `HISTORY` at most.
        parent: the node through which the newest was reached; None where not known.
        child_position: which child of it the newest is, from 0; None where not known.
        next_children: the children of the parent that come after the newest, in order, as far as known.
        cache_blocks: how many blocks the cache holds; 0 where not known.
    """

    recent: tuple[Block, ...]
    parent: Block | None = None
    child_position: int | None = None
    next_children: tuple[Block, ...] = ()
    cache_blocks: int = 0

    def admissible(self, action: "Action") -> bool:
        """Whether the action names no block twice, and not too many."""
        return len(action.blocks) <= MOST_BLOCKS and len(set(action.blocks)) == len(action.blocks)


@dataclass(frozen=True, slots=True)
class Action:
    """What to fetch before anybody asks for it.

    Attributes:
        blocks: likeliest first; empty to fetch nothing.
    """

    blocks: tuple[Block, ...] = ()


NOTHING = Action()
"""The action of somebody who does not know."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an action.

    Policies learn from the first access alone, which is all that a live caller knows; the others are there
    for judging recorded decisions.

    Attributes:
        accessed: what was read after the decision, in order; one block or more.
        fetched: the action's blocks.
    """

    accessed: tuple[Block, ...]
    fetched: tuple[Block, ...] = ()

    @property
    def used(self) -> int:
        """How many of the fetched blocks were read."""
        return len(set(self.fetched).intersection(self.accessed))
