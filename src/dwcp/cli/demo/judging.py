"""Judging policies on files that were kept aside: the seconds each needs, link by link."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from dwcp.errors import InputError
from dwcp.evaluation import (
    Bootstrap,
    Case,
    Comparison,
    Interval,
    Replay,
    best_fixed,
    compare,
    ratio_interval,
    replay,
    split_by_group,
)
from dwcp.registry import Artifact
from dwcp.serving.runtime import OnnxGraph
from dwcp.task import Progress
from dwcp.tasks.compression.contract import TRANSFER, Action, Context, CostModel, Outcome
from dwcp.tasks.compression.grid import Point, at_point
from dwcp.tasks.compression.rules import fixed
from dwcp.tasks.compression.task import TASK
from dwcp.training.fit import SHARES

__all__ = ["BEST_FIXED", "LINKS_MBPS", "MODELS", "RIVALS", "Judged", "KeptAside", "judge", "keep_aside"]

LINKS_MBPS = (10.0, 100.0, 1000.0, 10000.0)
MODELS = (CostModel.PIPELINED, CostModel.SERIAL)
BEST_FIXED = "best fixed"
RIVALS = ("zstd-3", BEST_FIXED, "fallback")
_RESAMPLES = 1000

CompressionCase = Case[Context, Action, Outcome]


@dataclass(frozen=True, slots=True)
class KeptAside:
    """Measured blocks in two parts that have no family in common.

    Attributes:
        seen: what training learns from and chooses on.
        unseen: what nothing was fitted or chosen on.
    """

    seen: tuple[CompressionCase, ...]
    unseen: tuple[CompressionCase, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """The policies on one link under one cost model.

    Attributes:
        point: the link and the cost model.
        fixed_codec: which codec the best fixed one is, chosen on the seen files.
        seconds: what the held-out blocks take in all, by policy: oracle, selector (where there is one),
            fallback, best fixed, zstd-3.
        above_oracle: the share of the oracle's seconds that each policy takes on top of them.
        comparison: every other figure with its interval.
    """

    point: Point
    fixed_codec: str
    seconds: dict[str, float]
    above_oracle: dict[str, Interval]
    comparison: Comparison

    def saved(self, policy: str, rival: str) -> Interval:
        """The share of the rival's seconds that a policy saves."""
        [row] = [row for row in self.comparison.rows if row.policy == policy]
        return cast("Interval", row.figures[f"gain_over_{rival}"])


def keep_aside(cases: Sequence[CompressionCase], seed: int) -> KeptAside:
    """The same split that training makes of these cases: its test part is what is kept aside.

    Raises:
        InputError: there are fewer than three families.
    """
    families = len({case.group for case in cases})
    if families < len(SHARES):
        raise InputError(
            f"only {families} file(s) that are not versions of each other: some are to be learned from and "
            "some kept aside, so name three or more"
        )
    split = split_by_group(cases, SHARES, seed)
    return KeptAside((*split.train, *split.validation), split.test)


def judge(parts: KeptAside, model: Artifact | None, seed: int, progress: Progress) -> list[Judged]:
    """Replay every policy over the held-out blocks at every point, pipelined first."""
    points = [Point(mbps, cost_model) for cost_model in MODELS for mbps in LINKS_MBPS]
    done = []
    for place, point in enumerate(points):
        progress(place / len(points), str(point))
        done.append(_judge_at(point, parts, model, Bootstrap(seed, _RESAMPLES)))
    progress(1.0, "judged")
    return done


def _judge_at(point: Point, parts: KeptAside, model: Artifact | None, bootstrap: Bootstrap) -> Judged:
    unseen = at_point(parts.unseen, point)
    plain = [action for action in TRANSFER if not action.use_reference]
    chosen = best_fixed(
        at_point(parts.seen, point), TASK.cost, sorted(plain, key=lambda action: action.name), BEST_FIXED
    )
    policies = [TASK.oracle(), TASK.fallback(), chosen, fixed("zstd-3")]
    if model is not None:
        policies.insert(1, TASK.learned(OnnxGraph(model.model)))
    replays = [replay(unseen, policy, TASK.cost, bootstrap.seed) for policy in policies]
    comparison = compare(
        replays,
        f"{point.bandwidth_mbps:,.0f} Mbit/s, {point.cost_model.value}",
        "held-out files of this machine",
        TASK.cost_unit,
        bootstrap,
        RIVALS,
    )
    return Judged(
        point,
        str(chosen.action),
        {made.policy: float(made.cost.sum()) for made in replays},
        {made.policy: _above_oracle(made, bootstrap) for made in replays},
        comparison,
    )


def _above_oracle(made: Replay[Action], bootstrap: Bootstrap) -> Interval:
    return ratio_interval(made.cost - made.oracle_cost, made.oracle_cost, made.groups, bootstrap)
