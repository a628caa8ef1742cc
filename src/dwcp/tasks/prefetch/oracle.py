"""What an outcome costs, and every outcome that a recorded decision could have had."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dwcp.tasks.prefetch.contract import MOST_BLOCKS, NOTHING, Action, Block, Context, Outcome

__all__ = ["WASTE_READS", "Outcomes", "cost_reads", "wanted"]

WASTE_READS = 1.5
"""What a useless fetch costs, in waits for a block: then a fetch pays from a probability of 60 % on."""


def cost_reads(context: Context, outcome: Outcome) -> float:
    """Blocks that had to be waited for, and what was fetched in vain, as many waits."""
    waits = len(set(wanted(context, outcome.accessed)).difference(outcome.fetched))
    return waits + WASTE_READS * (len(outcome.fetched) - outcome.used)


def wanted(context: Context, accessed: tuple[Block, ...]) -> tuple[Block, ...]:
    """What of the accesses was not read just before, each block once, in order."""
    return tuple(dict.fromkeys(block for block in accessed if block not in context.recent))


@dataclass(frozen=True, slots=True)
class Outcomes(Mapping[Action, Outcome]):
    """The outcome of any action at all; the cheapest action and that of doing nothing are the ones listed.

    Attributes:
        context: of the decision.
        accessed: what was read after it, in order.
    """

    context: Context
    accessed: tuple[Block, ...]

    def __getitem__(self, action: Action) -> Outcome:
        if not isinstance(action, Action):
            raise KeyError(action)
        return Outcome(self.accessed, action.blocks)

    def __iter__(self) -> Iterator[Action]:
        best = Action(wanted(self.context, self.accessed)[:MOST_BLOCKS])
        return iter(dict.fromkeys((best, NOTHING)))

    def __len__(self) -> int:
        return len(list(iter(self)))
