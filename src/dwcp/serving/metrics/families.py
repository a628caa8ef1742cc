"""Families of samples, made from what is there: no sample is made for what is not."""

from collections.abc import Iterable, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from dwcp.serving.counts import LATENCY_BOUNDS_MS, Latencies

__all__ = ["counter", "gauge", "gauges", "latency_histogram"]

Samples = Iterable[tuple[Sequence[str], float | None]]


def gauge(name: str, meaning: str, labels: Sequence[str], samples: Samples) -> Metric:
    """What goes up and down.

    Args:
        name: of the metric.
        meaning: its help, with the unit.
        labels: names of its labels.
        samples: label values with the figure; None is left out.
    """
    made = GaugeMetricFamily(name, meaning, labels=labels)
    for values, figure in samples:
        if figure is not None:
            made.add_metric(values, figure)
    return made


def gauges(prefix: str, told: Mapping[str, tuple[float | None, str]]) -> Iterable[Metric]:
    """Metrics of one sample each, without labels.

    Args:
        prefix: what their names begin with.
        told: by the rest of the name, the figure and its help; None is left out.
    """
    for name, (figure, meaning) in told.items():
        if figure is not None:
            yield gauge(prefix + name, meaning, (), [((), figure)])


def counter(name: str, meaning: str, labels: Sequence[str], samples: Samples) -> Metric:
    """What only grows; ``_total`` is added to the name. For the rest see `gauge`."""
    made = CounterMetricFamily(name, meaning, labels=labels)
    for values, figure in samples:
        if figure is not None:
            made.add_metric(values, figure)
    return made


def latency_histogram(
    name: str, meaning: str, labels: Sequence[str], told: Iterable[tuple[Sequence[str], Latencies]]
) -> Metric:
    """How long hints took, in buckets of `LATENCY_BOUNDS_MS`.

    Args:
        name: of the metric.
        meaning: its help.
        labels: names of its labels.
        told: label values with latencies.
    """
    made = HistogramMetricFamily(name, meaning, labels=labels)
    bounds = [*(str(bound) for bound in LATENCY_BOUNDS_MS), "+Inf"]
    for values, latencies in told:
        whole = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip(bounds, latencies.counts, strict=True):
            whole += count
            buckets.append((bound, float(whole)))
        made.add_metric(values, buckets, sum_value=latencies.sum_ms)
    return made
