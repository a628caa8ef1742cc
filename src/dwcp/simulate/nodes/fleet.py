"""A fleet over time: nodes with queues behind one shared load, and the metrics that are seen of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dwcp.simulate.nodes.effects import Drivers, drive
from dwcp.simulate.nodes.episodes import Episode, schedule
from dwcp.simulate.nodes.traits import Traits, draw_traits

__all__ = ["SimulatedFleet", "simulate_fleet"]

Floats = NDArray[np.float64]

_DAY_S = 86_400.0
_MOST_BACKLOG, _SERVED = 20.0, 0.5
_MOST_USED = 0.97
_RETRANSMIT_MS, _LOSS_FELT = 200.0, 2e-3
_PACKETS = 20


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedFleet:
    """What is seen of a simulated fleet, and what was going on.

    Attributes:
        traits: what the fleet is like.
        episodes: what happened.
        times_s: ends of the intervals, shape ``(steps,)``.
        metrics: each of shape ``(steps, nodes)``; NaN where a node that is down tells nothing.
        kinds: ``quiet``, ``benign``, ``fault`` or ``recovery``, shape ``(steps, nodes)``.
        events: names of events, shape ``(steps, nodes)``; empty where there was none.
    """

    traits: Traits
    episodes: tuple[Episode, ...]
    times_s: Floats
    metrics: Mapping[str, Floats]
    kinds: NDArray[np.str_]
    events: NDArray[np.str_]


def simulate_fleet(nodes: int, steps: int, quiet_steps: int, rng: np.random.Generator) -> SimulatedFleet:
    """Simulate so many steps with events after a quiet beginning.

    Args:
        nodes: how many there are.
        steps: how many steps may have events.
        quiet_steps: how many come before.
        rng: where the chances come from.
    """
    traits = draw_traits(rng)
    episodes = schedule(nodes, steps, quiet_steps, rng)
    total = quiet_steps + steps
    drivers = drive(episodes, total, nodes)
    times_s = np.asarray((1 + np.arange(total)) * traits.step_s, dtype=np.float64)
    used, backlog = _queues(drivers, _load(traits, times_s, nodes, rng))
    metrics = _metrics(traits, drivers, used, backlog, rng)
    kinds, events = _labels(episodes, total, nodes)
    return SimulatedFleet(traits, tuple(episodes), times_s, metrics, kinds, events)


def _load(traits: Traits, times_s: Floats, nodes: int, rng: np.random.Generator) -> Floats:
    """Share of each node's capacity: a day's swing and slow wandering, most of it shared by all."""
    begin_s = rng.uniform(0, _DAY_S)
    day = 1 + traits.daily * np.sin(2 * np.pi * (begin_s + times_s) / _DAY_S)
    shared = _wander(len(times_s), 1, 0.98, rng)
    own = _wander(len(times_s), nodes, 0.9, rng)
    balance = np.exp(rng.normal(0, 0.1, nodes))
    return traits.load * day[:, None] * np.exp(0.12 * shared + 0.06 * own) * balance


def _wander(steps: int, series: int, kept: float, rng: np.random.Generator) -> Floats:
    """Random walks that are drawn back to 0, of variance 1."""
    pushes = rng.normal(0, np.sqrt(1 - kept**2), (steps, series))
    state, made = rng.normal(0, 1, series), np.empty((steps, series))
    for step in range(steps):
        state = kept * state + pushes[step]
        made[step] = state
    return made


def _queues(drivers: Drivers, load: Floats) -> tuple[Floats, Floats]:
    """Share of the capacity in use, and the work that waits, in intervals' worth; it outlives its cause."""
    wanted = load * (1 + drivers.load) / np.clip(1 + drivers.capacity, 0.1, None)
    waiting, backlog = np.zeros(load.shape[1]), np.empty_like(load)
    for step in range(len(load)):
        waiting = np.clip(waiting + wanted[step] - 1, 0.0, _MOST_BACKLOG)
        waiting = np.where(wanted[step] < 1, waiting * _SERVED, waiting)
        backlog[step] = waiting
    return np.clip(wanted, 0.0, _MOST_USED), backlog


def _metrics(
    traits: Traits, drivers: Drivers, used: Floats, backlog: Floats, rng: np.random.Generator
) -> dict[str, Floats]:
    """The ten base metrics by the names of the telemetry schema."""
    requests = rng.poisson(traits.requests, used.shape) + 1
    loss = np.clip(traits.loss * np.exp(rng.normal(0, traits.noise, used.shape)) + drivers.loss, 0.0, 1.0)
    seen = {
        **_requests(
            traits, drivers, requests, _latencies(traits, drivers, used, backlog, loss, rng), loss, rng
        ),
        "packet_loss": np.minimum(rng.poisson(loss * _PACKETS * requests) / (_PACKETS * requests), 1.0),
        **_host(traits, drivers, used, rng),
    }
    down = drivers.down > 0
    silent = {"error_rate": 1.0, "timeout_rate": 1.0, "sla_violations": 0.0}
    return {
        name: np.where(down & (name != "connection_failures"), silent.get(name, np.nan), values)
        for name, values in seen.items()
    }


def _latencies(
    traits: Traits,
    drivers: Drivers,
    used: Floats,
    backlog: Floats,
    loss: Floats,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Median and 99th percentile in ms: a queue's, and packets sent again."""
    noise = rng.normal(0, traits.noise, (2, *used.shape))
    median_ms = traits.latency_ms * np.exp(drivers.median + noise[0]) / (1 - used) * (1 + backlog)
    tail_ms = median_ms * (1 + (traits.tail - 1) * np.exp(drivers.tail + 1.5 * noise[1]))
    return median_ms, tail_ms + _RETRANSMIT_MS * np.minimum(100 * loss, 1.0) * (loss > _LOSS_FELT)


def _requests(
    traits: Traits,
    drivers: Drivers,
    requests: NDArray[np.int64],
    latencies_ms: tuple[Floats, Floats],
    loss: Floats,
    rng: np.random.Generator,
) -> dict[str, Floats]:
    """What clients see."""
    median_ms, tail_ms = latencies_ms
    timeouts = rng.binomial(requests, _share_above(traits.timeout_ms, median_ms, tail_ms)) / requests
    failed = np.clip(traits.errors + drivers.refused + 0.5 * np.maximum(loss - 0.02, 0), 0.0, 1.0)
    refused = np.clip(drivers.refused, 0.0, 1.0) * traits.requests * 0.1
    return {
        "error_rate": np.clip(rng.binomial(requests, failed) / requests + timeouts, 0.0, 1.0),
        "timeout_rate": timeouts,
        "p50_latency_ms": np.minimum(median_ms, traits.timeout_ms),
        "p99_latency_ms": np.minimum(tail_ms, traits.timeout_ms),
        "sla_violations": rng.binomial(requests, _share_above(traits.objective_ms, median_ms, tail_ms)) * 1.0,
        "connection_failures": rng.poisson(refused + 0.01) * 1.0,
    }


def _host(traits: Traits, drivers: Drivers, used: Floats, rng: np.random.Generator) -> dict[str, Floats]:
    """What the machine shows."""
    noise = rng.normal(0, 0.03, (3, *used.shape))
    memory = traits.memory + drivers.memory + 0.02 * _wander(used.shape[0], used.shape[1], 0.995, rng)
    disk = traits.disk * used / traits.load + drivers.disk
    return {
        "cpu_usage": np.clip(0.9 * used + drivers.cpu + noise[0], 0.0, 1.0),
        "memory_usage": np.clip(memory + 0.1 * noise[1], 0.0, 1.0),
        "disk_io": np.clip(disk + noise[2], 0.0, 1.0),
    }


def _share_above(limit_ms: float, median_ms: Floats, tail_ms: Floats) -> Floats:
    """Share of requests over a limit: log-normal through the median and the 99th percentile."""
    spread = np.maximum(np.log(tail_ms / median_ms), 1e-6) / 2.326
    score = np.log(limit_ms / median_ms) / spread
    return np.clip(1 / (1 + np.exp(np.clip(1.702 * score, -50, 50))), 0.0, 1.0)


def _labels(episodes: Sequence[Episode], steps: int, nodes: int) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    kinds = np.full((steps, nodes), "quiet", dtype="<U8")
    events = np.full((steps, nodes), "", dtype="<U32")
    for episode in episodes:
        kinds[episode.begin : episode.end, episode.node] = episode.phase
        after = slice(episode.end, episode.end + episode.recovery)
        kinds[after, episode.node] = "recovery" if episode.phase == "fault" else "benign"
        events[episode.begin : after.stop, episode.node] = episode.name
    return kinds, events
