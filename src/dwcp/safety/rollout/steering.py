"""Which arm a unit gets, laid out so that asking is a look-up and at most one hash. Pure."""

from collections.abc import Collection, Mapping

from msgspec import Struct

from dwcp.safety.bucketing import BUCKETS, RolloutBuckets
from dwcp.safety.rollout.measuring import Arm
from dwcp.safety.rollout.stages import Stage, is_live
from dwcp.safety.rollout.state import RolloutState

__all__ = ["NO_ROLLOUT", "Assignment", "Lane", "lanes_of"]

_BUCKETS_A_PERCENT = BUCKETS // 100


class Assignment(Struct, frozen=True):
    """What one unit gets.

    Attributes:
        arm: whose answer is used.
        shadowed: whether the candidate is asked besides, to be scored alone.
        stage: of the unit's region.
        visit: what samples are counted under; 0 when none are.
        split: whether other units of the region get the other arm.
    """

    arm: Arm
    shadowed: bool
    stage: Stage
    visit: int
    split: bool = False


class Lane(Struct, frozen=True):
    """One region.

    Attributes:
        buckets: of this rollout.
        below: units in a bucket below this get the candidate.
        control: what all others get.
        candidate: what those get.
    """

    buckets: RolloutBuckets
    below: int
    control: Assignment
    candidate: Assignment


NO_ROLLOUT = Assignment(Arm.CONTROL, False, Stage.PENDING, 0)
"""What everybody gets where nothing is rolled out."""


def lanes_of(
    state: RolloutState, task: str, cap_percent: int, held_back: Collection[int]
) -> Mapping[str, Lane]:
    """The lane of every region in which the candidate is asked.

    Args:
        state: where the rollout stands.
        task: whose.
        cap_percent: the largest share of units that may get the candidate anywhere.
        held_back: visits that end in a rollback as soon as that can be written.
    """
    if not state.active:
        return {}
    buckets = RolloutBuckets(f"{task} {state.start.candidate}")
    lanes = {}
    for name, region in state.regions.items():
        if not is_live(region.stage) or region.visit in held_back:
            continue
        below = min(region.stage.percent, cap_percent) * _BUCKETS_A_PERCENT
        split, shadowed = 0 < below < BUCKETS, region.stage is Stage.SHADOW
        lanes[name] = Lane(
            buckets,
            below,
            Assignment(Arm.CONTROL, shadowed, region.stage, region.visit, split),
            Assignment(Arm.CANDIDATE, False, region.stage, region.visit, split),
        )
    return lanes
