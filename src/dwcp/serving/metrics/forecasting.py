"""``dwcp_pba_*``: bandwidth forecasts and the links as they are."""

from collections.abc import Iterator, Sequence
from statistics import fmean

from prometheus_client.metrics_core import Metric

from dwcp.serving.metrics.families import counter, gauge, gauges, latency_histogram
from dwcp.serving.metrics.forecasts import LinkState
from dwcp.serving.metrics.judgements import CONTROL, MODEL
from dwcp.serving.metrics.observed import Observed

__all__ = ["BANDWIDTH", "forecasting_metrics"]

BANDWIDTH = "bandwidth"
"""The task that forecasts."""


def forecasting_metrics(observed: Observed) -> Iterator[Metric]:
    """All of them; none where bandwidth is not forecast here.

    Args:
        observed: what is looked at.
    """
    slots = observed.advisor.slots()
    if BANDWIDTH not in slots:
        return
    yield from _answers(observed)
    yield from _figures(observed)
    ref = observed.advisor.models()[BANDWIDTH]
    if ref is not None:
        yield gauge(
            "dwcp_pba_model_version",
            "The model in service; always 1",
            ("version", "digest"),
            [((ref.version, ref.digest[:12]), 1.0)],
        )
    published = observed.published and observed.published.get()
    if published and BANDWIDTH in published:
        again = max(0, published[BANDWIDTH].publications - 1)
        yield counter(
            "dwcp_pba_retrain", "Models that were published after the first", (), [((), float(again))]
        )


def _answers(observed: Observed) -> Iterator[Metric]:
    latencies = observed.advisor.latencies().get(BANDWIDTH)
    if latencies is not None:
        yield latency_histogram(
            "dwcp_pba_prediction_latency_ms", "How long a forecast took, in ms", (), [((), latencies)]
        )
    reasons: dict[str, int] = {}
    for key, count in observed.advisor.counts().items():
        if key.task == BANDWIDTH:
            reasons[key.reason.value] = reasons.get(key.reason.value, 0) + count
    yield counter(
        "dwcp_pba_predictions",
        "Forecasts that were made, by why the model or the rule made them",
        ("reason",),
        (((reason,), float(count)) for reason, count in reasons.items()),
    )


def _figures(observed: Observed) -> Iterator[Metric]:
    now, judgements = observed.clock(), observed.judgements
    day = judgements.last(BANDWIDTH, MODEL, now)
    day.merge(judgements.last(BANDWIDTH, CONTROL, now))
    links = observed.forecasts.links(now)
    yield from gauges(
        "dwcp_pba_",
        {
            "prediction_accuracy": (
                day.accuracy,
                "Share of forecasts of the last 24 h that what came was within 20% of (0 to 1)",
            ),
            "sample_count": (
                float(observed.forecasts.count) or None,
                "Forecasts that were held against what came, since the start",
            ),
            "confidence": (
                _mean([link.confidence for link in links]),
                "Probability that what comes is within 20% of the forecast (0 to 1), mean of the links",
            ),
            **_current(links),
        },
    )


def _current(links: Sequence[LinkState]) -> dict[str, tuple[float | None, str]]:
    of = "of the links measured within the last minute"
    return {
        "current_bandwidth_mbps": (
            _mean([link.bandwidth_mbps for link in links]),
            f"Mean throughput in Mbit/s {of}",
        ),
        "current_latency_ms": (
            _mean([link.latency_ms for link in links]),
            f"Mean round-trip time in ms {of}",
        ),
        "current_packet_loss_ratio": (
            _mean([link.packet_loss_ratio for link in links]),
            f"Mean share of packets lost (0 to 1) {of}",
        ),
        "current_jitter_ms": (
            _mean([link.jitter_ms for link in links]),
            f"Mean variation of the round-trip time in ms {of}",
        ),
    }


def _mean(figures: Sequence[float | None]) -> float | None:
    told = [figure for figure in figures if figure is not None]
    return fmean(told) if told else None
