"""The policy that ships: simple forecasts and, where there is one, a model, blended by how right they were.

For every path, next step and horizon each have a Hedge over the experts, in logarithms, and an interval by
adaptive conformal inference. What a path teaches serves new paths too. Steps that the application limited
are not learned from: they say nothing about capacity. A horizon is learned from when its five steps are
over, never earlier, whatever the outcome shows already.
"""

from random import Random
from typing import cast

import numpy as np

from dwcp.evaluation.policy import Decision, State
from dwcp.task import Graph
from dwcp.tasks.bandwidth.blend import Blend, blend
from dwcp.tasks.bandwidth.contract import HORIZON_STEPS, Action, Context, Outcome, Step
from dwcp.tasks.bandwidth.experts import Experts, Told
from dwcp.tasks.bandwidth.inputs import WINDOW
from dwcp.tasks.bandwidth.memory import Memory, PathMemory, Pending, SharedMemory
from dwcp.tasks.bandwidth.rules import UNKNOWN, WITHIN_LOGS, other_figures
from dwcp.tasks.bandwidth.series import usable

__all__ = ["BlendPolicy"]

_SAME_STEP, _NEXT_STEP = 0.5, 1.5
"""Contexts less than half a step apart are of one moment; more than one and a half apart, with a gap."""
_SHAKEN_STEPS = 5
_LOSS_STEPS, _LASTING = 3.0, 0.2
"""Losses fade over three steps; a fifth of the forecast is their mean in the whole window."""
_RECENCY = np.exp(-np.arange(WINDOW - 1, -1, -1) / _LOSS_STEPS)


class BlendPolicy:
    """Forecasts by what was right of late on this path.

    Args:
        graph: a trained graph, one more expert; None to do with rules alone.
        name: for tables.
    """

    def __init__(self, graph: Graph | None = None, name: str = "blend") -> None:
        self._name = name
        self._experts = Experts(graph)
        self._memory = Memory(len(self._experts))
        self._latest: tuple[Context, list[Blend]] | None = None

    @property
    def name(self) -> str:
        """Short name for tables."""
        return self._name

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:  # noqa: ARG002
        """The forecast; changes nothing that is remembered."""
        told = self._experts.ask(context)
        if told is None:
            return Decision(Action(UNKNOWN, UNKNOWN, 0.0, *other_figures(context)), 0.0)
        blends = self._blends(context, told)
        self._latest = context, blends
        confidence = blends[0].confidence
        figures = _other_figures(context, told)
        action = Action(blends[0].quantiles, blends[1].quantiles, confidence, *figures)
        return Decision(action, confidence)

    def observe(self, context: Context, action: Action, outcome: Outcome, now: float) -> None:  # noqa: ARG002
        """Hold the forecast against the first step of the outcome, and an older one against five."""
        blends = self._made(context)
        if not blends or not outcome.steps:
            return
        memory = self._memory.of(context.path) or PathMemory([one.hedge for one in blends])
        if self._arrives(memory, context):
            self._learn(memory, [one.pending for one in blends], outcome.steps[0])
        memory.epoch_s = context.epoch_s
        self._memory.keep(context.path, memory)

    def forget(self, path: str) -> None:
        """Begin anew with a path, from what all paths taught: for when its link has changed."""
        self._memory.forget(path)

    def snapshot(self) -> State:
        """Everything that was learned."""
        return self._memory.snapshot()

    def restore(self, state: State) -> None:
        """Continue from a snapshot; one made with a model serves a policy with one, and the same without."""
        memory = Memory(len(self._experts))
        memory.restore(cast("dict[str, object]", state))
        self._memory, self._latest = memory, None

    def _made(self, context: Context) -> list[Blend]:
        """What was forecast for this context, or would be now; empty where nothing was measured."""
        latest = self._latest
        if latest is not None and latest[0] is context:
            return latest[1]
        told = self._experts.ask(context)
        return [] if told is None else self._blends(context, told)

    def _blends(self, context: Context, told: Told) -> list[Blend]:
        """Next step and horizon."""
        path = self._memory.of(context.path)
        return [blend(told, target, path, self._memory.shared) for target in range(2)]

    def _arrives(self, memory: PathMemory, context: Context) -> bool:
        """Whether the context comes after what was learned from; notes gaps, and time that goes back."""
        if memory.epoch_s is None:
            return True
        passed = (context.epoch_s - memory.epoch_s) / max(context.step_s, 1e-9)
        if passed < _SAME_STEP:
            memory.forget_pending()
            memory.shaken = _SHAKEN_STEPS
            return False
        if passed > _NEXT_STEP:
            memory.forget_pending()
        return True

    def _learn(self, memory: PathMemory, made: list[Pending], step: Step) -> None:
        mbps = None if step.app_limited else usable(step)
        memory.shaken = max(0, memory.shaken - 1)
        shared = self._memory.shared
        if mbps is not None:
            error = _hold(memory, shared, 0, made[0], mbps)
            low, high = WITHIN_LOGS
            shared.reliability.learn(made[0].stated, low <= error <= high)
        memory.pending.append(made[1])
        memory.recent.append(mbps)
        known = [one for one in memory.recent if one is not None]
        if len(known) == HORIZON_STEPS:
            _hold(memory, shared, 1, memory.pending[0], sum(known) / HORIZON_STEPS)


def _hold(memory: PathMemory, shared: SharedMemory, target: int, made: Pending, mbps: float) -> float:
    """Learn from what came of a forecast; the logarithm of truth over forecast."""
    truth = float(np.log(mbps + made.floor))
    errors = np.abs(truth - np.array(made.experts))
    memory.hedges[target].learn(errors)
    shared.hedges[target].learn(errors)
    error = truth - made.mid
    score = error / made.widths[error > 0]
    memory.tails[target].learn(score, made.bounds)
    shared.pools[target].add(score)
    return error


def _other_figures(context: Context, told: Told) -> tuple[float, float, float]:
    """RTT and jitter: the model's where the window holds any; loss by its recent and its lasting mean."""
    rtt_ms, jitter_ms, _ = other_figures(context)
    packet_loss = _recent_loss(context)
    if told.others is None:
        return rtt_ms, jitter_ms, packet_loss
    return told.others[0] if rtt_ms > 0 else 0.0, told.others[1] if jitter_ms > 0 else 0.0, packet_loss


def _recent_loss(context: Context) -> float:
    """Mean of losses, the latest counting most, with a share of the window's mean; 0 where none is known."""
    losses = [step.packet_loss for step in context.steps[-WINDOW:]]
    known = [loss for loss in losses if loss is not None and 0.0 <= loss <= 1.0]
    if not any(known):
        return 0.0
    weights = _RECENCY[-len(known) :]
    recent = float(np.array(known) @ weights) / float(weights.sum())
    return min(1.0, (1 - _LASTING) * recent + _LASTING * sum(known) / len(known))
