"""The learned policy: reads the graph, keeps the deployment's levels and threshold and the flags of late."""

import math
from collections import OrderedDict, deque
from collections.abc import Sequence
from random import Random
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from dwcp.evaluation.policy import Decision, State
from dwcp.task import Graph
from dwcp.tasks.consensus.contract import Action, Context, Evidence, Outcome
from dwcp.tasks.consensus.inputs import arrays
from dwcp.tasks.consensus.names import CHANNELS
from dwcp.tasks.consensus.quiet import QuietLevels, QuietScores
from dwcp.tasks.consensus.rules import DEBOUNCE, HOLD, broken_rules
from dwcp.tasks.consensus.states import state_of

__all__ = ["DetectorPolicy"]

_MOST_GROUPS = 64
_TOLD, _LEAST_DEVIATION = 5, 1.0
_MOST_MARGIN = 30.0


class _Group:
    """What is remembered of a group."""

    def __init__(self) -> None:
        self.flags: deque[bool] = deque(maxlen=DEBOUNCE.of)
        self.began_s: float | None = None
        self.levels = QuietLevels()
        self.scores = QuietScores()

    def snapshot(self) -> dict[str, object]:
        return {
            "flags": list(self.flags),
            "began_s": self.began_s,
            "levels": self.levels.snapshot(),
            "scores": self.scores.snapshot(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.flags.extend(state["flags"])
        self.began_s = state["began_s"]
        self.levels.restore(state["levels"])
        self.scores.restore(state["scores"])


class DetectorPolicy:
    """Flags where the margin passes the threshold of the group's own quiet time, or a hard rule is broken.

    While an alarm stands a lower margin keeps it, so that one episode is not told as several.
    Levels and threshold are the trained or given ones until enough quiet seconds were seen.
    While an alarm stands nothing is taken in, nor are the seconds just before it; labels never are.

    Args:
        graph: the trained graph.
        name: for tables.
    """

    def __init__(self, graph: Graph, name: str = "detector") -> None:
        self.name = name
        self._graph = graph
        self._groups: OrderedDict[str, _Group] = OrderedDict()

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:  # noqa: ARG002
        """Ask the graph; changes nothing."""
        group = self._groups.get(context.group) or _Group()
        answer = self._graph.run(arrays([context], [group.levels.levels or context.usual]))
        margin, trained = float(answer["margin"][0]), float(answer["threshold"][0])
        broken = broken_rules(context)
        threshold = group.scores.threshold(trained) - HOLD * DEBOUNCE.holds(tuple(group.flags))
        flag = margin > threshold or bool(broken)
        began_s = group.began_s if group.began_s is not None else (now if math.isfinite(now) else None)
        alarm = DEBOUNCE.holds((*group.flags, flag))
        probability = 1.0 / (1.0 + math.exp(-min(max(margin, -_MOST_MARGIN), _MOST_MARGIN)))
        deviation = np.asarray(answer["deviation"][0], dtype=np.float64)
        action = Action(
            flag,
            probability,
            alarm=alarm,
            since_s=began_s if flag or alarm else None,
            state=state_of(context),
            rules=broken,
            evidence=_evidence(deviation, np.asarray(answer["weight"][0], dtype=np.float64), context),
            margin=margin,
        )
        return Decision(action, max(probability, 1.0 - probability))

    def observe(self, context: Context, action: Action, outcome: Outcome, now: float) -> None:  # noqa: ARG002
        """Take in the flag and, of quiet time, margin and levels; the outcome's label is not looked at."""
        if action.margin is None or not math.isfinite(action.margin):
            return
        group = self._groups.setdefault(context.group, _Group())
        self._groups.move_to_end(context.group)
        group.flags.append(action.anomalous)
        group.began_s = action.since_s if action.anomalous or action.alarm else None
        group.scores.add(action.margin, action.alarm)
        if context.steps:
            group.levels.add(context.steps[-1], action.alarm)
        if len(self._groups) > _MOST_GROUPS:
            self._groups.popitem(last=False)

    def forget(self, group: str) -> None:
        """Begin anew with a group: for when what stood as an alarm is how it will be from now on."""
        self._groups.pop(group, None)

    def snapshot(self) -> State:
        """Everything remembered of every group, in the order in which they were last heard of."""
        return {"groups": [{"name": name, **group.snapshot()} for name, group in self._groups.items()]}

    def restore(self, state: State) -> None:
        """Continue from a snapshot."""
        self._groups = OrderedDict()
        for told in cast("list[dict[str, Any]]", state.get("groups", [])):
            group = self._groups[told["name"]] = _Group()
            group.restore(told)


def _evidence(
    deviation: NDArray[np.float64], weight: NDArray[np.float64], context: Context
) -> tuple[Evidence, ...]:
    """The channels furthest off, each weighed by what it gave the trees."""
    strongest: Sequence[int] = np.argsort(-np.abs(deviation) * weight, kind="stable")[:_TOLD].tolist()
    newest = context.steps[-1] if context.steps else None
    return tuple(
        Evidence(CHANNELS[place], getattr(newest, CHANNELS[place], None), float(deviation[place]))
        for place in strongest
        if abs(deviation[place]) * weight[place] > 0 and abs(deviation[place]) >= _LEAST_DEVIATION
    )
