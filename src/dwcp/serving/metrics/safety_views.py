"""Rollouts, experiments and drift as `dwcp.safety` keeps them, as metrics and the page show them."""

from collections.abc import Iterable, Mapping

from dwcp.safety.drift import ColumnDrift, DriftLevel, DriftReport, DriftSettings
from dwcp.safety.experiments import ArmFinding, ExperimentBook, ExperimentRecord, analyse
from dwcp.safety.rollout import Rollout
from dwcp.serving.metrics.views import ArmView, DriftView, ExperimentView, RolloutView

__all__ = ["drift_views", "experiment_views", "rollout_views"]

_BELOW = 0.99
"""What a difference is shown as at most that is not called drift, as chance alone may give it."""


def rollout_views(rollouts: Iterable[Rollout]) -> list[RolloutView]:
    """Every region of every rollout that was ever started.

    Args:
        rollouts: one a task.
    """
    return [
        RolloutView(rollout.task, name, state.start.candidate, region.stage, region.since_s, region.why)
        for rollout in rollouts
        if (state := rollout.state) is not None
        for name, region in state.regions.items()
    ]


def experiment_views(book: ExperimentBook) -> list[ExperimentView]:
    """Every experiment as it stands. Reads all that was seen: not for the asking path.

    Args:
        book: the experiments of a home.

    Raises:
        InputError: one's files cannot be read.
    """
    return [_experiment(book, record) for record in book.records()]


def drift_views(reports: Mapping[str, DriftReport], settings: DriftSettings | None = None) -> list[DriftView]:
    """Every column with enough rows, and the regret.

    Args:
        reports: by task.
        settings: those that the reports were made with; the defaults when None.
    """
    limits = settings or DriftSettings()
    found = []
    for task, report in reports.items():
        found += [
            DriftView(task, str(column.role), column.name, _score(column, limits))
            for column in report.columns
            if column.psi is not None
        ]
        if report.outcome.level is not DriftLevel.TOO_LITTLE:
            found.append(DriftView(task, "outcome", "regret", report.outcome.score))
    return found


def _experiment(book: ExperimentBook, record: ExperimentRecord) -> ExperimentView:
    plan = record.plan
    seen, _ = book.observations(plan.name)
    judged = analyse(plan, seen)
    effects = {finding.arm: _effect(finding) for finding in judged.findings}
    arms = tuple(ArmView(arm.name, seen.exposed[arm.name], effects.get(arm.name, "")) for arm in plan.arms)
    advice = judged.recommendation
    return ExperimentView(
        plan.name,
        record.state.value,
        record.traffic,
        plan.metric.name,
        arms,
        advice.verdict.value,
        advice.why,
    )


def _effect(finding: ArmFinding) -> str:
    effect = finding.primary.effect
    if effect is None:
        return "too little data"
    name = finding.primary.metric.name
    return f"{name} {effect.estimate:+.4g} ({effect.low:+.4g} to {effect.high:+.4g})"


def _score(column: ColumnDrift, limits: DriftSettings) -> float:
    score = max((column.psi or 0.0) / limits.psi_drift, (column.ks or 0.0) / limits.ks_drift)
    return score if column.level is DriftLevel.DRIFT else min(score, _BELOW)
