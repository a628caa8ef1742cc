"""What to do with an experiment as it stands: roll out, roll back, or go on.

Every arm but control has a `Standing` by the metric that decides, and by each guardrail. Then the first that
applies:

1. Every arm does surely harm (worse by the metric, or a guardrail breached): *rollback*. This comes before
   the question of trust, as to go back is safe even where the figures are not.
2. The sample ratio is off, units met two arms, or looks contradict each other: *continue*, and nothing is
   decided from it; it says that it can't be trusted.
3. An arm is surely better and keeps every guardrail: *rollout*, of the one whose effect is the greatest.
4. Otherwise *continue*; an arm that does harm is named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from dwcp.safety.experiments.comparison import Comparison
from dwcp.safety.experiments.sample_ratio import SAMPLE_RATIO_THRESHOLD, SampleRatio
from dwcp.words import counted

__all__ = ["ArmFinding", "Recommendation", "Standing", "Verdict", "recommend", "standing_of"]

_MIXED_SHARE = 0.01
"""Share of units that met two arms above which assignment counts as broken."""


class Verdict(StrEnum):
    """What to do."""

    ROLLOUT = "rollout"
    ROLLBACK = "rollback"
    CONTINUE = "continue"


class Standing(StrEnum):
    """What a sequence says so far."""

    TOO_LITTLE = "too_little_data"
    OPEN = "open"
    BETTER = "better"
    WORSE = "worse"
    KEPT = "kept"
    """A guardrail: surely not worse than control by more than the margin."""
    BREACHED = "breached"
    """A guardrail: surely worse by more than the margin."""


@dataclass(frozen=True, slots=True)
class ArmFinding:
    """One arm beside control.

    Attributes:
        arm: its name.
        primary: by the metric that decides.
        guardrails: by the others.
    """

    arm: str
    primary: Comparison
    guardrails: tuple[Comparison, ...]

    @property
    def standing(self) -> Standing:
        """By the metric that decides."""
        return standing_of(self.primary)

    @property
    def breached(self) -> tuple[Comparison, ...]:
        """Guardrails that are surely broken."""
        return tuple(each for each in self.guardrails if standing_of(each) is Standing.BREACHED)

    @property
    def harmful(self) -> bool:
        """Whether the arm does surely harm."""
        return self.standing is Standing.WORSE or bool(self.breached)

    @property
    def winning(self) -> bool:
        """Whether the arm is surely better and keeps every guardrail."""
        kept = all(standing_of(each) is Standing.KEPT for each in self.guardrails)
        return self.standing is Standing.BETTER and kept

    @property
    def contradictory(self) -> bool:
        """Whether a sequence has no effect left that every look allows."""
        return any(each.contradictory for each in (self.primary, *self.guardrails))

    def as_json(self) -> dict[str, object]:
        """The finding as JSON values."""
        return {
            "arm": self.arm,
            "standing": self.standing.value,
            "primary": self.primary.as_json(),
            "guardrails": [
                {**each.as_json(), "standing": standing_of(each).value} for each in self.guardrails
            ],
        }


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to do, and why.

    Attributes:
        verdict: roll out, roll back, or go on.
        arm: the one to roll out, or the first that does harm; None otherwise.
        trusted: False where assignment or figures are broken.
        why: one sentence.
    """

    verdict: Verdict
    arm: str | None
    trusted: bool
    why: str

    def as_json(self) -> dict[str, object]:
        """The recommendation as JSON values."""
        return {"verdict": self.verdict.value, "arm": self.arm, "trusted": self.trusted, "why": self.why}


def standing_of(comparison: Comparison) -> Standing:
    """What a sequence says of its metric; a guardrail is one with a margin."""
    harm, margin = comparison.harm, comparison.metric.margin
    if harm is None:
        return Standing.TOO_LITTLE
    if margin is None:
        return Standing.WORSE if harm.low > 0 else Standing.BETTER if harm.high < 0 else Standing.OPEN
    return Standing.BREACHED if harm.low > margin else Standing.KEPT if harm.high <= margin else Standing.OPEN


def recommend(findings: Sequence[ArmFinding], ratio: SampleRatio, mixed: int) -> Recommendation:
    """What to do.

    Args:
        findings: of each arm but control, at least one.
        ratio: whether the split can be trusted.
        mixed: units that met two arms.
    """
    doubt = _doubt(findings, ratio, mixed)
    harmful = [finding for finding in findings if finding.harmful]
    if len(harmful) == len(findings):
        why = "; ".join(_harm_words(finding) for finding in harmful)
        return Recommendation(
            Verdict.ROLLBACK, harmful[0].arm, not doubt, why + (f"; {doubt}" if doubt else "")
        )
    if doubt:
        return Recommendation(Verdict.CONTINUE, None, False, doubt)
    winning = [finding for finding in findings if finding.winning]
    if winning:
        best = min(winning, key=_estimated_harm)
        return Recommendation(Verdict.ROLLOUT, best.arm, True, _win_words(best))
    return Recommendation(Verdict.CONTINUE, None, True, "; ".join(map(_open_words, findings)))


def _doubt(findings: Sequence[ArmFinding], ratio: SampleRatio, mixed: int) -> str:
    if not ratio.trusted:
        split = ", ".join(f"{arm} {ratio.counts[arm]:,} of {due:,.0f}" for arm, due in ratio.expected.items())
        return (
            f"it can't be trusted: the arms have other shares of the units than configured ({split}; p "
            f"{ratio.p_value:.1g}, below {SAMPLE_RATIO_THRESHOLD}); mend assignment or logging and begin anew"
        )
    whole = mixed + sum(ratio.counts.values())
    if mixed > _MIXED_SHARE * whole:
        return (
            f"it can't be trusted: {mixed:,} of {counted(whole, 'unit')} met two arms; mend assignment, then "
            f"begin anew"
        )
    for finding in findings:
        if finding.contradictory:
            return (
                f"it can't be trusted: what was seen of {finding.arm} early and late contradicts itself; "
                f"find out what changed on the way"
            )
    return ""


def _estimated_harm(finding: ArmFinding) -> float:
    harm = finding.primary.harm
    return 0.0 if harm is None else harm.estimate


def _win_words(finding: ArmFinding) -> str:
    kept = f", and {counted(len(finding.guardrails), 'guardrail')} kept" if finding.guardrails else ""
    return f"{finding.arm} is better by {_effect_words(finding.primary)}{kept}"


def _harm_words(finding: ArmFinding) -> str:
    if finding.breached:
        worst = finding.breached[0]
        return f"{finding.arm} breaks a guardrail of {worst.metric.margin:g}: {_effect_words(worst)}"
    return f"{finding.arm} is worse by {_effect_words(finding.primary)}"


def _open_words(finding: ArmFinding) -> str:
    if finding.harmful:
        return _harm_words(finding)
    for each in (finding.primary, *finding.guardrails):
        if standing_of(each) is Standing.TOO_LITTLE:
            return f"{finding.arm} has too little data on {each.metric.name}"
    if finding.standing is Standing.OPEN:
        return f"{finding.arm} may be better or worse: {_effect_words(finding.primary)}"
    unsure = next(each for each in finding.guardrails if standing_of(each) is Standing.OPEN)
    return f"{finding.arm} is better, but a guardrail is not sure yet: {_effect_words(unsure)}"


def _effect_words(comparison: Comparison) -> str:
    effect = comparison.effect
    if effect is None:
        return comparison.metric.name
    return (
        f"{comparison.metric.name} {effect.estimate:+.4g} ({effect.low:+.4g} to {effect.high:+.4g}, "
        f"{effect.level:.4g} always-valid)"
    )
