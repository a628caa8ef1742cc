"""One arm beside control, by one metric: what the sequence said at every look, and what it says now."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from dwcp.evaluation.intervals import Interval
from dwcp.safety.experiments.observations import Observations
from dwcp.safety.experiments.plan import ExperimentPlan, Metric, MetricKind
from dwcp.safety.experiments.sequences import difference_of_means, moments_of

__all__ = ["Comparison", "Look", "compare_arm"]

_FIRST_LOOK, _LOOKS_A_DOUBLING = 100, 3


@dataclass(frozen=True, slots=True)
class Look:
    """What the sequence said at one moment.

    Attributes:
        when_s: of the last outcome looked at.
        control_units: with an outcome by then.
        arm_units: likewise.
        estimate: mean of the arm less that of control.
        low: of the sequence at this moment alone.
        high: likewise.
        running_low: highest ``low`` so far: the truth lies above all of them, or above none.
        running_high: lowest ``high`` so far.
    """

    when_s: float
    control_units: int
    arm_units: int
    estimate: float
    low: float
    high: float
    running_low: float
    running_high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """One arm beside control, by one metric.

    Attributes:
        arm: its name.
        metric: by what.
        level: of the sequence, after correction for all that is compared.
        control_mean: over control's units now; None without one.
        arm_mean: likewise.
        looks: moments at which both arms had enough units, oldest first; empty with too little data.
    """

    arm: str
    metric: Metric
    level: float
    control_mean: float | None
    arm_mean: float | None
    looks: tuple[Look, ...]

    @property
    def contradictory(self) -> bool:
        """Whether no effect is inside every look's interval: it changed on the way."""
        return bool(self.looks) and self.looks[-1].running_low > self.looks[-1].running_high

    @property
    def effect(self) -> Interval | None:
        """The arm less control: of all looks together, or the last one's alone where they contradict."""
        if not self.looks:
            return None
        last = self.looks[-1]
        low, high = (last.low, last.high) if self.contradictory else (last.running_low, last.running_high)
        return Interval(last.estimate, low, high, self.level)

    @property
    def harm(self) -> Interval | None:
        """The effect in the bad direction: above 0 is worse than control."""
        effect = self.effect
        if effect is None or not self.metric.higher_is_better:
            return effect
        return Interval(-effect.estimate, -effect.high, -effect.low, effect.level)

    def as_json(self) -> dict[str, object]:
        """The comparison as JSON values."""
        effect = self.effect
        return {
            "arm": self.arm,
            "metric": self.metric.name,
            "kind": self.metric.kind.value,
            "higher_is_better": self.metric.higher_is_better,
            "margin": self.metric.margin,
            "level": self.level,
            "control_mean": self.control_mean,
            "arm_mean": self.arm_mean,
            "effect": None if effect is None else asdict(effect),
            "contradictory": self.contradictory,
            "looks": [asdict(look) for look in self.looks],
        }


def compare_arm(
    plan: ExperimentPlan, seen: Observations, arm: str, metric: Metric, alpha: float
) -> Comparison:
    """Replay what an observer would have seen at given numbers of outcomes, and now.

    The numbers don't depend on how many outcomes there are by now, so that what was seen stays seen.

    Args:
        plan: what was planned.
        seen: what was observed.
        arm: one that is not control.
        metric: by what.
        alpha: this comparison's own chance of being wrong.
    """
    return Comparison(
        arm,
        metric,
        1 - alpha,
        _mean(seen, metric, plan.control),
        _mean(seen, metric, arm),
        tuple(_looks(plan, seen, arm, metric, alpha)),
    )


def _looks(
    plan: ExperimentPlan, seen: Observations, arm: str, metric: Metric, alpha: float
) -> Iterator[Look]:
    place = seen.arms.index(arm)
    running_low, running_high = -np.inf, np.inf
    for count in _look_counts(len(seen)):
        arms, means = seen.means_until(metric.name, count)
        control, treated = means[arms == 0], means[arms == place]
        if min(control.size, treated.size) < plan.least_units:
            continue
        proportion = metric.kind is MetricKind.PROPORTION
        now = difference_of_means(
            moments_of(control, proportion=proportion),
            moments_of(treated, proportion=proportion),
            alpha,
            plan.tuned_units,
        )
        low, high = (max(now.low, -1.0), min(now.high, 1.0)) if proportion else (now.low, now.high)
        running_low, running_high = max(running_low, low), min(running_high, high)
        yield Look(
            float(seen.when_s[count - 1]),
            control.size,
            treated.size,
            now.estimate,
            low,
            high,
            running_low,
            running_high,
        )


def _look_counts(outcomes: int) -> Iterator[int]:
    """Numbers of outcomes at which it is looked: three each time they double, and all of them."""
    step, count = 0, _FIRST_LOOK
    while count < outcomes:
        yield count
        step += 1
        count = round(_FIRST_LOOK * 2 ** (step / _LOOKS_A_DOUBLING))
    if outcomes:
        yield outcomes


def _mean(seen: Observations, metric: Metric, arm: str) -> float | None:
    arms, means = seen.means_until(metric.name, len(seen))
    own = means[arms == seen.arms.index(arm)]
    return float(own.mean()) if own.size else None
