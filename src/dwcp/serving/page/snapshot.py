"""What a server is at one moment, as the page shows it."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from dwcp.safety.breaker import CircuitBreaker
from dwcp.serving._served import ServedModel
from dwcp.serving._slot import Slot
from dwcp.serving.counts import LATENCY_BOUNDS_MS, HintKey, Latencies
from dwcp.serving.hint import Reason
from dwcp.serving.metrics import CONTROL, MODEL, Observed
from dwcp.serving.metrics.cached import Cached
from dwcp.serving.metrics.published import Published
from dwcp.serving.metrics.tallies import gain_pct
from dwcp.serving.page.data import Course, DecisionView, LatencyView, ModelView, PageData, TaskView

__all__ = ["snapshot"]

ValueT = TypeVar("ValueT")

_STEPS = 96
_SLOTS_A_STEP = 3
_DIGITS = 12
_DRIFTED = 1.0
_ROLES = ("champion", "challenger", "shadow")


def snapshot(observed: Observed, now: float) -> PageData:
    """Everything the page shows. Reads no clock and changes nothing.

    Args:
        observed: what is looked at.
        now: seconds since 1970.
    """
    published = _got(observed.published) or {}
    rollouts = _got(observed.rolled) or ()
    drifts = _got(observed.drifted) or ()
    experiments = _got(observed.tried)
    counts, latencies = observed.advisor.counts(), observed.advisor.latencies()
    tasks = []
    for name, slot in sorted(observed.advisor.slots().items()):
        of_task = {key: count for key, count in counts.items() if key.task == name}
        hints = sum(of_task.values())
        tasks.append(
            TaskView(
                name,
                slot.task.cost_unit,
                tuple(_models(slot, published.get(name), observed, now)),
                _serving(slot),
                hints,
                _by_model(of_task) / hints if hints else None,
                _decisions(of_task, hints),
                _latency(latencies.get(name)),
                *_courses(observed, name, now),
                gain_pct(
                    observed.judgements.last(name, MODEL, now), observed.judgements.last(name, CONTROL, now)
                ),
                tuple(one for one in rollouts if one.task == name),
                tuple(
                    f"{one.kind} {one.name}" for one in drifts if one.task == name and one.score >= _DRIFTED
                ),
            )
        )
    path, points = observed.forecasts.latest()
    return PageData(now, tuple(tasks), path, points, experiments, tuple(_problems(observed)))


def _models(slot: Slot, published: Published | None, observed: Observed, now: float) -> Iterator[ModelView]:
    """The aliases' versions, then what is loaded besides."""
    loaded = slot.loaded()
    roles: dict[str, str] = {}
    if published is not None:
        for alias in _ROLES:
            if (version := published.aliases.get(alias)) is not None:
                roles[version] = f"{roles[version]}, {alias}" if version in roles else alias
    for version, model in reversed(loaded.items()):
        roles.setdefault(version, "in service" if model is slot.model else "beside")
    for version, role in roles.items():
        yield _model(version, role, slot.task.name, loaded.get(version), published, observed, now)


def _model(
    version: str,
    role: str,
    task: str,
    model: ServedModel | None,
    published: Published | None,
    observed: Observed,
    now: float,
) -> ModelView:
    listed = None if published is None else published.models.get(version)
    digest = model.ref.digest if model is not None else "" if listed is None else listed.digest
    age_s = None if listed is None or listed.published_s is None else max(0.0, now - listed.published_s)
    if model is not None:
        met = sum(gate.met for gate in model.manifest.gates)
        gates = f"{met} of {len(model.manifest.gates)} met" if model.manifest.gates else "none set"
    elif listed is None or listed.problem:
        gates = "unknown"
    else:
        gates = "all met" if listed.gates_met else "not all met"
    accuracy = observed.judgements.last(task, version, now).accuracy
    return ModelView(role, version, digest[:_DIGITS], age_s, gates, _breaker(model), accuracy)


def _breaker(model: ServedModel | None) -> str:
    if model is None or not isinstance(model.breaker, CircuitBreaker):
        return ""
    return model.breaker.state.value.replace("_", "-")


def _serving(slot: Slot) -> str:
    if slot.model is None:
        return f"rule: {slot.absence[1]}"
    return slot.model.ref.version


def _by_model(counts: Mapping[HintKey, int]) -> int:
    return sum(count for key, count in counts.items() if key.reason is Reason.MODEL)


def _decisions(counts: Mapping[HintKey, int], hints: int) -> tuple[DecisionView, ...]:
    by_reason: dict[Reason, int] = {}
    for key, count in counts.items():
        by_reason[key.reason] = by_reason.get(key.reason, 0) + count
    return tuple(
        DecisionView(
            reason.value.replace("_", " ").capitalize(), reason is Reason.MODEL, count, count / hints
        )
        for reason, count in sorted(by_reason.items(), key=lambda pair: (-pair[1], pair[0]))
    )


def _latency(latencies: Latencies | None) -> LatencyView | None:
    if latencies is None or not sum(latencies.counts):
        return None
    return LatencyView(_quantile(latencies, 0.5), _quantile(latencies, 0.99), latencies.counts)


def _quantile(latencies: Latencies, share: float) -> float:
    """Within its bucket by straight line, as Prometheus does it."""
    rank, below = share * sum(latencies.counts), 0
    for index, (bound, count) in enumerate(zip(LATENCY_BOUNDS_MS, latencies.counts, strict=False)):
        if count and below + count >= rank:
            low = LATENCY_BOUNDS_MS[index - 1] if index else 0.0
            return low + (bound - low) * (rank - below) / count
        below += count
    return math.inf


def _courses(observed: Observed, task: str, now: float) -> tuple[Course, Course]:
    """Of accuracy, and of regret."""
    judgements = observed.judgements
    model, control = (judgements.course(task, arm, now, _STEPS, _SLOTS_A_STEP) for arm in (MODEL, CONTROL))
    ours, theirs = (judgements.last(task, arm, now) for arm in (MODEL, CONTROL))
    return (
        Course(
            [step.accuracy for step in model],
            [step.accuracy for step in control],
            ours.accuracy,
            theirs.accuracy,
        ),
        Course(
            [step.regret for step in model],
            [step.regret for step in control],
            ours.regret,
            theirs.regret,
        ),
    )


def _problems(observed: Observed) -> Iterator[str]:
    sources: dict[str, Cached[Any]] = dict(observed.sources())
    if observed.tried is not None:
        sources["experiments"] = observed.tried
    for name, source in sources.items():
        if source.error is not None:
            yield f"{name}: {source.error}"


def _got(source: Cached[ValueT] | None) -> ValueT | None:
    return None if source is None else source.get()
