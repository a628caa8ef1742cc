"""Context, action and outcome of judging a node. Standard library only."""

from dataclasses import dataclass, field, fields
from typing import Literal, TypeAlias

__all__ = [
    "FINE",
    "METRICS",
    "STEPS",
    "Action",
    "Budget",
    "Context",
    "Contribution",
    "Kind",
    "Outcome",
    "Sample",
]

STEPS = 30
"""How many samples a context holds at most."""

Kind: TypeAlias = Literal["quiet", "benign", "fault", "recovery", "unknown"]
"""What was going on. Alarms during a recovery, and while nobody knows, are neither right nor wrong."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The ten base metrics of one interval; None where not measured.

    Attributes:
        error_rate: share of requests that failed.
        timeout_rate: share of requests that timed out.
        p50_latency_ms: median latency of the interval's requests.
        p99_latency_ms: 99th percentile of it.
        sla_violations: requests over the latency objective.
        connection_failures: connections that failed.
        packet_loss: share of packets lost.
        cpu_usage: share of all cores in use.
        memory_usage: share of the memory in use.
        disk_io: share of what the disk can do.
    """

    error_rate: float | None = None
    timeout_rate: float | None = None
    p50_latency_ms: float | None = None
    p99_latency_ms: float | None = None
    sla_violations: float | None = None
    connection_failures: float | None = None
    packet_loss: float | None = None
    cpu_usage: float | None = None
    memory_usage: float | None = None
    disk_io: float | None = None


METRICS: tuple[str, ...] = tuple(field.name for field in fields(Sample))
"""In the order of the graph's last axis."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of a node at the end of an interval.

    Attributes:
        node: whose samples these are; what is learned of a node stays with it.
        steps: its latest samples, the newest last; `STEPS` at most count.
        peers: the medians of its peers over the same intervals, the newest last; empty without peers.
        objective: share of requests that should succeed, for the error budget.
    """

    node: str
    steps: tuple[Sample, ...]
    peers: tuple[Sample, ...] = ()
    objective: float = 0.999


@dataclass(frozen=True, slots=True)
class Contribution:
    """A feature that speaks for an anomaly.

    Attributes:
        feature: its name, e.g. ``peer_p99_latency_ms_mean_5``.
        deviation: how many robust standard deviations it is off what was usual in training.
    """

    feature: str
    deviation: float


@dataclass(frozen=True, slots=True)
class Budget:
    """The error-budget view: how fast the allowed failures are used up; 1 is just as fast as allowed.

    Attributes:
        burn_short: over the last five intervals.
        burn_long: over the whole window.
    """

    burn_short: float = 0.0
    burn_long: float = 0.0


@dataclass(frozen=True, slots=True)
class Action:
    """What is said of a node. Two actions are equal when they flag alike; the rest explains.

    Attributes:
        anomalous: whether this interval is flagged.
        score: 0 to 1; the calibrated probability where a model says it.
        alarm: whether an alarm stands, by the flags of late: the debounced view.
        novelty: how unlike everything seen in training, 0 to 1; 0 where no model says it.
        margin: the log odds a model gave; None from a rule.
        contributions: what speaks for it most, the strongest first.
        budget: how fast the error budget burns.
    """

    anomalous: bool
    score: float = field(default=0.0, compare=False)
    alarm: bool = field(default=False, compare=False)
    novelty: float = field(default=0.0, compare=False)
    margin: float | None = field(default=None, compare=False)
    contributions: tuple[Contribution, ...] = field(default=(), compare=False)
    budget: Budget = field(default=Budget(), compare=False)


FINE = Action(anomalous=False)
"""The action of somebody who sees nothing wrong."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an action. A policy that serves learns nothing of it: nobody labels live.

    Attributes:
        alarmed: whether the interval was flagged.
        kind: what was going on at this node.
        event: the name of the fault or benign event; empty where there was none.
    """

    alarmed: bool
    kind: Kind = "unknown"
    event: str = ""
