"""A home in which everything is on: a rollout at canary 5 %, experiments on the same task and on another."""

from pathlib import Path

from dwcp.cli.rollout_plan import measured_by
from dwcp.safety.experiments import Arm, Experiment, ExperimentBook, ExperimentPlan
from dwcp.safety.experiments import Metric as ArmMetric
from dwcp.safety.rollout import Metric, Rollout, Stage, Start, usual_plan
from serving_models import WHO

__all__ = ["begin_experiments", "begin_rollout"]

_WHY = "to measure what asking costs"
_DAY_S = 86_400.0


def begin_rollout(
    home: Path,
    task: str,
    start: tuple[str, str],
    stage: Stage,
    now: float,
    samples: int = 1_000_000,
    *,
    tolerant: bool = False,
) -> None:
    """Roll a version out, and move it to a stage at once.

    Args:
        home: folder of the rollouts.
        task: whose.
        start: the candidate and the champion.
        stage: where to.
        now: seconds since 1970.
        samples: decisions that a stage lasts at least.
        tolerant: let the candidate fail as often, and take as long, as it likes.
    """
    measured = measured_by(task)
    rollout = Rollout(home, task, takes_part=False, who=WHO)
    limits = {Metric.ERROR_RATE: 1.0, Metric.LATENCY_P99_MS: 1e6, Metric.THROUGHPUT_RATIO: 0.0}
    plan = usual_plan(measured, hold_s=_DAY_S, samples=samples, limits=limits if tolerant else None)
    rollout.start(Start(*start, plan), measured, now=now, who=WHO, why=_WHY)
    while (state := rollout.state) is not None and state.regions["default"].stage is not stage:
        rollout.advance(None, now=now, who=WHO, why=_WHY)
    rollout.close()


def begin_experiments(home: Path, task: str, other: str, candidate: str, now: float) -> Experiment:
    """Compare champion and candidate for half of a task's units, rule and champion for all of another's.

    Args:
        home: folder of the experiments.
        task: the one that is asked.
        other: the other one.
        candidate: version of the second arm.
        now: seconds since 1970.

    Returns:
        The first, which tells whose units it takes.
    """
    book = ExperimentBook(home)
    plans = (
        (_plan("beside", other, ("rule", "champion")), 1.0),
        (_plan("same", task, ("champion", candidate)), 0.5),
    )
    for plan, traffic in plans:
        book.create(plan)
        book.start(plan.name, traffic, now=now, who=WHO, why=_WHY)
    return book.record("same").experiment()


def _plan(name: str, task: str, arms: tuple[str, str]) -> ExperimentPlan:
    metric = ArmMetric("throughput_mbps", higher_is_better=True)
    return ExperimentPlan(name, tuple(Arm(arm) for arm in arms), metric, task=task)
