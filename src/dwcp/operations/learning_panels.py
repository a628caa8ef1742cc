"""The dashboard of hints: who answers, how fast, how right, and whether that is safe."""

from dwcp.operations.panels import RATE_INTERVAL, TASK, Dashboard, Panel, PanelKind, Query, Row, quantile

__all__ = ["LEARNING"]

_TASK = f'task=~"{TASK}"'
_PREDICTIONS = f"rate(dwcp_ml_predictions_total{{{_TASK}}}[{RATE_INTERVAL}])"
_FAILED = f'dwcp_ml_predictions_total{{{_TASK},reason=~"FALLBACK_.*",choice="fallback"}}'
_BREAKER = ((0, "closed"), (1, "half-open"), (2, "open"))
_STAGES = (
    *((-1, "rolled back"), (0, "pending"), (1, "shadow"), (2, "canary 5%"), (3, "25%"), (4, "50%")),
    *((5, "75%"), (6, "100%"), (7, "complete")),
)


def _of_task(metric: str, more: str = "") -> str:
    return f"{metric}{{{_TASK}{more}}}"


_HINTS = Row(
    "Hints",
    (
        Panel(
            "Hints by who answered",
            "Hints a second: by a model, by the rule behind it, or by the rule as control.",
            "ops",
            (Query(f"sum by (task, choice) ({_PREDICTIONS})", "{{task}} {{choice}}"),),
        ),
        Panel(
            "Hints by reason",
            "Hints a second, by why the answer is what it is.",
            "ops",
            (Query(f"sum by (reason) ({_PREDICTIONS})", "{{reason}}"),),
        ),
        Panel(
            "Hints by version",
            "Hints a second, by the version that answered or would have.",
            "ops",
            (Query(f"sum by (task, version) ({_PREDICTIONS})", "{{task}} {{version}}"),),
        ),
        Panel(
            "Latency",
            "How long hints take: the median and the 99th percentile.",
            "ms",
            (
                Query(quantile(0.5, "dwcp_ml_prediction_latency_ms", "task", _TASK), "{{task}} p50"),
                Query(quantile(0.99, "dwcp_ml_prediction_latency_ms", "task", _TASK), "{{task}} p99"),
            ),
            span=12,
        ),
        Panel(
            "Fallbacks",
            "Share of hints that came from the rule because the model could not answer.",
            "percentunit",
            (
                Query(
                    f"sum by (task) (rate({_FAILED}[{RATE_INTERVAL}])) / sum by (task) ({_PREDICTIONS})",
                    "{{task}}",
                ),
            ),
            span=12,
        ),
    ),
)

_OUTCOMES = Row(
    "Outcomes of the last 24 hours",
    (
        Panel(
            "Accuracy",
            "Share of answers that were right, by measured outcomes.",
            "percentunit",
            (Query(_of_task("dwcp_ml_accuracy_daily"), "{{task}} {{arm}}"),),
            low=None,
        ),
        Panel(
            "Regret",
            "Mean cost over the best in hindsight, in each task's own unit, which the legend names.",
            "none",
            (Query(_of_task("dwcp_ml_regret"), "{{task}} {{arm}} in {{unit}}"),),
        ),
        Panel(
            "Throughput gain",
            "How much more was moved with the model's answers than with the rule's.",
            "percent",
            (Query(_of_task("dwcp_ml_throughput_gain_pct"), "{{task}}"),),
            low=None,
        ),
        Panel(
            "Outcomes",
            "How many outcomes these figures rest on.",
            "short",
            (Query(_of_task("dwcp_ml_judged_daily"), "{{task}} {{arm}} {{figure}}"),),
            span=24,
        ),
    ),
)

_SAFETY = Row(
    "Models and safety",
    (
        Panel(
            "Age of models",
            "Time since the model in service was published.",
            "s",
            (Query(_of_task("dwcp_ml_model_age_seconds"), "{{task}} {{version}}"),),
            PanelKind.STAT,
            span=6,
        ),
        Panel(
            "Breakers",
            "State of each model's circuit breaker.",
            "none",
            (Query(_of_task("dwcp_ml_breaker_state"), "{{task}} {{version}}"),),
            PanelKind.STAT,
            span=6,
            names=_BREAKER,
        ),
        Panel(
            "Rollouts",
            "Stage of each rollout, by region.",
            "none",
            (Query(_of_task("dwcp_ml_rollout_stage"), "{{task}} {{version}} {{region}}"),),
            PanelKind.STAT,
            span=6,
            names=_STAGES,
        ),
        Panel(
            "Drift",
            "Each statistic over the limit it is held against: 1 or more is drift.",
            "none",
            (Query(_of_task("dwcp_ml_drift"), "{{task}} {{kind}} {{name}}"),),
            span=6,
        ),
    ),
)

LEARNING = Dashboard(
    "dwcp-learning",
    "DWCP: hints",
    "Who answers, how fast, how right, and whether that is safe.",
    (_HINTS, _OUTCOMES, _SAFETY),
    by_task=True,
)
"""The dashboard."""
