"""Contexts as the raw arrays the graph is fed. Missing numbers are -1; every feature is made in the graph."""

import math
from collections.abc import Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from dwcp.features.spec import InputColumn, InputSpec
from dwcp.task import Arrays, OutputColumn
from dwcp.tasks.bandwidth.contract import Context, Step
from dwcp.tasks.bandwidth.series import MOST_MBPS, STEPS

__all__ = [
    "LINK_TYPES",
    "MEASURES",
    "MISSING",
    "OUTPUTS",
    "REGIMES",
    "SPEC",
    "TIERS",
    "TRANSPORTS",
    "WINDOW",
    "arrays",
]

MISSING = -1.0

WINDOW = max(STEPS.values())
"""Steps of the window; a regime that looks at fewer has the older ones missing."""

MEASURES = (
    "throughput_mbps",
    "rtt_ms",
    "jitter_ms",
    "packet_loss",
    "retransmits",
    "congestion_window",
    "app_limited",
)
"""Positions of a step's numbers."""

REGIMES = ("unknown", "datacenter", "internet", "hybrid")
LINK_TYPES = ("", "dc", "metro", "wan", "edge")
TIERS = ("", "tier1", "tier2", "tier3")
TRANSPORTS = ("", "tcp", "udp", "quic")

_MEASURED = attrgetter(*MEASURES)
_MOST_FIGURE = 1e9
_MOST = np.array([MOST_MBPS, MOST_MBPS, MOST_MBPS, 1.0, _MOST_FIGURE, _MOST_FIGURE, 1.0])
"""Of each measure: more is a fault of the measurement."""
_LEAST_STEP_S, _MOST_STEP_S = 1e-3, 86_400.0
_MOST_EPOCH_S = 2**40

SPEC = InputSpec(
    task="bandwidth",
    columns=(
        InputColumn(
            "window",
            "float32",
            (WINDOW, len(MEASURES)),
            "mixed",
            "measured steps, oldest first, the latest last; -1: not measured, or no such step",
            MISSING,
            _MOST_FIGURE,
        ),
        InputColumn("step_s", "float32", (), "s", "length of a step", 0.0, _MOST_STEP_S),
        InputColumn("epoch_s", "int64", (), "s", "time of the forecast since 1970 UTC", 0, _MOST_EPOCH_S),
        InputColumn("regime", "int64", (), "1", "position in the regimes", 0, len(REGIMES) - 1),
        InputColumn("link_type", "int64", (), "1", "position in the link types", 0, len(LINK_TYPES) - 1),
        InputColumn("network_tier", "int64", (), "1", "position in the tiers", 0, len(TIERS) - 1),
        InputColumn("transport_type", "int64", (), "1", "position in the transports", 0, len(TRANSPORTS) - 1),
    ),
    vocabularies=(
        ("measures", MEASURES),
        ("regimes", REGIMES),
        ("link_types", LINK_TYPES),
        ("network_tiers", TIERS),
        ("transport_types", TRANSPORTS),
    ),
)
"""What the graph is fed."""

OUTPUTS = (
    OutputColumn(
        "throughput_mbps", "float32", (2, 3), "Mbit/s", "next step and horizon: 5%, 50% and 95% quantile"
    ),
    OutputColumn("within_20", "float32", (), "1", "probability that the next step is within 20%"),
    OutputColumn("rtt_ms", "float32", (), "ms", "RTT of the next step; 0 where none was measured"),
    OutputColumn("jitter_ms", "float32", (), "ms", "its variation; 0 where none was measured"),
    OutputColumn("packet_loss", "float32", (), "1", "probability that a packet of the next step is lost"),
)
"""What the graph answers."""


def arrays(contexts: Sequence[Context]) -> Arrays:
    """Contexts to arrays; what cannot be true is missing."""
    window = np.full((len(contexts), WINDOW, len(MEASURES)), MISSING, np.float32)
    for row, context in enumerate(contexts):
        steps = context.steps[-STEPS[context.regime] :]
        if steps:
            window[row, -len(steps) :] = _figures(steps)
    return {
        "window": window,
        "step_s": np.array([_bounded(c.step_s, _LEAST_STEP_S, _MOST_STEP_S) for c in contexts], np.float32),
        "epoch_s": np.array([int(_bounded(c.epoch_s, 0.0, _MOST_EPOCH_S)) for c in contexts], np.int64),
        "regime": _positions([c.regime for c in contexts], REGIMES),
        "link_type": _positions([c.link_type for c in contexts], LINK_TYPES),
        "network_tier": _positions([c.network_tier for c in contexts], TIERS),
        "transport_type": _positions([c.transport_type for c in contexts], TRANSPORTS),
    }


def _figures(steps: Sequence[Step]) -> NDArray[np.float64]:
    """A row a step; what was not measured, or cannot be true, is missing."""
    told = np.array([_MEASURED(step) for step in steps], np.float64)
    return np.where((told >= 0.0) & (told <= _MOST), told, MISSING)


def _bounded(value: float, low: float, high: float) -> float:
    return low if math.isnan(value) else min(max(value, low), high)


def _positions(names: Sequence[str], known: tuple[str, ...]) -> NDArray[np.int64]:
    """Places in the vocabulary; a name that is not in it is as good as none."""
    return np.array([known.index(name) if name in known else 0 for name in names], np.int64)
