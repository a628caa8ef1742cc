"""The features by name, in the order of the graph: the published 123, the same against the peers, and more.

Published are the ten base metrics, statistics over windows of 5, 15 and 30 steps, rates of change,
interactions and threshold flags, 123 in all, but not which. Statistics of all ten metrics would be 120 alone,
so the two counts of rare events go without: 10 + 8 x 3 x 4 + 10 + 4 + 3 = 123.

Beyond those, how far the latest steps are off what was usual earlier in the same window, of the node and of
what it differs from its peers by: no level of a deployment is in them.
"""

from dwcp.tasks.reliability.contract import METRICS

__all__ = ["FEATURES", "FLAGS", "INTERACTIONS", "OFF_STEPS", "OWN", "STATISTICS", "WINDOWED", "WINDOWS"]

WINDOWS = (5, 15, 30)
STATISTICS = ("mean", "std", "min", "max")
WINDOWED = tuple(name for name in METRICS if name not in ("sla_violations", "connection_failures"))
INTERACTIONS = ("error_x_timeout", "tail_gap_ms", "tail_ratio", "resource_pressure")
OFF_STEPS = (1, 3, 5)
FLAGS = ("high_error", "high_latency", "high_resource")

OWN: tuple[str, ...] = (
    *METRICS,
    *(f"{name}_{statistic}_{steps}" for steps in WINDOWS for statistic in STATISTICS for name in WINDOWED),
    *(f"{name}_change" for name in METRICS),
    *INTERACTIONS,
    *FLAGS,
)
"""Of the node alone."""

FEATURES: tuple[str, ...] = (
    *OWN,
    *(f"peer_{name}" for name in OWN),
    *(f"{side}{name}_off_{steps}" for side in ("", "peer_") for steps in OFF_STEPS for name in METRICS),
)
"""All: a peer feature is the node's own less that of its peers' medians."""
