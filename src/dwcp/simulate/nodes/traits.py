"""What a fleet is like: drawn anew for each, over orders of magnitude."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Traits", "draw_traits"]


@dataclass(frozen=True, slots=True)
class Traits:
    """Of all nodes of a fleet.

    Attributes:
        step_s: length of an interval.
        latency_ms: median latency of an idle node.
        tail: 99th percentile over median of an idle node.
        requests: of a node in an interval, at the usual load.
        load: usual share of a node's capacity.
        daily: how much the load swings over a day, as a share of it.
        timeout_ms: when a request is given up.
        objective_ms: when a request counts as too slow.
        noise: spread of the logarithm of every measured latency.
        memory: usual share in use.
        disk: share of the disk that the usual load takes.
        loss: usual share of packets lost.
        errors: usual share of requests that fail.
    """

    step_s: float
    latency_ms: float
    tail: float
    requests: float
    load: float
    daily: float
    timeout_ms: float
    objective_ms: float
    noise: float
    memory: float
    disk: float
    loss: float
    errors: float


def draw_traits(rng: np.random.Generator) -> Traits:
    """Traits of some fleet."""
    latency_ms, tail = _log_uniform(rng, 0.5, 60.0), rng.uniform(2.0, 8.0)
    objective_ms = latency_ms * tail * rng.uniform(2.0, 5.0)
    return Traits(
        step_s=float(rng.choice([1.0, 5.0, 10.0, 60.0])),
        latency_ms=latency_ms,
        tail=tail,
        requests=_log_uniform(rng, 20.0, 5000.0),
        load=rng.uniform(0.1, 0.55),
        daily=rng.uniform(0.0, 0.4),
        timeout_ms=objective_ms * rng.uniform(3.0, 20.0),
        objective_ms=objective_ms,
        noise=rng.uniform(0.03, 0.25),
        memory=rng.uniform(0.15, 0.75),
        disk=rng.uniform(0.02, 0.35),
        loss=_log_uniform(rng, 1e-6, 2e-3),
        errors=_log_uniform(rng, 1e-6, 2e-3),
    )


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
