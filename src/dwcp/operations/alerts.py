"""Alert rules for Prometheus.

A drop in accuracy is how far the last day lies below the mean of the seven days before it, in percentage
points. What rests on outcomes waits for enough of them: a server that has just started knows little.
"""

from dataclasses import dataclass
from enum import StrEnum

import yaml

__all__ = ["ALERTS", "AlertRule", "Severity", "rules_file"]

_ENOUGH = 200
"""Outcomes of the last day without which nothing is said about accuracy or gain."""
_ENOUGH_HINTS = 20
"""Hints in a quarter of an hour without which nothing is said about errors."""
_ONE = "job, instance, task"


class Severity(StrEnum):
    """Who should be told."""

    CRITICAL = "critical"
    """Somebody, now."""
    WARNING = "warning"
    """Somebody, today."""
    INFO = "info"
    """Whoever looks."""


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One rule.

    Attributes:
        name: of the alert.
        expr: holds while something is wrong (PromQL).
        lasting: how long it must hold, e.g. ``15m``.
        severity: who should be told.
        summary: one line with the task's name.
        description: what it means, with the figure.
        action: what to do.
    """

    name: str
    expr: str
    lasting: str
    severity: Severity
    summary: str
    description: str
    action: str

    def as_mapping(self) -> dict[str, object]:
        """The rule as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": self.lasting,
            "labels": {"severity": self.severity.value},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "action": self.action,
            },
        }


def rules_file() -> str:
    """All rules as the YAML file that ``rule_files`` of Prometheus names."""
    groups = [{"name": "dwcp", "rules": [rule.as_mapping() for rule in ALERTS]}]
    return yaml.safe_dump({"groups": groups}, sort_keys=False, width=110)


def _enough(arm: str, figure: str) -> str:
    return f'and on ({_ONE}) dwcp_ml_judged_daily{{arm="{arm}",figure="{figure}"}} >= {_ENOUGH}'


_DROP = (
    '(avg_over_time(dwcp_ml_accuracy_daily{arm="model"}[7d] offset 1d) - dwcp_ml_accuracy_daily{arm="model"})'
)
_MOVED = f"{_enough('model', 'throughput')} {_enough('control', 'throughput')}"
_HINTS = f"sum by ({_ONE}) (increase(dwcp_ml_predictions_total[15m]))"
_FAILED = (
    f"sum by ({_ONE}) (increase(dwcp_ml_predictions_total"
    '{reason=~"FALLBACK_(ERROR|DEADLINE|OUT_OF_RANGE|SCHEMA_MISMATCH|BREAKER_OPEN)"}[15m]))'
)
_ROLL_BACK = (
    "A candidate in a rollout is rolled back by its own gates. A champion is rolled back by: "
    'dwcp models rollback {{ $labels.task }} --why "accuracy dropped"'
)
_DROPPED = (
    "Of the last day's answers {{ $value | humanizePercentage }} fewer were right than of those of the seven "
    "days before, of all answers."
)
_NOW = '{{ $value | printf "%.3g" }}'

ALERTS: tuple[AlertRule, ...] = (
    AlertRule(
        "DwcpAccuracyDroppedMuch",
        f"{_DROP} > 0.03 {_enough('model', 'accuracy')}",
        "15m",
        Severity.CRITICAL,
        "{{ $labels.task }}: accuracy dropped by more than 3 percentage points",
        _DROPPED,
        _ROLL_BACK,
    ),
    AlertRule(
        "DwcpErrorRate",
        f"{_FAILED} / {_HINTS} > 0.05 and {_HINTS} >= {_ENOUGH_HINTS}",
        "5m",
        Severity.CRITICAL,
        "{{ $labels.task }}: more than 5% of hints fall back on an error",
        "{{ $value | humanizePercentage }} of the hints of the last 15 minutes came from the rule: the model "
        "failed, was late, got or gave figures out of range, does not fit, or its breaker is open.",
        _ROLL_BACK.replace("accuracy dropped", "it fails"),
    ),
    AlertRule(
        "DwcpLatencyP99",
        f"histogram_quantile(0.99, sum by ({_ONE}, le) (rate(dwcp_ml_prediction_latency_ms_bucket[15m])))"
        " > 15",
        "10m",
        Severity.WARNING,
        "{{ $labels.task }}: one hint in a hundred takes longer than 15 ms",
        f"The 99th percentile of the last 15 minutes is {_NOW} ms.",
        "Look for what else keeps the machine busy; a smaller model, or a shorter deadline, bounds it.",
    ),
    AlertRule(
        "DwcpAccuracyDropped",
        f"{_DROP} > 0.01 <= 0.03 {_enough('model', 'accuracy')}",
        "1h",
        Severity.WARNING,
        "{{ $labels.task }}: accuracy dropped by more than 1 percentage point",
        _DROPPED,
        "Train on recent records: dwcp train {{ $labels.task }}",
    ),
    AlertRule(
        "DwcpGainLow",
        f"dwcp_ml_throughput_gain_pct < 8 {_MOVED}",
        "1h",
        Severity.WARNING,
        "{{ $labels.task }}: the model gains less than 8% over the rule",
        f"Over the last day, {_NOW}% more was moved with the model's answers than with the rule's.",
        "Compare both on recorded cases: dwcp evaluate {{ $labels.task }}",
    ),
    AlertRule(
        "DwcpDrift",
        "dwcp_ml_drift >= 1",
        "30m",
        Severity.WARNING,
        "{{ $labels.task }}: {{ $labels.kind }} {{ $labels.name }} drifted",
        f"The statistic is {_NOW} times its limit: what is seen differs from what the model was trained on.",
        "Train on recent records: dwcp train {{ $labels.task }}",
    ),
    AlertRule(
        "DwcpModelOld",
        "dwcp_ml_model_age_seconds > 7 * 86400",
        "1h",
        Severity.INFO,
        "{{ $labels.task }}: the model in service is older than 7 days",
        "Version {{ $labels.version }} was published {{ $value | humanizeDuration }} ago.",
        "Train on recent records: dwcp train {{ $labels.task }}",
    ),
)
"""Every rule."""
