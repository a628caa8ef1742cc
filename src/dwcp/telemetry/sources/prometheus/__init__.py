"""Nodes as a Prometheus server tells of them: the ten base metrics of each, step by step."""

from dwcp.telemetry.sources.prometheus.address import HttpAddress, parse_address
from dwcp.telemetry.sources.prometheus.answer import Rows, parse_rows, refusal
from dwcp.telemetry.sources.prometheus.queries import NODE_EXPORTER, NodeQueries, read_queries
from dwcp.telemetry.sources.prometheus.source import PrometheusSource
from dwcp.telemetry.sources.prometheus.steps import (
    NODE_METRICS,
    FleetStep,
    NodeState,
    NodeStep,
    Outage,
    fleet_step,
)

__all__ = [
    "NODE_EXPORTER",
    "NODE_METRICS",
    "FleetStep",
    "HttpAddress",
    "NodeQueries",
    "NodeState",
    "NodeStep",
    "Outage",
    "PrometheusSource",
    "Rows",
    "fleet_step",
    "parse_address",
    "parse_rows",
    "read_queries",
    "refusal",
]
