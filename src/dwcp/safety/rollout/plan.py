"""The plan of a rollout: which regions in which order, how long each stage holds, what is gated."""

import math
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Literal

from msgspec import Struct

from dwcp.errors import InputError
from dwcp.safety.rollout.gates import LIMITS, Metric, RolloutGate
from dwcp.safety.rollout.stages import STAGES, Stage

__all__ = ["DEFAULT_REGION", "RolloutPlan", "StageTerms", "usual_plan"]

DEFAULT_REGION = "default"
"""The region of whoever has only one."""
_DAY_S = 86_400.0


class StageTerms(Struct, frozen=True, forbid_unknown_fields=True):
    """What a stage asks before the next one.

    Attributes:
        hold_s: least time in the stage.
        samples: least decisions of the candidate in the stage.
        gates: what must pass, and what rolls back.
        approval: whether a person must say yes besides.
    """

    hold_s: float
    samples: int
    gates: tuple[RolloutGate, ...]
    approval: bool = False


class RolloutPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """What is laid down before a rollout starts, and does not change while it goes on.

    Attributes:
        stages: the terms of every stage from shadow to 100%.
        waves: regions that go together; a wave begins when every region of the one before is complete.
        rollback: after a breach in one region, whether all are rolled back or that region alone.
        recent_s: a gate also fails on what was measured in the last one to two spans of this length, so that
            a long good past does not hide a bad present.
        level: of the intervals that decide about a breach.
    """

    stages: Mapping[Stage, StageTerms]
    waves: tuple[tuple[str, ...], ...] = ((DEFAULT_REGION,),)
    rollback: Literal["region", "all"] = "all"
    recent_s: float = 600.0
    level: float = 0.99

    @property
    def regions(self) -> tuple[str, ...]:
        """Every region, in order."""
        return tuple(region for wave in self.waves for region in wave)

    def terms(self, stage: Stage) -> StageTerms:
        """The terms of a stage; those of 100% hold on after completion."""
        return self.stages[Stage.SHARE_100 if stage is Stage.COMPLETE else stage]

    def check(self, measured: Collection[Metric]) -> None:
        """Refuse a plan that could not be carried out.

        Args:
            measured: the metrics that the task measures.

        Raises:
            InputError: a gate's metric is not measured, a stage has no terms, a region is named twice or a
                number makes no sense; the message names it.
        """
        self._check_regions()
        if set(self.stages) != set(STAGES):
            wanted = ", ".join(STAGES)
            raise InputError(f"a rollout plan needs terms for exactly these stages: {wanted}")
        if not 0.5 < self.level < 1 or not 0 < self.recent_s < math.inf:
            raise InputError("a rollout plan needs a level between 0.5 and 1 and a recent_s above 0")
        for stage in STAGES:
            _check_terms(stage, self.stages[stage], measured)

    def _check_regions(self) -> None:
        if not self.waves or not all(self.waves):
            raise InputError("a rollout plan needs a region in every wave")
        for region, times in Counter(self.regions).items():
            if not region.strip() or not region.isprintable():
                raise InputError(f"{region!r} is not the name of a region; use printable words")
            if times > 1:
                raise InputError(f"the region {region!r} is named {times} times in the rollout plan")


def usual_plan(
    measured: Collection[Metric],
    *,
    waves: tuple[tuple[str, ...], ...] = ((DEFAULT_REGION,),),
    hold_s: float = _DAY_S,
    samples: int = 1000,
    approvals: Collection[Stage] = (),
    limits: Mapping[Metric, float] | None = None,
    rollback: Literal["region", "all"] = "all",
) -> RolloutPlan:
    """The same hold at every stage, and a gate on whatever the task measures.

    Throughput is not gated in shadow, where nothing is done with the candidate's answers.

    Args:
        measured: the metrics that the task measures.
        waves: see `RolloutPlan.waves`.
        hold_s: least time in each stage.
        samples: least decisions of the candidate in each stage.
        approvals: stages at whose end a person is waited for.
        limits: other limits than `LIMITS`; a metric named here is gated, measured or not.
        rollback: see `RolloutPlan.rollback`.
    """
    given = limits or {}
    known = {metric: limit for metric, limit in LIMITS.items() if metric in measured} | dict(given)
    gates = tuple(RolloutGate(metric, limit) for metric, limit in sorted(known.items()))
    unseen = tuple(gate for gate in gates if gate.metric is not Metric.THROUGHPUT_RATIO)
    stages = {
        stage: StageTerms(hold_s, samples, unseen if stage is Stage.SHADOW else gates, stage in approvals)
        for stage in STAGES
    }
    return RolloutPlan(stages=stages, waves=waves, rollback=rollback)


def _check_terms(stage: Stage, terms: StageTerms, measured: Collection[Metric]) -> None:
    if not 0 <= terms.hold_s < math.inf or terms.samples < 1:
        raise InputError(f"the stage {stage} needs a hold of 0 seconds or more, and a sample or more")
    if not terms.gates:
        raise InputError(f"the stage {stage} has no gate: nothing would stop a bad candidate")
    for gate in terms.gates:
        gate.check()
        if gate.metric not in measured:
            known = ", ".join(sorted(measured)) or "nothing"
            raise InputError(
                f"the stage {stage} is gated on {gate.metric}, which this task does not measure; it measures "
                f"{known}: leave that gate out"
            )
        if stage is Stage.SHADOW and gate.metric is Metric.THROUGHPUT_RATIO:
            raise InputError(
                f"the stage {stage} is gated on {gate.metric}, but nothing is done with a shadow's answers; "
                f"gate it from {Stage.CANARY_5} on"
            )
