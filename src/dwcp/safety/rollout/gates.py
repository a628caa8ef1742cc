"""Gates of a rollout: what a candidate must measure up to at a stage, and when it is rolled back.

A gate's verdict is one of three.

- *fail*: beyond the limit for certain: at least `RolloutGate.breach_samples` were measured and the whole
  interval lies beyond the limit; or `RolloutGate.samples` were measured and the figure lies beyond the limit
  by the hard margin, whatever the interval says.
- *pass*: at least `RolloutGate.samples` were measured and the figure lies on the right side. Whether the
  interval reaches over the limit does not matter: a pass lets a few more units in, and the gate stays.
- *inconclusive*: all else; neither forward nor back.

Gates are looked at again and again, so an interval at 95% would exclude the limit by chance sooner or later.
At 99% a candidate that is clearly inside its limit is hardly ever rolled back for nothing; one that sits on
the limit is, in the end, which is the error to make.

Intervals: for shares Wilson's score interval (1927); for the 99th percentile the order statistics around its
rank; for means the normal one, for a difference with Welch's variance, for a ratio of means by the delta
method.
"""

import math
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from statistics import NormalDist
from types import MappingProxyType
from typing import NamedTuple

from msgspec import Struct

from dwcp.errors import InputError
from dwcp.safety.rollout.measuring import Latencies, Moments, Sums

__all__ = ["LIMITS", "Figure", "Finding", "Metric", "RolloutGate", "Verdict", "figure_of", "judge"]

_P99 = 0.99
_NEEDS_FOR_P99 = 100
_ROUNDING = 1e-9
"""What sums of floating point may be off by, relatively: nobody is rolled back for less."""


class Metric(StrEnum):
    """What can be gated."""

    ACCURACY = "accuracy"
    """Share of the candidate's decisions that were right, by measured outcomes."""
    REGRET = "regret"
    """The candidate's mean regret, in the task's cost unit."""
    REGRET_OVER_CONTROL = "regret_over_control"
    """The candidate's mean regret less the control's."""
    ERROR_RATE = "error_rate"
    """Share of the candidate's decisions that failed."""
    LATENCY_P99_MS = "latency_p99_ms"
    """The 99th percentile of how long the candidate's answers took."""
    THROUGHPUT_RATIO = "throughput_ratio"
    """The candidate's mean throughput over the control's."""

    @property
    def words(self) -> str:
        """As people say it."""
        return _WORDS.get(self, self.value.replace("_", " "))

    @property
    def higher_is_better(self) -> bool:
        """Whether the limit is the least that is wanted, not the most that is allowed."""
        return self in (Metric.ACCURACY, Metric.THROUGHPUT_RATIO)

    @property
    def against_control(self) -> bool:
        """Whether the control has to be measured, too."""
        return self in (Metric.REGRET_OVER_CONTROL, Metric.THROUGHPUT_RATIO)


_WORDS = {
    Metric.LATENCY_P99_MS: "p99 latency in ms",
    Metric.REGRET: "mean regret",
    Metric.THROUGHPUT_RATIO: "throughput over control",
}

LIMITS: Mapping[Metric, float] = MappingProxyType(
    {
        Metric.ACCURACY: 0.95,
        Metric.ERROR_RATE: 0.05,
        Metric.LATENCY_P99_MS: 15.0,
        Metric.REGRET_OVER_CONTROL: 0.0,
        Metric.THROUGHPUT_RATIO: 0.95,
    }
)
"""The usual limits; a mean regret has none, being in the task's own unit."""


class Verdict(StrEnum):
    """What a gate says."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class RolloutGate(Struct, frozen=True, forbid_unknown_fields=True):
    """A limit on one metric.

    Attributes:
        metric: what is measured.
        limit: in the metric's unit; the least wanted or the most allowed, by the metric.
        samples: measurements needed to pass; of each arm where the control is compared.
        breach_samples: measurements needed to fail where the interval is beyond the limit.
        margin: how far beyond the limit the figure itself fails, with ``samples``; None for never.
    """

    metric: Metric
    limit: float
    samples: int = 200
    breach_samples: int = 50
    margin: float | None = None

    def check(self) -> None:
        """Refuse what is no gate.

        Raises:
            InputError: a number that makes no sense, named.
        """
        name = f"the gate {self.metric}"
        if not math.isfinite(self.limit) or (self.margin is not None and not 0 < self.margin < math.inf):
            raise InputError(f"{name} needs a finite limit, and a margin above 0 if any")
        if not 2 <= self.breach_samples <= self.samples:
            raise InputError(f"{name} needs 2 samples or more to fail, and no fewer to pass")
        if self.metric in (Metric.ACCURACY, Metric.ERROR_RATE) and not 0 <= self.limit <= 1:
            raise InputError(f"{name} is a share: its limit lies between 0 and 1, not at {self.limit:g}")
        if self.metric is Metric.LATENCY_P99_MS and self.samples < _NEEDS_FOR_P99:
            raise InputError(f"{name} needs {_NEEDS_FOR_P99} samples or more: fewer have no 99th percentile")


class Figure(NamedTuple):
    """What was measured, with the bounds of its interval."""

    value: float
    low: float
    high: float
    samples: int


class Finding(Struct, frozen=True):
    """A gate's verdict with what was measured; ``value`` is None where nothing was."""

    metric: Metric
    verdict: Verdict
    limit: float
    count: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    recent: bool = False
    """Whether only the last minutes of the stage were looked at."""

    def words(self) -> str:
        """``error rate 0.081 over 412 decisions``; what was measured, without limit or stage."""
        if self.value is None:
            return f"{self.metric.words} not measured yet"
        last = "the last " if self.recent else ""
        return f"{self.metric.words} {self.value:.3g} over {last}{self.count} decisions"


def judge(gate: RolloutGate, figure: Figure, *, recent: bool = False) -> Finding:
    """Hold a figure against a gate.

    Args:
        gate: the limit.
        figure: what was measured.
        recent: whether the figure is that of the last minutes alone.
    """
    return Finding(
        metric=gate.metric,
        verdict=_verdict(gate, figure),
        limit=gate.limit,
        count=figure.samples,
        value=_finite(figure.value),
        low=_finite(figure.low),
        high=_finite(figure.high),
        recent=recent,
    )


def figure_of(metric: Metric, candidate: Sums, control: Sums, level: float) -> Figure:
    """What was measured of the candidate, against the control where the metric says so.

    Args:
        metric: which figure.
        candidate: its sums.
        control: those of the control.
        level: the interval's level, inside (0, 1).
    """
    z = _score(level)
    match metric:
        case Metric.ACCURACY:
            return _share(candidate.right, candidate.judged, z)
        case Metric.ERROR_RATE:
            return _share(candidate.failed, candidate.decisions, z)
        case Metric.LATENCY_P99_MS:
            return _p99(candidate.latency_ms, z)
        case Metric.REGRET:
            return _mean(candidate.regret, z)
        case Metric.REGRET_OVER_CONTROL:
            return _difference(candidate.regret, control.regret, z)
        case Metric.THROUGHPUT_RATIO:
            return _ratio(candidate.throughput_mbps, control.throughput_mbps, z)


def _verdict(gate: RolloutGate, figure: Figure) -> Verdict:
    sign = 1.0 if gate.metric.higher_is_better else -1.0
    short = sign * (gate.limit - figure.value)
    best = figure.high if gate.metric.higher_is_better else figure.low
    if figure.samples >= gate.breach_samples and sign * (gate.limit - best) > _ROUNDING * abs(gate.limit):
        return Verdict.FAIL
    if figure.samples < gate.samples:
        return Verdict.INCONCLUSIVE
    if gate.margin is not None and short > gate.margin:
        return Verdict.FAIL
    return Verdict.PASS if short <= _ROUNDING * abs(gate.limit) else Verdict.INCONCLUSIVE


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


@cache
def _score(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)


def _share(held: int, count: int, z: float) -> Figure:
    if not count:
        return Figure(math.nan, 0.0, 1.0, 0)
    share = held / count
    scale = 1 + z * z / count
    middle = (share + z * z / (2 * count)) / scale
    reach = z / scale * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return Figure(share, max(0.0, middle - reach), min(1.0, middle + reach), count)


def _p99(latencies: Latencies, z: float) -> Figure:
    count = latencies.count
    if not count:
        return Figure(math.nan, 0.0, math.inf, 0)
    reach = z * math.sqrt(count * _P99 * (1 - _P99))
    low_ms, _ = latencies.at_rank(math.floor(count * _P99 - reach))
    _, high_ms = latencies.at_rank(math.ceil(count * _P99 + reach) + 1)
    _, p99_ms = latencies.at_rank(math.ceil(count * _P99))
    return Figure(p99_ms, low_ms, high_ms, count)


def _mean(one: Moments, z: float) -> Figure:
    if not one.count:
        return Figure(math.nan, -math.inf, math.inf, 0)
    reach = z * math.sqrt(one.variance / one.count)
    return Figure(one.mean, one.mean - reach, one.mean + reach, one.count)


def _difference(one: Moments, other: Moments, z: float) -> Figure:
    count = min(one.count, other.count)
    if not count:
        return Figure(math.nan, -math.inf, math.inf, 0)
    reach = z * math.sqrt(one.variance / one.count + other.variance / other.count)
    value = one.mean - other.mean
    if abs(value) <= _ROUNDING * max(abs(one.mean), abs(other.mean)):
        value = 0.0
    return Figure(value, value - reach, value + reach, count)


def _ratio(one: Moments, other: Moments, z: float) -> Figure:
    count = min(one.count, other.count)
    if not count or other.mean <= 0:
        return Figure(math.nan, -math.inf, math.inf, 0)
    value = one.mean / other.mean
    spread = one.variance / one.count + value * value * other.variance / other.count
    reach = z * math.sqrt(spread) / other.mean
    return Figure(value, value - reach, value + reach, count)
