"""Context, action and outcome of watching a consensus group. Standard library only."""

from dataclasses import dataclass, field, fields
from typing import Literal, TypeAlias

__all__ = [
    "FINE",
    "INTERNALS",
    "MEASURES",
    "PUBLISHED",
    "STEPS",
    "Action",
    "Context",
    "Evidence",
    "Kind",
    "Level",
    "Outcome",
    "State",
    "Step",
]

STEPS = 30
"""Seconds a context holds at most."""

Kind: TypeAlias = Literal["quiet", "benign", "fault", "hidden", "recovery", "unknown"]
"""What was going on.

Alarms in a fault that no client noticed (``hidden``), during a recovery and while nobody knows are neither
right nor wrong.
"""

State: TypeAlias = Literal["steady", "starting", "gap", "restarted", "blind"]
"""How much is seen.

All; too short a window; seconds are missing; a member was started anew, so that its counters began again; or
the newest second tells nothing.
"""

Level: TypeAlias = tuple[float, float]
"""Median and robust deviation of a measure in quiet seconds; -1 where it was never measured."""


@dataclass(frozen=True, slots=True)
class Step:
    """One second of a group; None where something was not measured. A second that is missing is ``Step()``.

    The first twelve are the published features, the others come from inside the members where a source has
    them: ``max`` is of the worst member, ``spread`` how far that is off the members' median, ``least_share``
    and ``most_share`` the least and the most of any member over their median.

    Attributes:
        queue_depth: requests of clients without an answer.
        proposals_pending: most that a member has not yet committed.
        proposals_committed: committed a second.
        latency_p50_ms: of requests that ended.
        latency_p95_ms: as ``latency_p50_ms``.
        latency_p99_ms: as ``latency_p50_ms``.
        leader_changes: changes of leader in this second.
        quorum_size: members that must agree.
        active_nodes: members that answer and know a leader.
        network_tier: 1 to 3.
        profile: protocol profile, 1 to 3.
        consensus_type: 1 Raft, 2 PBFT, 3 HotStuff.
        requests_issued: requests that fell due.
        requests_ok: requests that ended well.
        requests_failed: requests that failed.
        oldest_ms: age of the oldest request without an answer.
        apply_gap: most entries that a member has committed and not applied.
        follower_lag: most entries that a member is behind the furthest.
        members: members there should be.
        members_up: members that answer.
        leader_known: 1 where a member says it leads, else 0.
        leaderless: members that answer and know no leader.
        restarts: members started anew in this second.
        retransmit_share_max: TCP segments sent again over segments sent.
        retransmit_share_spread: see above.
        fsync_ms_max: mean fsync of the log.
        fsync_ms_spread: see above.
        commit_ms_max: mean commit of the database.
        commit_ms_spread: see above.
        peer_rtt_ms_max: mean round trip to other members.
        peer_rtt_ms_spread: see above.
        scrape_ms_max: how long a member took to tell its figures.
        scrape_ms_spread: see above.
        member_p50_ms_spread: of requests that a member answered well.
        member_p99_ms_max: as ``member_p50_ms_spread``.
        member_p99_ms_spread: as ``member_p50_ms_spread``.
        cpu_cores_max: processor seconds a second.
        cpu_cores_spread: see above.
        cpu_cores_least_share: see above.
        error_share_max: attempts at a member that failed.
        timeout_share_max: attempts at a member without an answer in time.
        peers_min: open connections of a member to others, the least.
        peers_spread: the most less the least.
        peer_rx_least_share: bytes from other members.
        peer_tx_least_share: bytes to other members.
        peer_tx_most_share: as ``peer_tx_least_share``.
        fsyncs_least_share: fsyncs a second.
        disk_io_least_share: bytes written to the log.
        heartbeats_failed: heartbeats not sent in time, of all members.
        sends_failed: messages between members that failed.
        slow_applies: entries that were slow to apply.
        proposals_failed: of all members.
        connections_failed: attempts of clients without a connection.
        late_requests: attempts that took longer than agreed.
        host_busy: share of the observer's processors in use.
        loop_lag_ms: how late the observer was.
    """

    queue_depth: float | None = None
    proposals_pending: float | None = None
    proposals_committed: float | None = None
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    latency_p99_ms: float | None = None
    leader_changes: float | None = None
    quorum_size: float | None = None
    active_nodes: float | None = None
    network_tier: float | None = None
    profile: float | None = None
    consensus_type: float | None = None
    requests_issued: float | None = None
    requests_ok: float | None = None
    requests_failed: float | None = None
    oldest_ms: float | None = None
    apply_gap: float | None = None
    follower_lag: float | None = None
    members: float | None = None
    members_up: float | None = None
    leader_known: float | None = None
    leaderless: float | None = None
    restarts: float | None = None
    retransmit_share_max: float | None = None
    retransmit_share_spread: float | None = None
    fsync_ms_max: float | None = None
    fsync_ms_spread: float | None = None
    commit_ms_max: float | None = None
    commit_ms_spread: float | None = None
    peer_rtt_ms_max: float | None = None
    peer_rtt_ms_spread: float | None = None
    scrape_ms_max: float | None = None
    scrape_ms_spread: float | None = None
    member_p50_ms_spread: float | None = None
    member_p99_ms_max: float | None = None
    member_p99_ms_spread: float | None = None
    cpu_cores_max: float | None = None
    cpu_cores_spread: float | None = None
    cpu_cores_least_share: float | None = None
    error_share_max: float | None = None
    timeout_share_max: float | None = None
    peers_min: float | None = None
    peers_spread: float | None = None
    peer_rx_least_share: float | None = None
    peer_tx_least_share: float | None = None
    peer_tx_most_share: float | None = None
    fsyncs_least_share: float | None = None
    disk_io_least_share: float | None = None
    heartbeats_failed: float | None = None
    sends_failed: float | None = None
    slow_applies: float | None = None
    proposals_failed: float | None = None
    connections_failed: float | None = None
    late_requests: float | None = None
    host_busy: float | None = None
    loop_lag_ms: float | None = None


MEASURES: tuple[str, ...] = tuple(one.name for one in fields(Step))
"""In the order of the graph's last axis."""

PUBLISHED: tuple[str, ...] = MEASURES[:12]
"""The twelve published features."""

INTERNALS: tuple[str, ...] = MEASURES[12:]
"""What only some sources have."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of a group at the end of a second.

    Attributes:
        group: which; what is learned of a group stays with it.
        steps: its latest seconds, the newest last; `STEPS` at most count.
        usual: a level for each of `MEASURES` in quiet seconds, where the caller knows them; else empty. A
            policy that has seen enough of the group goes by its own.
        slo_ms: how old a request may get, for the hard rules.
    """

    group: str
    steps: tuple[Step, ...]
    usual: tuple[Level, ...] = ()
    slo_ms: float = 1000.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """A measure that speaks for an anomaly.

    Attributes:
        feature: its name.
        value: what it is in the newest second; None where it is missing there.
        deviation: how many robust deviations its latest three seconds are off what is usual.
    """

    feature: str
    value: float | None
    deviation: float


@dataclass(frozen=True, slots=True)
class Action:
    """What is said of a group. Two actions are equal when they flag alike; the rest explains.

    Attributes:
        anomalous: whether this second is flagged.
        probability: calibrated, where a model says it; else a score from 0 to 1.
        alarm: whether an alarm stands: two of the latest three seconds are flagged.
        since_s: when the episode that stands began, in seconds; None without one.
        state: how much is seen.
        rules: the hard rules that are broken, in words.
        evidence: what speaks for it most, the strongest first.
        margin: the log odds a model gave; None from a rule.
    """

    anomalous: bool
    probability: float = field(default=0.0, compare=False)
    alarm: bool = field(default=False, compare=False)
    since_s: float | None = field(default=None, compare=False)
    state: State = field(default="steady", compare=False)
    rules: tuple[str, ...] = field(default=(), compare=False)
    evidence: tuple[Evidence, ...] = field(default=(), compare=False)
    margin: float | None = field(default=None, compare=False)


FINE = Action(anomalous=False)
"""The action of somebody who sees nothing wrong."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an action. A policy that serves learns nothing of it: nobody labels live.

    Attributes:
        alarmed: whether the second was flagged.
        kind: what was going on.
        event: the name of the fault or benign event; empty where there was none.
    """

    alarmed: bool
    kind: Kind = "unknown"
    event: str = ""
