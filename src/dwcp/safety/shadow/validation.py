"""Whether a candidate that ran in the shadow is accurate enough to be given traffic.

*Accuracy* is the share of judged decisions whose ``correct`` is true (see `dwcp.safety.shadow.decision`); a
decision that the candidate failed is judged, and wrong. Its interval is always-valid (`proportion_sequence`),
as such a log is looked at again and again until it passes.

Decisions of one unit resemble each other, so they say less than as many independent ones: the interval is
that of an effective number of decisions, the true number divided by the design effect, which is the variance
of the accuracy by units over that by decisions (Korn and Graubard, "Confidence intervals for proportions with
small expected number of positive counts estimated from survey data", Survey Methodology, 1998).

The verdict on a task: *pass* where the whole interval reaches the target, *fail* where none of it does,
*inconclusive* where it lies on both sides, or too few decisions are judged. On a log: the worst of its
tasks', where fail is worse than inconclusive.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np

from dwcp.errors import InputError
from dwcp.evaluation.intervals import Interval
from dwcp.safety.experiments.sequences import proportion_sequence
from dwcp.safety.shadow.decision import ShadowDecision
from dwcp.safety.shadow.reading import ShadowRecords

__all__ = ["ShadowTarget", "ShadowVerdict", "TaskValidation", "Validation", "validate_shadow"]

_LEAST_UNITS = 10
"""Fewer tell nothing of how units differ: decisions are then taken as they are, and that is said."""


class ShadowVerdict(StrEnum):
    """What a log says of the candidate."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class ShadowTarget:
    """What is asked of a candidate.

    Attributes:
        accuracy: to reach, above 0 and at most 1.
        min_decisions: judged ones; fewer are inconclusive.
        alpha: chance of a wrong verdict, however often one looks, inside (0, 1).

    Raises:
        InputError: one is out of range.
    """

    accuracy: float
    min_decisions: int = 1000
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.accuracy <= 1:
            raise InputError(f"the target accuracy must be above 0 and at most 1, not {self.accuracy}")
        if self.min_decisions < 1 or not 0 < self.alpha < 1:
            raise InputError("a validation takes one decision or more and an alpha inside (0, 1)")


@dataclass(frozen=True, slots=True)
class TaskValidation:
    """One task and candidate.

    Attributes:
        task: its name.
        candidate: version.
        decisions: in the log.
        judged: of them, with an outcome to be judged by, or failed.
        units: with a judged decision.
        accuracy: with its interval; None where nothing is judged.
        effective: number of independent decisions that say as much as the judged ones.
        agreement: share of the decisions it answered that are the champion's; None where it answered none.
        champion_regret: mean over the decisions where both are known; None where they never are.
        candidate_regret: likewise.
        error_rate: share of all decisions that the candidate failed.
        p99_latency_ms: of the candidate.
        verdict: see the module.
        why: one sentence.
    """

    task: str
    candidate: str
    decisions: int
    judged: int
    units: int
    accuracy: Interval | None
    effective: float
    agreement: float | None
    champion_regret: float | None
    candidate_regret: float | None
    error_rate: float
    p99_latency_ms: float
    verdict: ShadowVerdict
    why: str

    def as_json(self) -> dict[str, object]:
        """The task as JSON values."""
        return {**asdict(self), "verdict": self.verdict.value}


@dataclass(frozen=True, slots=True)
class Validation:
    """What a log says.

    Attributes:
        target: what was asked.
        tasks: each task and candidate, by the alphabet.
    """

    target: ShadowTarget
    tasks: tuple[TaskValidation, ...]

    @property
    def verdict(self) -> ShadowVerdict:
        """The worst of the tasks'."""
        found = {task.verdict for task in self.tasks}
        order = (ShadowVerdict.FAIL, ShadowVerdict.INCONCLUSIVE)
        return next((each for each in order if each in found), ShadowVerdict.PASS)


def validate_shadow(records: ShadowRecords, target: ShadowTarget) -> Validation:
    """Judge each task and candidate of a log.

    Args:
        records: of `read_shadow_log`.
        target: what is asked.
    """
    groups: dict[tuple[str, str], list[ShadowDecision]] = defaultdict(list)
    for decision in records.decisions:
        groups[decision.task, decision.candidate].append(decision)
    return Validation(target, tuple(_validated(groups[key], target) for key in sorted(groups)))


def _validated(decisions: Sequence[ShadowDecision], target: ShadowTarget) -> TaskValidation:
    judged = [each for each in decisions if each.failure or each.correct is not None]
    answered = [each for each in decisions if not each.failure]
    units = Counter(each.unit for each in judged)
    effective = _effective(judged) if len(units) >= _LEAST_UNITS else float(len(judged))
    right = sum(map(_right, judged)) / len(judged) if judged else 0.0
    accuracy = proportion_sequence(right * effective, effective, target.alpha) if judged else None
    verdict, why = _verdict(accuracy, len(judged), target)
    regrets = [
        (each.champion_regret, each.candidate_regret)
        for each in decisions
        if each.champion_regret is not None and each.candidate_regret is not None
    ]
    return TaskValidation(
        task=decisions[0].task,
        candidate=decisions[0].candidate,
        decisions=len(decisions),
        judged=len(judged),
        units=len(units),
        accuracy=accuracy,
        effective=effective,
        agreement=_mean(each.candidate_action == each.champion_action for each in answered),
        champion_regret=_mean(champion for champion, _ in regrets),
        candidate_regret=_mean(candidate for _, candidate in regrets),
        error_rate=1 - len(answered) / len(decisions),
        p99_latency_ms=float(np.quantile([each.latency_ms for each in decisions], 0.99, method="higher")),
        verdict=verdict,
        why=why if len(units) >= _LEAST_UNITS else f"{why}, each decision counting by itself",
    )


def _verdict(accuracy: Interval | None, judged: int, target: ShadowTarget) -> tuple[ShadowVerdict, str]:
    if accuracy is None:
        return ShadowVerdict.INCONCLUSIVE, "no outcome is known yet"
    told = f"accuracy {accuracy.estimate:.2%} ({accuracy.low:.2%} to {accuracy.high:.2%})"
    if judged < target.min_decisions:
        return (
            ShadowVerdict.INCONCLUSIVE,
            f"{told} of {judged:,} judged decisions, where {target.min_decisions:,} are wanted",
        )
    if accuracy.low >= target.accuracy:
        return ShadowVerdict.PASS, f"{told} reaches {target.accuracy:.2%}"
    if accuracy.high < target.accuracy:
        return ShadowVerdict.FAIL, f"{told} stays below {target.accuracy:.2%}"
    return ShadowVerdict.INCONCLUSIVE, f"{told} may lie on either side of {target.accuracy:.2%}"


def _right(decision: ShadowDecision) -> bool:
    return bool(decision.correct) and not decision.failure


def _effective(judged: Sequence[ShadowDecision]) -> float:
    """The number of decisions over the design effect, which is taken as 1 at least."""
    count = len(judged)
    right = sum(map(_right, judged)) / count
    excess: dict[str, float] = defaultdict(float)
    for each in judged:
        excess[each.unit] += _right(each) - right
    by_decisions = right * (1 - right) / count
    if not by_decisions:
        return float(count)
    by_units = (
        len(excess) / (len(excess) - 1) * sum(value * value for value in excess.values()) / (count * count)
    )
    return count / max(1.0, by_units / by_decisions)


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return sum(known) / len(known) if known else None
