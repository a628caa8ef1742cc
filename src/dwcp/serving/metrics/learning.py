"""``dwcp_ml_*``: hints, what came of them, models, breakers, rollouts and drift."""

from collections.abc import Iterable, Iterator
from types import MappingProxyType

from prometheus_client.metrics_core import Metric

from dwcp.safety.breaker import BreakerState, CircuitBreaker
from dwcp.safety.rollout.stages import Stage
from dwcp.serving.counts import HintKey
from dwcp.serving.hint import Reason
from dwcp.serving.metrics.families import counter, gauge, latency_histogram
from dwcp.serving.metrics.judgements import CONTROL, MODEL
from dwcp.serving.metrics.observed import Observed
from dwcp.serving.metrics.tallies import gain_pct
from dwcp.serving.metrics.versions import VersionFold

__all__ = ["BREAKER_NUMBERS", "STAGE_NUMBERS", "UNKNOWN_TASK", "choice_of", "learning_metrics"]

UNKNOWN_TASK = "unknown"
"""Label of all names that are no task."""
BREAKER_NUMBERS = MappingProxyType({BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2})
"""States as samples."""
STAGE_NUMBERS = MappingProxyType(
    {
        Stage.ROLLED_BACK: -1,
        Stage.PENDING: 0,
        Stage.SHADOW: 1,
        Stage.CANARY_5: 2,
        Stage.SHARE_25: 3,
        Stage.SHARE_50: 4,
        Stage.SHARE_75: 5,
        Stage.SHARE_100: 6,
        Stage.COMPLETE: 7,
    }
)
"""Stages as samples."""
_CONTROLS = (Reason.ROLLOUT_CONTROL, Reason.EXPERIMENT_CONTROL)
_ARMS = (MODEL, CONTROL)


def learning_metrics(observed: Observed, versions: VersionFold) -> Iterator[Metric]:
    """All of them.

    Args:
        observed: what is looked at.
        versions: which versions have a label.
    """
    yield from _hints(observed, versions)
    yield from _judged(observed)
    yield from _models(observed)
    yield from _safety(observed)


def choice_of(key: HintKey) -> str:
    """Whose answer a hint was: ``model``, ``fallback``, ``control``; ``none`` where there is no such task."""
    if not key.task:
        return "none"
    if key.reason is Reason.MODEL:
        return "model"
    return "control" if key.reason in _CONTROLS else "fallback"


def _hints(observed: Observed, versions: VersionFold) -> Iterator[Metric]:
    advisor = observed.advisor
    serving = {name: slot.loaded() for name, slot in advisor.slots().items()}
    yield latency_histogram(
        "dwcp_ml_prediction_latency_ms",
        "How long a hint took, from the asking to the answer, in ms",
        ("task",),
        (((task or UNKNOWN_TASK,), told) for task, told in advisor.latencies().items()),
    )
    yield counter(
        "dwcp_ml_predictions",
        "Hints that were given, by whose answer it was, why, and the version that answered or would have",
        ("task", "choice", "reason", "version"),
        (
            ((key.task or UNKNOWN_TASK, choice_of(key), key.reason.value, key.version), float(count))
            for key, count in versions.fold(advisor.counts(), serving).items()
        ),
    )


def _judged(observed: Observed) -> Iterator[Metric]:
    judgements, now = observed.judgements, observed.clock()
    last = {(task, arm): judgements.last(task, arm, now) for task in judgements.tasks for arm in _ARMS}
    units = {name: slot.task.cost_unit for name, slot in observed.advisor.slots().items()}
    yield gauge(
        "dwcp_ml_accuracy_daily",
        "Share of answers of the last 24 h that were right, by measured outcomes (0 to 1)",
        ("task", "arm"),
        ((key, tally.accuracy) for key, tally in last.items()),
    )
    yield gauge(
        "dwcp_ml_regret",
        "Mean cost over the best in hindsight, over the last 24 h, in the task's cost unit",
        ("task", "arm", "unit"),
        (((task, arm, units.get(task, "")), tally.regret) for (task, arm), tally in last.items()),
    )
    yield gauge(
        "dwcp_ml_throughput_gain_pct",
        "Mean throughput with the model over that with the rule, over the last 24 h, in percent more",
        ("task",),
        (((task,), gain_pct(last[task, MODEL], last[task, CONTROL])) for task in judgements.tasks),
    )
    yield gauge(
        "dwcp_ml_judged_daily",
        "Outcomes of the last 24 h that told a figure of an answer",
        ("task", "arm", "figure"),
        (
            ((task, arm, figure), float(count))
            for (task, arm), tally in last.items()
            for figure, count in (
                ("accuracy", tally.judged),
                ("regret", tally.regrets),
                ("throughput", tally.moved),
            )
        ),
    )


def _models(observed: Observed) -> Iterator[Metric]:
    slots = observed.advisor.slots()
    breakers = [
        ((name, version), float(BREAKER_NUMBERS[model.breaker.state]))
        for name, slot in slots.items()
        for version, model in slot.loaded().items()
        if isinstance(model.breaker, CircuitBreaker)
    ]
    yield gauge(
        "dwcp_ml_breaker_state",
        "State of a model's circuit breaker: 0 closed, 1 half-open, 2 open",
        ("task", "version"),
        breakers,
    )
    published = observed.published and observed.published.get()
    if not published:
        return
    now = observed.clock()
    ages: list[tuple[tuple[str, str], float]] = []
    for name, ref in observed.advisor.models().items():
        listed = published[name].models.get(ref.version) if ref is not None and name in published else None
        if listed is not None and listed.published_s is not None:
            ages.append(((name, listed.version), max(0.0, now - listed.published_s)))
    yield gauge(
        "dwcp_ml_model_age_seconds",
        "Time since the model in service was published, in s",
        ("task", "version"),
        ages,
    )


def _safety(observed: Observed) -> Iterable[Metric]:
    rollouts = observed.rolled and observed.rolled.get()
    if rollouts:
        yield gauge(
            "dwcp_ml_rollout_stage",
            "Stage of a rollout: -1 rolled back, 0 pending, 1 shadow, 2 canary 5%, 3 to 6 for 25% to 100%, "
            "7 complete",
            ("task", "region", "version"),
            (((one.task, one.region, one.version), float(STAGE_NUMBERS[one.stage])) for one in rollouts),
        )
    drifts = observed.drifted and observed.drifted.get()
    if drifts:
        yield gauge(
            "dwcp_ml_drift",
            "Drift, as the statistic over the limit it is held against: 1 or more is drift",
            ("task", "kind", "name"),
            (((one.task, one.kind, one.name), one.score) for one in drifts),
        )
