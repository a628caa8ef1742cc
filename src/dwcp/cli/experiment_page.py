"""An analysis as tables and sentences."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dwcp.cli.output import print_table, say
from dwcp.words import counted

if TYPE_CHECKING:
    from dwcp.safety.experiments import Analysis, Comparison

__all__ = ["tell_analysis"]

_COLUMNS = ("arm", "metric", "units", "control", "arm's", "effect", "always-valid", "level", "standing")
_LOOKS = ("arm", "look", "units", "effect", "at the time", "all looks so far")
_SHOWN = 12
_EPOCH_S = 86_400 * 365
"""Smaller numbers are rows, or seconds of some other beginning, and no dates."""


def tell_analysis(analysis: "Analysis") -> None:
    """Print the split, the comparisons, the looks at the metric that decides, and what to do."""
    ratio = analysis.sample_ratio
    split = ", ".join(f"{arm} {count:,}" for arm, count in ratio.counts.items())
    chance = "too few to tell" if ratio.p_value is None else f"p {ratio.p_value:.2g}"
    say(f"units: {split} (sample ratio: {chance}); {counted(analysis.outcomes, 'outcome')}")
    if analysis.mixed or analysis.unexposed:
        mixed = counted(analysis.mixed, "unit")
        say(f"left out: {mixed} that met two arms, {counted(analysis.unexposed, 'outcome')} before exposure")
    compared = [each for finding in analysis.findings for each in (finding.primary, *finding.guardrails)]
    print_table(_COLUMNS, [_row(each) for each in compared], frozenset({2, 3, 4, 5, 6, 7}))
    looks = [row for finding in analysis.findings for row in _looks(finding.primary)]
    if looks:
        print_table(_LOOKS, looks, frozenset({2, 3, 4, 5}))
    say(f"recommendation: {analysis.recommendation.verdict}: {analysis.recommendation.why}")


def _row(compared: "Comparison") -> tuple[str, ...]:
    from dwcp.safety.experiments import standing_of

    effect, margin = compared.effect, compared.metric.margin
    units = (
        f"{compared.looks[-1].control_units:,} / {compared.looks[-1].arm_units:,}" if compared.looks else "-"
    )
    return (
        compared.arm,
        compared.metric.name if margin is None else f"{compared.metric.name} (guardrail {margin:g})",
        units,
        _number(compared.control_mean),
        _number(compared.arm_mean),
        "-" if effect is None else f"{effect.estimate:+.4g}",
        "-" if effect is None else f"{effect.low:+.4g} to {effect.high:+.4g}",
        f"{compared.level:.4g}",
        standing_of(compared).value.replace("_", " "),
    )


def _looks(compared: "Comparison") -> list[tuple[str, ...]]:
    return [
        (
            compared.arm,
            _moment(look.when_s),
            f"{look.control_units:,} / {look.arm_units:,}",
            f"{look.estimate:+.4g}",
            f"{look.low:+.4g} to {look.high:+.4g}",
            f"{look.running_low:+.4g} to {look.running_high:+.4g}",
        )
        for look in compared.looks[-_SHOWN:]
    ]


def _moment(when_s: float) -> str:
    if when_s < _EPOCH_S:
        return f"{when_s:g}"
    return f"{datetime.fromtimestamp(when_s, UTC):%Y-%m-%d %H:%M}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
