"""One second of a cluster and of each member, as every reader of consensus telemetry gets it."""

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["RAFT", "ClusterSecond", "MemberSecond", "Second"]

RAFT = 1
"""``consensus_type`` of a Raft group."""


@dataclass(frozen=True, slots=True)
class ClusterSecond:
    """One second of the cluster. NaN is what was not measured.

    The first twelve after the time are the published features.

    Attributes:
        ts: seconds since 1970; the row covers the second before it.
        queue_depth: requests of the client without an answer.
        proposals_pending: most that a member has not yet committed.
        proposals_committed: committed a second.
        latency_p50: ms, over the client's requests that ended, failed ones with the time they took; where
            none ended, the age of the oldest without an answer.
        latency_p95: as `latency_p50`.
        latency_p99: as `latency_p50`.
        leader_changes: changes of leader, by the member that saw most.
        quorum_size: members that must agree.
        active_nodes: members that answer and know a leader.
        network_tier: 1 to 3.
        profile: protocol profile: 1 standard, 2 optimized, 3 resilient.
        consensus_type: 1 for Raft.
        req_issued: requests that the client sent.
        req_ok: requests that ended well.
        req_err: requests that failed.
        oldest_ms: age of the oldest request without an answer.
        apply_gap: most entries that a member has committed and not applied.
        follower_lag: most entries that a member is behind the furthest one.
        leader: number of the leader; 0 where no member says it leads.
        nodes_up: members that answer.
        host_cpu_busy: share of this machine's processors in use.
        loop_lag_ms: how late the row was begun.
    """

    ts: int
    queue_depth: int
    proposals_pending: float
    proposals_committed: float
    latency_p50: float
    latency_p95: float
    latency_p99: float
    leader_changes: float
    quorum_size: int
    active_nodes: int
    network_tier: int
    profile: int
    consensus_type: int
    req_issued: int
    req_ok: int
    req_err: int
    oldest_ms: float
    apply_gap: float
    follower_lag: float
    leader: int
    nodes_up: int
    host_cpu_busy: float
    loop_lag_ms: float


@dataclass(frozen=True, slots=True)
class MemberSecond:
    """One second of a member. NaN is what was not measured; a member that does not answer has a row too.

    The first ten after the name are the published base metrics.

    Attributes:
        ts: seconds since 1970; the row covers the second before it.
        node: number of the member, from 1, in the order of the endpoints.
        error_rate: share of the client's attempts at it that failed in any way; NaN without attempts.
        timeout_rate: share that had no answer in time; NaN without attempts.
        latency_p50: ms, of attempts that went well.
        latency_p99: ms, of attempts that went well.
        sla_violations: attempts that took over 100 ms or had no answer in time.
        connection_failures: attempts without a connection, or whose connection broke.
        packet_loss_rate: segments sent again over segments sent.
        cpu_usage: processor seconds a second.
        memory_usage: resident bytes.
        disk_io: bytes written a second, by the write-ahead log.
        attempts: the client's attempts at it.
        scrape_ok: 1 where it answered the scrape, else 0.
        scrape_ms: how long the scrape took.
        is_leader: 1 where it says it leads.
        has_leader: 1 where it knows a leader.
        active_peers: its open connections to other members.
        fsync_ms: mean of its log's fsync.
        fsyncs: how many a second.
        commit_ms: mean of its database's commit.
        peer_rtt_ms: mean round trip to other members.
        hb_send_fail: heartbeats a second that could not be sent in time.
        slow_apply: entries a second that were slow to apply.
        proposals_failed: a second.
        proposals_pending: not yet committed.
        apply_gap: entries committed and not applied.
        commit_lag: entries behind the furthest member.
        peer_rx: bytes a second from other members.
        peer_tx: bytes a second to other members.
        sent_fail: messages a second to other members that failed.
        goroutines: of the process.
        fds: files and sockets open.
        db_bytes: size of its database.
        restarted: 1 where the process is another than in the row before: differences are NaN.
    """

    ts: int
    node: int
    error_rate: float
    timeout_rate: float
    latency_p50: float
    latency_p99: float
    sla_violations: int
    connection_failures: int
    packet_loss_rate: float
    cpu_usage: float
    memory_usage: float
    disk_io: float
    attempts: int
    scrape_ok: int
    scrape_ms: float
    is_leader: float
    has_leader: float
    active_peers: float
    fsync_ms: float
    fsyncs: float
    commit_ms: float
    peer_rtt_ms: float
    hb_send_fail: float
    slow_apply: float
    proposals_failed: float
    proposals_pending: float
    apply_gap: float
    commit_lag: float
    peer_rx: float
    peer_tx: float
    sent_fail: float
    goroutines: float
    fds: float
    db_bytes: float
    restarted: int


class Second(NamedTuple):
    """The cluster and its members in one second."""

    cluster: ClusterSecond
    members: tuple[MemberSecond, ...]
