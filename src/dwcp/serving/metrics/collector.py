"""The one collector: reads every count when it is asked for, so that asking for hints costs nothing more."""

import logging
import threading
from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from dwcp.serving.metrics.data_plane import store_metrics, transfer_metrics
from dwcp.serving.metrics.families import gauge
from dwcp.serving.metrics.forecasting import forecasting_metrics
from dwcp.serving.metrics.learning import learning_metrics
from dwcp.serving.metrics.observed import Observed
from dwcp.serving.metrics.versions import VersionFold

__all__ = ["HintCollector"]

_log = logging.getLogger(__name__)


class HintCollector(Collector):
    """Everything that is observed, as Prometheus wants it. Safe from any thread.

    Args:
        observed: what is looked at.
    """

    def __init__(self, observed: Observed) -> None:
        self._observed = observed
        self._versions = VersionFold()
        self._lock = threading.Lock()
        self._down: dict[str, str] = {}

    def collect(self) -> Iterator[Metric]:
        """Every metric that has a source, as of now."""
        with self._lock:
            found = [
                *learning_metrics(self._observed, self._versions),
                *forecasting_metrics(self._observed),
                *transfer_metrics(self._observed),
                *store_metrics(self._observed),
                self._up(),
            ]
        yield from found

    def describe(self) -> Iterable[Metric]:
        """Nothing: what is there changes, and registering must not read it all."""
        return ()

    def _up(self) -> Metric:
        """Which sources could be read; what went wrong is logged when it changes."""
        down = {
            name: str(source.error)
            for name, source in self._observed.sources().items()
            if source.error is not None
        }
        for name in down.keys() - self._down.keys():
            _log.warning("metrics of the %s are left out: %s", name, down[name])
        self._down = down
        return gauge(
            "dwcp_source_up",
            "Whether a source of metrics could be read: 1 yes, 0 no",
            ("source",),
            (((name,), float(name not in down)) for name in self._observed.sources()),
        )
