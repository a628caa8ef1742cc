"""Which queries give the ten base metrics of a node: a table for node_exporter, or the user's own."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from dwcp.errors import InputError, SchemaError
from dwcp.telemetry.sources.prometheus.steps import NODE_METRICS

__all__ = ["AGE", "NODE_EXPORTER", "UP", "NodeQueries", "read_queries"]

UP, AGE = "up", "age_s"
"""Two more queries: whether the last scrape went well, and how old the newest sample is."""

_BUSY = 'rate(node_cpu_seconds_total{mode=~"idle|iowait",$select}[$window])'
_CORES = 'count by ($node) (node_cpu_seconds_total{mode="idle",$select})'
_RESENT = "rate(node_netstat_Tcp_RetransSegs{$select}[$window])"
_SEGMENTS = "rate(node_netstat_Tcp_OutSegs{$select}[$window])"

NODE_EXPORTER: Mapping[str, str] = MappingProxyType(
    {
        # A machine knows nothing of requests: its services do. Give these by queries of your own.
        "error_rate": "",
        "timeout_rate": "",
        "p50_latency_ms": "",
        "p99_latency_ms": "",
        "sla_violations": "",
        # Connections that a full queue turned away, and SYNs that nobody answered in time.
        "connection_failures": (
            "sum by ($node) (rate(node_netstat_TcpExt_ListenDrops{$select}[$window])"
            " + rate(node_netstat_TcpExt_TCPSynRetrans{$select}[$window])) * $every"
        ),
        # Segments sent again over segments sent: of both directions, only what TCP noticed.
        "packet_loss": f"clamp_max(sum by ($node) ({_RESENT}) / sum by ($node) ({_SEGMENTS}), 1)",
        # Waiting for a disk is no use of a core.
        "cpu_usage": f"clamp(1 - sum by ($node) ({_BUSY}) / {_CORES}, 0, 1)",
        "memory_usage": (
            "1 - max by ($node) (node_memory_MemAvailable_bytes{$select})"
            " / max by ($node) (node_memory_MemTotal_bytes{$select})"
        ),
        # Share of the time in which the busiest disk had something to do.
        "disk_io": "clamp_max(max by ($node) (rate(node_disk_io_time_seconds_total{$select}[$window])), 1)",
    }
)
"""PromQL of each base metric; empty is not measured. ``rate`` knows a counter that began again."""

_SEEN = {
    UP: "max by ($node) (up{$select})",
    AGE: "time() - max by ($node) (timestamp(up{$select}))",
}
_NO_NAME = ('"', "\\", "\n", "{", "}")


@dataclass(frozen=True, slots=True)
class NodeQueries:
    """The queries, with four words that are filled in.

    ``$select`` is ``job="..."``, to be used within braces; ``$window`` the time that rates are taken over,
    such as ``60000ms``; ``$every`` the seconds of a step; ``$node`` the label that tells nodes apart.

    Attributes:
        metrics: PromQL by base metric; one that is left out or empty is not measured.
        window_s: of rates; four times the scrape interval or more. When None four steps, a minute at least.
        node_label: tells nodes apart.
    """

    metrics: Mapping[str, str] = field(default_factory=lambda: NODE_EXPORTER)
    window_s: float | None = None
    node_label: str = "instance"

    def window(self, every_s: float) -> float:
        """Seconds that rates are taken over."""
        return self.window_s if self.window_s is not None else max(4 * every_s, 60.0)

    def filled(self, job: str, every_s: float) -> dict[str, str]:
        """Every query as it is sent, by metric, with `UP` and `AGE`.

        Raises:
            InputError: a job's name holds what no name should.
        """
        if not job or any(sign in job for sign in _NO_NAME):
            raise InputError(f"{job!r} is no name of a job; give it as it stands in prometheus.yml")
        words = {"$select": f'job="{job}"', "$window": f"{self.window(every_s) * 1e3:.0f}ms"}
        words |= {"$every": f"{every_s:g}", "$node": self.node_label}
        queries = {**_SEEN, **self.metrics}
        return {name: _filled(query, words) for name, query in queries.items() if query.strip()}


def read_queries(path: Path) -> NodeQueries:
    """Queries of one's own, from a TOML file: ``window_s``, ``node_label``, and a table ``[metrics]``.

    A metric that the table leaves out keeps node_exporter's; one with an empty text is not measured.

    Raises:
        InputError: the file cannot be read.
        SchemaError: it is no TOML, or has a name or a value that it should not.
    """
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path} is no TOML file: {error}") from error
    metrics = told.pop("metrics", {})
    window_s, label = told.pop("window_s", None), told.pop("node_label", "instance")
    if not isinstance(metrics, dict) or (unknown := [*told, *sorted(metrics.keys() - set(NODE_METRICS))]):
        named = f"{unknown[0]!r}" if isinstance(metrics, dict) else "'metrics' as anything but a table"
        raise SchemaError(f"{path} has {named}; a table [metrics] may name {', '.join(NODE_METRICS)}")
    if window_s is not None and not (isinstance(window_s, int | float) and 1 <= window_s <= 86_400):
        raise SchemaError(f"{path}: window_s is {window_s!r}; give seconds, 1 to 86400")
    if not (isinstance(label, str) and label.isidentifier()):
        raise SchemaError(f"{path}: node_label is {label!r}; give the name of a label, such as instance")
    if wrong := [name for name, query in metrics.items() if not isinstance(query, str)]:
        raise SchemaError(f"{path}: {wrong[0]} is no text; give PromQL in quotes, or '' for not measured")
    return NodeQueries({**NODE_EXPORTER, **metrics}, window_s, label)


def _filled(query: str, words: Mapping[str, str]) -> str:
    for word, text in words.items():
        query = query.replace(word, text)
    return query
