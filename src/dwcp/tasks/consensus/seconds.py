"""A second of a cluster and its members, as telemetry tells it, as one step."""

import math
from collections.abc import Callable, Sequence
from statistics import median

from dwcp.tasks.consensus.contract import Step
from dwcp.telemetry.sources.etcd.seconds import ClusterSecond, MemberSecond, Second

__all__ = ["step_of"]

_Field = Callable[[MemberSecond], float]


def step_of(second: Second) -> Step:
    """Everything a step has, as far as it was measured."""
    cluster, members = second
    return Step(
        queue_depth=_known(cluster.queue_depth),
        proposals_pending=_known(cluster.proposals_pending),
        proposals_committed=_known(cluster.proposals_committed),
        latency_p50_ms=_known(cluster.latency_p50),
        latency_p95_ms=_known(cluster.latency_p95),
        latency_p99_ms=_known(cluster.latency_p99),
        leader_changes=_known(cluster.leader_changes),
        quorum_size=_known(cluster.quorum_size),
        active_nodes=_known(cluster.active_nodes),
        network_tier=_known(cluster.network_tier),
        profile=_known(cluster.profile),
        consensus_type=_known(cluster.consensus_type),
        requests_issued=_known(cluster.req_issued),
        requests_ok=_known(cluster.req_ok),
        requests_failed=_known(cluster.req_err),
        oldest_ms=_known(cluster.oldest_ms),
        apply_gap=_known(cluster.apply_gap),
        follower_lag=_known(cluster.follower_lag),
        host_busy=_known(cluster.host_cpu_busy),
        loop_lag_ms=_known(cluster.loop_lag_ms),
        **_of_members(members, cluster),
    )


def _of_members(members: Sequence[MemberSecond], cluster: ClusterSecond) -> dict[str, float | None]:
    if not members:
        return {"members_up": _known(cluster.nodes_up)}
    answering = [one for one in members if one.scrape_ok == 1]
    peers = _values(members, lambda one: one.active_peers)
    return {
        "members": float(len(members)),
        "members_up": float(len(answering)),
        "leader_known": float(cluster.leader > 0),
        "leaderless": float(sum(one.has_leader == 0 for one in answering)),
        "restarts": _total(members, lambda one: one.restarted),
        **_worst(members, "retransmit_share", lambda one: one.packet_loss_rate),
        **_worst(members, "fsync_ms", lambda one: one.fsync_ms),
        **_worst(members, "commit_ms", lambda one: one.commit_ms),
        **_worst(members, "peer_rtt_ms", lambda one: one.peer_rtt_ms),
        **_worst(members, "scrape_ms", lambda one: one.scrape_ms),
        **_worst(members, "member_p99_ms", lambda one: one.latency_p99),
        **_worst(members, "cpu_cores", lambda one: one.cpu_usage),
        "member_p50_ms_spread": _spread(_values(members, lambda one: one.latency_p50)),
        "cpu_cores_least_share": _share(members, lambda one: one.cpu_usage, min),
        "error_share_max": max(_values(members, lambda one: one.error_rate), default=None),
        "timeout_share_max": max(_values(members, lambda one: one.timeout_rate), default=None),
        "peers_min": min(peers, default=None),
        "peers_spread": max(peers) - min(peers) if peers else None,
        "peer_rx_least_share": _share(members, lambda one: one.peer_rx, min),
        "peer_tx_least_share": _share(members, lambda one: one.peer_tx, min),
        "peer_tx_most_share": _share(members, lambda one: one.peer_tx, max),
        "fsyncs_least_share": _share(members, lambda one: one.fsyncs, min),
        "disk_io_least_share": _share(members, lambda one: one.disk_io, min),
        "heartbeats_failed": _total(members, lambda one: one.hb_send_fail),
        "sends_failed": _total(members, lambda one: one.sent_fail),
        "slow_applies": _total(members, lambda one: one.slow_apply),
        "proposals_failed": _total(members, lambda one: one.proposals_failed),
        "connections_failed": _total(members, lambda one: one.connection_failures),
        "late_requests": _total(members, lambda one: one.sla_violations),
    }


def _known(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _values(members: Sequence[MemberSecond], get: _Field) -> list[float]:
    found = (_known(get(one)) for one in members)
    return [value for value in found if value is not None]


def _worst(members: Sequence[MemberSecond], name: str, get: _Field) -> dict[str, float | None]:
    values = _values(members, get)
    return {f"{name}_max": max(values, default=None), f"{name}_spread": _spread(values)}


def _spread(values: Sequence[float]) -> float | None:
    return max(values) - median(values) if values else None


def _share(
    members: Sequence[MemberSecond], get: _Field, choose: Callable[[Sequence[float]], float]
) -> float | None:
    """The least or the most of any over the median of all; None where the median is nothing."""
    values = _values(members, get)
    middle = median(values) if values else 0.0
    return choose(values) / middle if middle > 0 else None


def _total(members: Sequence[MemberSecond], get: _Field) -> float | None:
    values = _values(members, get)
    return sum(values) if values else None
