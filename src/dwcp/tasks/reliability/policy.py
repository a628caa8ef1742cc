"""The learned policy: reads the graph, keeps the deployment's threshold and the flags of late."""

import math
from collections import OrderedDict, deque
from random import Random
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from dwcp.evaluation.detection.episodes import Debounce
from dwcp.evaluation.policy import Decision, State
from dwcp.task import Graph
from dwcp.tasks.reliability.budget import budget
from dwcp.tasks.reliability.calibration import TARGET_FPR, QuietScores
from dwcp.tasks.reliability.contract import Action, Context, Contribution, Outcome
from dwcp.tasks.reliability.inputs import arrays
from dwcp.tasks.reliability.names import FEATURES

__all__ = ["DEBOUNCE", "DetectorPolicy"]

DEBOUNCE = Debounce(2, 3)
"""When flags become an alarm."""

_MOST_NODES = 1024
_TOLD = 5


class _Node:
    """What is remembered of a node."""

    def __init__(self) -> None:
        self.flags: deque[bool] = deque(maxlen=DEBOUNCE.of - 1)
        self.quiet = QuietScores()


class DetectorPolicy:
    """Flags where the margin passes the threshold of the node's own quiet time.

    The threshold is the trained one until a few hundred quiet rows of the node were seen, then their
    conformal quantile where that is higher, up to a bound. Labels are never learned from.

    Args:
        graph: the trained graph.
        name: for tables.
    """

    def __init__(self, graph: Graph, name: str = "detector") -> None:
        self.name = name
        self._graph = graph
        self._nodes: OrderedDict[str, _Node] = OrderedDict()

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:  # noqa: ARG002
        """Ask the graph; changes nothing."""
        answer = self._graph.run(arrays([context]))
        margin, trained = float(answer["margin"][0]), float(answer["threshold"][0])
        node = self._nodes.get(context.node) or _Node()
        flag = margin > node.quiet.threshold(trained, TARGET_FPR)
        score = 1.0 / (1.0 + math.exp(-min(max(margin, -500.0), 500.0)))
        action = Action(
            flag,
            score,
            alarm=DEBOUNCE.holds((*node.flags, flag)),
            novelty=float(answer["novelty"][0]),
            margin=margin,
            contributions=_contributions(np.asarray(answer["deviation"][0], dtype=np.float64)),
            budget=budget(context),
        )
        return Decision(action, max(score, 1.0 - score))

    def observe(self, context: Context, action: Action, outcome: Outcome, now: float) -> None:  # noqa: ARG002
        """Take in the flag and, of quiet time, the margin; the outcome's label is not looked at."""
        if action.margin is None or not math.isfinite(action.margin):
            return
        node = self._nodes.setdefault(context.node, _Node())
        self._nodes.move_to_end(context.node)
        node.flags.append(action.anomalous)
        node.quiet.add(action.margin, action.alarm)
        if len(self._nodes) > _MOST_NODES:
            self._nodes.popitem(last=False)

    def snapshot(self) -> State:
        """Flags and quiet margins of every node, in the order in which they were last heard of."""
        return {
            "nodes": [
                {"name": name, "flags": list(node.flags), "quiet": node.quiet.snapshot()}
                for name, node in self._nodes.items()
            ]
        }

    def restore(self, state: State) -> None:
        """Continue from a snapshot."""
        self._nodes = OrderedDict()
        for told in cast("list[dict[str, Any]]", state.get("nodes", [])):
            node = self._nodes[told["name"]] = _Node()
            node.flags.extend(told["flags"])
            node.quiet.restore(told["quiet"])


def _contributions(deviation: NDArray[np.float64]) -> tuple[Contribution, ...]:
    """The features furthest off, of those that are off at all."""
    strongest = np.argsort(-np.abs(deviation), kind="stable")[:_TOLD]
    return tuple(
        Contribution(FEATURES[place], float(deviation[place])) for place in strongest if deviation[place]
    )
