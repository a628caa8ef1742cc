"""The dashboard of bandwidth forecasts and the links they are of."""

from dwcp.operations.panels import RATE_INTERVAL, Dashboard, Panel, PanelKind, Query, Row, quantile

__all__ = ["BANDWIDTH"]

_LATENCY = "dwcp_pba_prediction_latency_ms"

_FORECASTS = Row(
    "Forecasts",
    (
        Panel(
            "Accuracy",
            "Share of forecasts of the last 24 h that what came was within 20% of.",
            "percentunit",
            (Query("dwcp_pba_prediction_accuracy", "accuracy"), Query("dwcp_pba_confidence", "confidence")),
            low=None,
        ),
        Panel(
            "Latency",
            "How long a forecast takes: the median and the 99th percentile.",
            "ms",
            (Query(quantile(0.5, _LATENCY), "p50"), Query(quantile(0.99, _LATENCY), "p99")),
        ),
        Panel(
            "Forecasts by reason",
            "Forecasts a second, by why the model or the rule made them.",
            "ops",
            (Query(f"sum by (reason) (rate(dwcp_pba_predictions_total[{RATE_INTERVAL}]))", "{{reason}}"),),
        ),
        Panel(
            "Model",
            "The version in service.",
            "none",
            (Query("dwcp_pba_model_version", "{{version}} ({{digest}})"),),
            PanelKind.STAT,
        ),
        Panel(
            "Retraining",
            "Models that were published after the first.",
            "short",
            (Query("dwcp_pba_retrain_total", "models"),),
            PanelKind.STAT,
        ),
        Panel(
            "Samples",
            "Forecasts that were held against what came, since the server started.",
            "short",
            (Query("dwcp_pba_sample_count", "samples"),),
            PanelKind.STAT,
        ),
    ),
)

_LINKS = Row(
    "Links, mean of those measured within the last minute",
    (
        Panel(
            "Bandwidth",
            "What the links deliver.",
            "Mbits",
            (Query("dwcp_pba_current_bandwidth_mbps", "bandwidth"),),
            span=12,
        ),
        Panel(
            "Round-trip time",
            "Round-trip time, smoothed, and its variation.",
            "ms",
            (Query("dwcp_pba_current_latency_ms", "latency"), Query("dwcp_pba_current_jitter_ms", "jitter")),
            span=6,
        ),
        Panel(
            "Packet loss",
            "Share of packets lost.",
            "percentunit",
            (Query("dwcp_pba_current_packet_loss_ratio", "loss"),),
            span=6,
        ),
    ),
)

BANDWIDTH = Dashboard(
    "dwcp-bandwidth",
    "DWCP: bandwidth forecasts",
    "How right and how fast forecasts are, and the links they are of.",
    (_FORECASTS, _LINKS),
)
"""The dashboard."""
