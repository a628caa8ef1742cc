"""The learned policy: asks the graph, and remembers for each flow how far its predictions were off."""

import math
import threading
from collections import OrderedDict
from collections.abc import Mapping
from random import Random
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from dwcp.evaluation.policy import Decision, State
from dwcp.task import Graph
from dwcp.tasks.compression.contract import CANDIDATES, Action, Context, Outcome
from dwcp.tasks.compression.flow import FlowMemory
from dwcp.tasks.compression.inputs import arrays

__all__ = ["LearnedPolicy"]

_POSITIONS = {action: position for position, action in enumerate(CANDIDATES)}
_MOST_FLOWS = 1024
_CURIOSITY = 0.05
"""Share of a flow's time that may go into measuring alternatives, on a core that is idle."""
_RIVAL = 1.3
"""Alternatives predicted to cost up to this many times the choice are worth measuring."""
_FORGOTTEN = 0.2
_LARGEST_LOG = 50.0
_NEVER_S = 1e30
_MIB = 1024 * 1024


class LearnedPolicy:
    """Decides by the graph's predicted costs; asked from many threads, it remembers flow by flow.

    The flow that was not heard of for longest is forgotten first.

    Args:
        graph: the trained graph.
        name: for tables.
        curiosity: share of a flow's time that may go into measuring alternatives off the hot path.
    """

    def __init__(self, graph: Graph, name: str = "selector", curiosity: float = _CURIOSITY) -> None:
        self.name = name
        self._curiosity = curiosity
        self._graph = graph
        self._flows: OrderedDict[str, FlowMemory] = OrderedDict()
        self._changing = threading.Lock()

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:  # noqa: ARG002
        """Ask the graph."""
        flow = self._flow(context.flow)
        fed = dict(arrays((context,)))
        count, residual = flow.recall(context.facts)
        fed["seen_count"], fed["seen_residual"] = count[None], residual[None]
        answer = self._graph.run(fed)
        predicted = flow.predicted = cast("NDArray[np.float32]", answer["predicted"][0])
        costs = answer["cost_s"][0].tolist()
        chosen = int(answer["action"][0])
        return Decision(
            CANDIDATES[chosen],
            float(answer["confidence"][0]),
            {action: cost for action, cost in zip(CANDIDATES, costs, strict=True) if cost < _NEVER_S},
            self._curious(flow, costs, predicted[1], count[1], chosen, context.facts.block_bytes),
        )

    def _curious(
        self,
        flow: FlowMemory,
        costs: list[float],
        log_ms_per_mib: NDArray[np.float32],
        seen: NDArray[np.float32],
        chosen: int,
        block_bytes: int,
    ) -> tuple[Action, ...]:
        """Rivals not tried on blocks like this one, cheapest first, as far as the flow's budget goes."""
        if costs[chosen] >= _NEVER_S:
            return ()
        flow.budget_s += self._curiosity * costs[chosen]
        dearest = _RIVAL * costs[chosen]
        rivals = [at for at, cost in enumerate(costs) if cost <= dearest and seen[at] < _FORGOTTEN]
        wanted = []
        for rival in sorted(rivals, key=costs.__getitem__):
            takes_s = math.exp(min(log_ms_per_mib[rival], _LARGEST_LOG)) * max(block_bytes, 1) / _MIB / 1e3
            if rival != chosen and takes_s <= flow.budget_s:
                flow.budget_s -= takes_s
                wanted.append(CANDIDATES[rival])
        return tuple(wanted)

    def observe(self, context: Context, action: Action, outcome: Outcome, now: float) -> None:  # noqa: ARG002
        """Note how far the last prediction for this flow was off."""
        flow = self._flow(context.flow)
        if flow.predicted is None:
            return
        at = _POSITIONS[action]
        measured = _logs(outcome, context.facts.block_bytes)
        errors = np.clip(measured - flow.predicted[:, at], -_LARGEST_LOG, _LARGEST_LOG)
        flow.note(context.facts, at, tuple(errors.tolist()))

    def snapshot(self) -> State:
        """Every flow's memory."""
        with self._changing:
            flows = list(self._flows.items())
        return {name: flow.as_json() for name, flow in flows}

    def restore(self, state: State) -> None:
        """Continue from a snapshot."""
        remembered = cast("Mapping[str, Any]", state)
        flows = ((name, FlowMemory.from_json(memory)) for name, memory in remembered.items())
        with self._changing:
            self._flows = OrderedDict(flows)

    def _flow(self, name: str) -> FlowMemory:
        with self._changing:
            flow = self._flows.pop(name, None) or FlowMemory()
            self._flows[name] = flow
            if len(self._flows) > _MOST_FLOWS:
                self._flows.popitem(last=False)
        return flow


def _logs(outcome: Outcome, block_bytes: int) -> NDArray[np.float64]:
    mib = max(block_bytes, 1) / _MIB
    decompress_ms = math.nan if outcome.decompress_ms is None else outcome.decompress_ms
    measures = (outcome.stored_bytes / max(block_bytes, 1), outcome.compress_ms / mib, decompress_ms / mib)
    return np.log(np.maximum(measures, 1e-6))
