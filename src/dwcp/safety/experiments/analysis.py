"""An experiment judged as it stands: sample ratio, effects, guardrails, and what to do.

Several arms and several guardrails are several chances of being wrong, so each sequence gets its part of
``alpha`` (Bonferroni): the metric that decides ``alpha / (arms - 1)``, each guardrail that divided by the
number of guardrails. Holm's method gains nothing here: a sequence is fixed before it is known which arm will
lead. A rollout needs *every* guardrail kept, which needs no further correction (intersection-union test).
"""

from dataclasses import dataclass

from dwcp.safety.experiments.comparison import compare_arm
from dwcp.safety.experiments.observations import Observations
from dwcp.safety.experiments.plan import ExperimentPlan
from dwcp.safety.experiments.recommendation import ArmFinding, Recommendation, recommend
from dwcp.safety.experiments.sample_ratio import SampleRatio, check_sample_ratio

__all__ = ["Analysis", "analyse"]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What an experiment says so far.

    Attributes:
        plan: what was planned.
        sample_ratio: whether the split can be trusted.
        findings: of each arm but control, in the plan's order.
        recommendation: what to do, and why.
        outcomes: how many there were.
        mixed: units that met two arms, left out.
        unexposed: outcomes of units that had met no arm, left out.
    """

    plan: ExperimentPlan
    sample_ratio: SampleRatio
    findings: tuple[ArmFinding, ...]
    recommendation: Recommendation
    outcomes: int
    mixed: int
    unexposed: int

    def as_json(self) -> dict[str, object]:
        """The analysis as JSON values."""
        return {
            "experiment": self.plan.name,
            "control": self.plan.control,
            "alpha": self.plan.alpha,
            "outcomes": self.outcomes,
            "mixed_units": self.mixed,
            "unexposed_outcomes": self.unexposed,
            "sample_ratio": self.sample_ratio.as_json(),
            "arms": [finding.as_json() for finding in self.findings],
            "recommendation": self.recommendation.as_json(),
        }


def analyse(plan: ExperimentPlan, seen: Observations) -> Analysis:
    """Judge an experiment as it stands; it may be asked as often as one likes.

    Args:
        plan: what was planned.
        seen: what was observed, with the plan's arms and metrics.
    """
    alpha = plan.alpha / (len(plan.arms) - 1)
    guarded = alpha / max(1, len(plan.guardrails))
    findings = tuple(
        ArmFinding(
            arm.name,
            compare_arm(plan, seen, arm.name, plan.metric, alpha),
            tuple(compare_arm(plan, seen, arm.name, each, guarded) for each in plan.guardrails),
        )
        for arm in plan.arms[1:]
    )
    ratio = check_sample_ratio(seen.exposed, plan.shares)
    advice = recommend(findings, ratio, seen.mixed)
    return Analysis(plan, ratio, findings, advice, len(seen), seen.mixed, seen.unexposed)
