"""The published model as a policy: a graph names the blocks likely next, and how likely."""

from collections import OrderedDict
from random import Random
from typing import cast

from dwcp.evaluation.policy import Decision, State
from dwcp.task import Graph
from dwcp.tasks.prefetch.contract import NOTHING, Action, Block, Context, Outcome
from dwcp.tasks.prefetch.inputs import arrays, number_of

__all__ = ["NetworkPolicy"]

_MOST_NAMES = 1 << 16


class NetworkPolicy:
    """Fetches what the graph names with enough probability.

    Hashes that the graph names are of use where the block behind them was read before; those names are kept,
    the one not read for longest is forgotten first.

    Args:
        graph: the trained graph.
        name: for tables.
        least_probability: of a block that is fetched.
    """

    def __init__(self, graph: Graph, name: str = "lstm", least_probability: float = 0.6) -> None:
        self.name = name
        self._graph = graph
        self._least_probability = least_probability
        self._names: OrderedDict[int, Block] = OrderedDict()

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:  # noqa: ARG002
        """Ask the graph."""
        if not context.recent:
            return Decision(NOTHING)
        answer = self._graph.run(arrays((context,)))
        named = zip(answer["block"][0].tolist(), answer["probability"][0].tolist(), strict=True)
        return self.decode(context, list(named))

    def decode(self, context: Context, named: list[tuple[int, float]]) -> Decision[Action]:
        """The graph's answer for one context as an action."""
        numeric = isinstance(context.recent[-1], int)
        found: dict[Block, float] = {}
        for number, probability in named:
            block = (number if number >= 0 else None) if numeric else self._names.get(number)
            if block is not None and probability >= self._least_probability:
                found.setdefault(block, min(probability, 1.0))
        return Decision(Action(tuple(found)), min(found.values(), default=1.0))

    def observe(self, context: Context, action: Action, outcome: Outcome, now: float) -> None:  # noqa: ARG002
        """Keep the name behind the hash."""
        block = outcome.accessed[0]
        if isinstance(block, str):
            number = number_of(block)
            self._names.pop(number, None)
            self._names[number] = block
            if len(self._names) > _MOST_NAMES:
                self._names.popitem(last=False)

    def snapshot(self) -> State:
        """The names."""
        return {"names": list(self._names.values())}

    def restore(self, state: State) -> None:
        """Continue from a snapshot."""
        names = cast("list[Block]", state["names"])
        self._names = OrderedDict((number_of(name), name) for name in names)
