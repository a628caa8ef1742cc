"""What an experiment compares, written down before it begins and never changed."""

import math
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from dwcp.errors import InputError

__all__ = ["Arm", "ExperimentPlan", "Metric", "MetricKind", "metric_values", "plan_from_json"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class MetricKind(StrEnum):
    """What a unit's figure is."""

    MEAN = "mean"
    """Any number, e.g. seconds."""
    PROPORTION = "proportion"
    """A share or a yes or no, inside [0, 1]."""


class Arm(msgspec.Struct, frozen=True):
    """One of the things compared.

    Attributes:
        name: what is served, e.g. ``control``.
        weight: its share of the units, relative to the other arms'.
    """

    name: str
    weight: float = 1.0


class Metric(msgspec.Struct, frozen=True):
    """A figure by which arms are compared.

    Attributes:
        name: key of the figure in a unit's outcome.
        kind: mean or proportion.
        higher_is_better: which way is good.
        margin: None for the metric that decides. A guardrail has a margin: how much worse than control it may
            become, in the metric's own unit, 0 or more.
    """

    name: str
    kind: MetricKind = MetricKind.MEAN
    higher_is_better: bool = False
    margin: float | None = None


class ExperimentPlan(msgspec.Struct, frozen=True):
    """What is compared, by what, and how surely. Changing it would move units: take a new name instead.

    Attributes:
        name: also the salt of the assignment, so that experiments don't share their splits.
        arms: two or more, the first is control.
        metric: the one that decides.
        guardrails: metrics that must not get worse by more than their margin.
        alpha: how often the whole experiment may be wrong, inside (0, 0.5].
        tuned_units: of both arms together, where the sequences are narrowest. They hold at any number; a
            guess within a factor of ten costs little.
        least_units: an arm with fewer is too little data to say anything.
        why: what one hopes to learn.
        task: whose hints are compared, where a server carries it out; the arms then are named ``rule``,
            ``champion`` or a version. Empty where others do.
    """

    name: str
    arms: tuple[Arm, ...]
    metric: Metric
    guardrails: tuple[Metric, ...] = ()
    alpha: float = 0.05
    tuned_units: int = 2000
    least_units: int = 100
    why: str = ""
    task: str = ""

    def __post_init__(self) -> None:
        _require(
            _NAME.fullmatch(self.name) is not None, f"{self.name!r} is no name: use a-z, 0-9, '.', '_', '-'"
        )
        names = [arm.name for arm in self.arms]
        _require(len(names) >= 2, "an experiment needs two arms or more; the first is control")
        _require(len(set(names)) == len(names) and all(names), "each arm needs a name of its own")
        _require(
            all(0 < arm.weight < math.inf for arm in self.arms), "each arm's weight must be a number above 0"
        )
        _require(0 < self.alpha <= 0.5, f"alpha must be above 0 and at most 0.5, not {self.alpha}")
        _require(self.least_units >= 2, "least_units must be 2 or more")
        _require(self.tuned_units >= 1, "tuned_units must be 1 or more")
        self._check_metrics()

    @property
    def control(self) -> str:
        """The first arm's name."""
        return self.arms[0].name

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The one that decides, then the guardrails."""
        return (self.metric, *self.guardrails)

    @property
    def shares(self) -> dict[str, float]:
        """Each arm's share of the units; they add up to 1."""
        whole = sum(arm.weight for arm in self.arms)
        return {arm.name: arm.weight / whole for arm in self.arms}

    def as_json(self) -> dict[str, object]:
        """The plan as JSON values."""
        plain: dict[str, object] = msgspec.to_builtins(self)
        return plain

    def _check_metrics(self) -> None:
        names = [metric.name for metric in self.metrics]
        _require(len(set(names)) == len(names) and all(names), "each metric needs a name of its own")
        _require(self.metric.margin is None, f"{self.metric.name} decides, so it has no margin")
        for metric in self.guardrails:
            sound = metric.margin is not None and 0 <= metric.margin < math.inf
            _require(sound, f"the guardrail {metric.name} needs a margin of 0 or more")


def plan_from_json(text: bytes, where: str) -> ExperimentPlan:
    """A plan as `ExperimentPlan.as_json` gives it.

    Args:
        text: JSON.
        where: the file, for the sentence.

    Raises:
        InputError: it is no plan.
    """
    try:
        return msgspec.json.decode(text, type=ExperimentPlan)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"{where} is no experiment's plan ({error}); take a copy or a new name") from error


def metric_values(outcome: Mapping[str, object], metrics: Sequence[Metric]) -> dict[str, float]:
    """The figures of an outcome that the metrics want, as finite numbers.

    Raises:
        InputError: one is no finite number, or a proportion outside [0, 1].
    """
    values: dict[str, float] = {}
    for metric in metrics:
        if metric.name not in outcome:
            continue
        value = outcome[metric.name]
        if not isinstance(value, bool | int | float) or not math.isfinite(value):
            raise InputError(f"{metric.name} of an outcome must be a finite number, not {value!r}")
        if metric.kind is MetricKind.PROPORTION and not 0 <= value <= 1:
            raise InputError(f"{metric.name} is a proportion and must lie inside [0, 1], not at {value:g}")
        values[metric.name] = float(value)
    return values


def _require(sound: bool, sentence: str) -> None:
    if not sound:
        raise InputError(sentence)
