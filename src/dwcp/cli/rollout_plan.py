"""A rollout's plan from the words of a command line, and which metrics each task measures while it serves."""

from collections.abc import Sequence

from dwcp.errors import InputError
from dwcp.safety.rollout import DEFAULT_REGION, STAGES, Metric, RolloutPlan, Stage, usual_plan

__all__ = ["measured_by", "plan_of"]

_ALWAYS = frozenset({Metric.ERROR_RATE, Metric.LATENCY_P99_MS})
_JUDGED = _ALWAYS | {Metric.ACCURACY, Metric.REGRET, Metric.REGRET_OVER_CONTROL}
_MEASURED = {
    **dict.fromkeys(("bandwidth", "consensus", "prefetch", "reliability"), _JUDGED),
    "compression": _ALWAYS | {Metric.THROUGHPUT_RATIO},
}
"""What outcomes tell, by task: of one block, only what was done is measured, not what had been better."""


def measured_by(task: str) -> frozenset[Metric]:
    """The metrics that a task measures once its outcomes are told."""
    return _MEASURED.get(task, _ALWAYS)


def plan_of(
    task: str,
    *,
    waves: Sequence[str],
    hold_hours: float,
    samples: int,
    approve_after: str,
    limits: Sequence[str],
    rollback: str,
) -> RolloutPlan:
    """The plan that the options of ``dwcp rollout start`` describe.

    Args:
        task: what is rolled out.
        waves: the regions of each wave, with commas between them; one region if there is none.
        hold_hours: least time in each stage.
        samples: least decisions of the candidate in each stage.
        approve_after: stages with commas between them, ``all`` or nothing.
        limits: ``metric=number`` each.
        rollback: ``all`` or ``region``.

    Raises:
        InputError: an option that means nothing; the message says what it may be.
    """
    if rollback not in ("all", "region"):
        raise InputError(f"--rollback is all or region, not {rollback!r}")
    return usual_plan(
        measured_by(task),
        waves=tuple(tuple(_words(wave)) for wave in waves) or ((DEFAULT_REGION,),),
        hold_s=hold_hours * 3600.0,
        samples=samples,
        approvals=_stages(approve_after),
        limits=dict(_limit(given) for given in limits),
        rollback="all" if rollback == "all" else "region",
    )


def _words(given: str) -> list[str]:
    return [word.strip() for word in given.split(",") if word.strip()]


def _stages(given: str) -> tuple[Stage, ...]:
    if given.strip() == "all":
        return STAGES
    known = {stage.value: stage for stage in STAGES}
    for word in _words(given):
        if word not in known:
            raise InputError(
                f"--approve-after: {word!r} is not a stage; stages are {', '.join(known)}, or all"
            )
    return tuple(known[word] for word in _words(given))


def _limit(given: str) -> tuple[Metric, float]:
    name, _, number = given.partition("=")
    try:
        return Metric(name), float(number)
    except ValueError:
        known = ", ".join(Metric)
        raise InputError(
            f"--limit {given!r} means nothing; write METRIC=NUMBER, with one of {known}"
        ) from None
