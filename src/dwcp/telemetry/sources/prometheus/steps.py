"""One step of a fleet: what was measured of each node, and where it was not, why."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from dwcp.telemetry.sources.prometheus.answer import Rows

__all__ = ["NODE_METRICS", "FleetStep", "NodeState", "NodeStep", "Outage", "fleet_step"]

NODE_METRICS: tuple[str, ...] = (
    *("error_rate", "timeout_rate", "p50_latency_ms", "p99_latency_ms", "sla_violations"),
    *("connection_failures", "packet_loss", "cpu_usage", "memory_usage", "disk_io"),
)
"""The ten base metrics, as the telemetry kind ``node`` has them."""


class NodeState(StrEnum):
    """Whether a node is seen."""

    UP = "up"
    DOWN = "down"
    """Prometheus tried, and the node did not answer."""
    STALE = "stale"
    """What Prometheus has of it is too old."""
    GONE = "gone"
    """Prometheus no longer knows it."""


@dataclass(frozen=True, slots=True)
class NodeStep:
    """A node in one step.

    Attributes:
        node: its name.
        state: whether it is seen.
        values: by base metric; what was not measured is not there, and nothing is of a node that is not up.
    """

    node: str
    state: NodeState
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outage:
    """Prometheus itself tells nothing.

    Attributes:
        since_s: the first step that was missed, seconds since 1970.
        why: in a few words.
    """

    since_s: float
    why: str


@dataclass(frozen=True, slots=True)
class FleetStep:
    """All nodes in one step.

    Attributes:
        end_s: its end, seconds since 1970; a multiple of the step.
        nodes: every node that is known, by name; none in an outage.
        when: ``before`` the watching began, ``late`` as fetched after an outage, or ``now``.
        outage: set where nothing is known of this step.
    """

    end_s: float
    nodes: tuple[NodeStep, ...]
    when: Literal["before", "late", "now"] = "now"
    outage: Outage | None = None


def fleet_step(
    end_s: float,
    found: Mapping[str, Rows],
    known: Collection[str],
    stale_s: float,
    when: Literal["before", "late", "now"] = "now",
) -> FleetStep | None:
    """What the queries gave for one step; None where they tell of no node at all.

    A series whose label names another port of a node's host counts as that node's, where the host has one
    node alone: a service beside the exporter.

    Args:
        end_s: the step.
        found: rows by query: ``up``, ``age_s`` and the metrics.
        known: nodes of earlier steps.
        stale_s: age from which samples are too old.
        when: see `FleetStep`.
    """
    alive = _at(found.get("up", {}), end_s)
    if not alive:
        return None
    ages = _at(found.get("age_s", {}), end_s)
    nodes = sorted({*alive, *known})
    measured: dict[str, dict[str, float]] = {node: {} for node in nodes}
    for metric in NODE_METRICS:
        for label, value in _at(found.get(metric, {}), end_s).items():
            if (node := _node_of(label, nodes)) is not None and metric not in measured[node]:
                measured[node][metric] = max(value, 0.0)
    steps = []
    for node in nodes:
        state = _state(alive.get(node), ages.get(node, 0.0), stale_s)
        steps.append(NodeStep(node, state, measured[node] if state is NodeState.UP else {}))
    return FleetStep(end_s, tuple(steps), when)


def _at(rows: Rows, end_s: float) -> dict[str, float]:
    return {label: points[end_s] for label, points in rows.items() if end_s in points}


def _state(alive: float | None, age_s: float, stale_s: float) -> NodeState:
    if alive is None:
        return NodeState.GONE
    if alive == 0:
        return NodeState.DOWN
    return NodeState.STALE if age_s > stale_s else NodeState.UP


def _node_of(label: str, nodes: Collection[str]) -> str | None:
    if label in nodes:
        return label
    alike = [node for node in nodes if _host(node) == _host(label)]
    return alike[0] if len(alike) == 1 else None


def _host(label: str) -> str:
    host, colon, port = label.rpartition(":")
    return host if colon and port.isdigit() else label
