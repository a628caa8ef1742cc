"""What a member says of itself in ``/metrics``, and what became of it since the reading before.

The names are those of etcd 3.4 and later; a metric that a member does not tell is NaN.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from dwcp.errors import SchemaError
from dwcp.telemetry.sources.etcd.exposition import totals

__all__ = ["METRICS", "Differences", "Reading", "parse_reading"]

_HISTOGRAMS = (
    "etcd_disk_wal_fsync_duration_seconds",
    "etcd_disk_backend_commit_duration_seconds",
    "etcd_network_peer_round_trip_time_seconds",
)
_STARTED = "process_start_time_seconds"
_TOLD_BY_ALL = "etcd_server_has_leader"
_BY_PEER = (
    "etcd_network_active_peers",
    "etcd_network_peer_received_bytes_total",
    "etcd_network_peer_sent_bytes_total",
    "etcd_network_peer_sent_failures_total",
    "etcd_network_peer_round_trip_time_seconds_sum",
    "etcd_network_peer_round_trip_time_seconds_count",
)
"""Told by peer, and not at all before something happened: 0 then."""
METRICS = frozenset(
    {
        *(f"{name}_{part}" for name in _HISTOGRAMS for part in ("sum", "count")),
        "etcd_disk_wal_write_bytes_total",
        "etcd_mvcc_db_total_size_in_bytes",
        *_BY_PEER,
        _TOLD_BY_ALL,
        "etcd_server_heartbeat_send_failures_total",
        "etcd_server_is_leader",
        "etcd_server_leader_changes_seen_total",
        "etcd_server_proposals_applied_total",
        "etcd_server_proposals_committed_total",
        "etcd_server_proposals_failed_total",
        "etcd_server_proposals_pending",
        "etcd_server_slow_apply_total",
        "go_goroutines",
        "process_cpu_seconds_total",
        "process_open_fds",
        "process_resident_memory_bytes",
        _STARTED,
    }
)
"""What is read of a scrape; all else in it is passed over."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One scrape of one member.

    Attributes:
        values: metrics, each summed over its labels.
        taken_s: when the answer was there, on a monotonic clock.
        scrape_ms: how long it took.
    """

    values: Mapping[str, float]
    taken_s: float
    scrape_ms: float

    def level(self, name: str) -> float:
        """The metric as it stands; NaN where it is not told."""
        return self.values.get(name, math.nan)


def parse_reading(text: str, taken_s: float, scrape_ms: float) -> Reading:
    """A reading from the text of ``/metrics``.

    Raises:
        SchemaError: it is no such text.
    """
    told = totals(text, METRICS)
    if _TOLD_BY_ALL not in told:
        raise SchemaError(f"this is not the /metrics of etcd: it lacks {_TOLD_BY_ALL}; check the endpoint")
    return Reading({**dict.fromkeys(_BY_PEER, 0.0), **told}, taken_s, scrape_ms)


class Differences:
    """What the counters of a member did between two readings.

    Args:
        before: the earlier reading; None where there is none, and then every difference is NaN.
        after: the later one; None as well.
    """

    def __init__(self, before: Reading | None, after: Reading | None) -> None:
        self._pair = None if before is None or after is None else (before, after)

    @property
    def restarted(self) -> bool:
        """Whether the process is another: its counters began again, and differences are NaN."""
        if self._pair is None:
            return False
        before, after = self._pair
        return after.level(_STARTED) > before.level(_STARTED) or self._went_back("process_cpu_seconds_total")

    def a_second(self, name: str) -> float:
        """How much a counter grew, a second; NaN where it began again or is not told."""
        if self._pair is None or self.restarted or self._went_back(name):
            return math.nan
        before, after = self._pair
        elapsed_s = after.taken_s - before.taken_s
        return (after.level(name) - before.level(name)) / elapsed_s if elapsed_s > 0 else math.nan

    def mean_ms(self, histogram: str) -> float:
        """The mean of what a histogram of seconds took in; NaN where it took in nothing."""
        count = self.a_second(f"{histogram}_count")
        return 1e3 * self.a_second(f"{histogram}_sum") / count if count > 0 else math.nan

    def _went_back(self, name: str) -> bool:
        return self._pair is not None and self._pair[1].level(name) < self._pair[0].level(name)
