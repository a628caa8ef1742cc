"""From scrapes and what the client saw to one second of the cluster and its members."""

import math
from collections.abc import Iterable, Mapping, Sequence

from dwcp.telemetry.sources.etcd.client_log import ClientSecond, MemberTally
from dwcp.telemetry.sources.etcd.http import Outcome
from dwcp.telemetry.sources.etcd.readings import Differences, Reading
from dwcp.telemetry.sources.etcd.seconds import RAFT, ClusterSecond, MemberSecond, Second

__all__ = ["Assembler", "quantile"]

SLA_MS = 100.0
_COMMITTED = "etcd_server_proposals_committed_total"
_APPLIED = "etcd_server_proposals_applied_total"


class Assembler:
    """Keeps each member's last reading and the number of entries committed, to tell differences.

    Args:
        members: numbers of the members.
        network_tier: 1 to 3; which of them the members' network is.
        profile: 1 to 3; the protocol profile.
    """

    def __init__(self, members: Sequence[int], network_tier: int = 1, profile: int = 1) -> None:
        self._members = tuple(members)
        self._tier, self._profile = network_tier, profile
        self._last: dict[int, Reading] = {}
        self._furthest: tuple[float, float] | None = None

    def assemble(
        self,
        ts: int,
        readings: Mapping[int, Reading | None],
        client: ClientSecond,
        *,
        packet_loss: Mapping[int, float] | None = None,
        host_cpu_busy: float = math.nan,
        loop_lag_ms: float = math.nan,
    ) -> Second:
        """The second that ends now.

        Args:
            ts: seconds since 1970.
            readings: of each member; None of one that did not answer.
            client: what the client saw.
            packet_loss: of each member, where it can be told.
            host_cpu_busy: share of this machine's processors in use.
            loop_lag_ms: how late the second was begun.
        """
        up = {member: reading for member, reading in readings.items() if reading is not None}
        since = {member: Differences(self._last.get(member), up.get(member)) for member in self._members}
        furthest = _most(reading.level(_COMMITTED) for reading in up.values())
        cluster = ClusterSecond(
            ts=ts,
            queue_depth=len(client.ages_ms),
            proposals_pending=_most(r.level("etcd_server_proposals_pending") for r in up.values()),
            proposals_committed=self._committed(furthest, up),
            **_latencies(client),
            leader_changes=_most(
                since[member].a_second("etcd_server_leader_changes_seen_total") for member in up
            ),
            quorum_size=len(self._members) // 2 + 1,
            active_nodes=sum(reading.level("etcd_server_has_leader") == 1 for reading in up.values()),
            network_tier=self._tier,
            profile=self._profile,
            consensus_type=RAFT,
            req_issued=client.issued,
            req_ok=client.ok,
            req_err=client.err,
            oldest_ms=max(client.ages_ms, default=0.0),
            apply_gap=_most(reading.level(_COMMITTED) - reading.level(_APPLIED) for reading in up.values()),
            follower_lag=_most(furthest - reading.level(_COMMITTED) for reading in up.values()),
            leader=_leader(up),
            nodes_up=len(up),
            host_cpu_busy=host_cpu_busy,
            loop_lag_ms=loop_lag_ms,
        )
        losses = packet_loss or {}
        members = tuple(
            _member_second(
                (ts, member),
                up.get(member),
                since[member],
                client.members.get(member, MemberTally()),
                losses.get(member, math.nan),
                furthest,
            )
            for member in self._members
        )
        self._last.update(up)
        return Second(cluster, members)

    def _committed(self, furthest: float, up: Mapping[int, Reading]) -> float:
        """Entries committed a second, by the furthest member; the time is that of its reading."""
        if not up or math.isnan(furthest):
            return math.nan
        taken_s = max(reading.taken_s for reading in up.values())
        before, self._furthest = self._furthest, (furthest, taken_s)
        if before is None or taken_s <= before[1]:
            return math.nan
        self._furthest = (max(furthest, before[0]), taken_s)
        return max(0.0, furthest - before[0]) / (taken_s - before[1])


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed; NaN of none."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _most(values: Iterable[float]) -> float:
    return max((value for value in values if not math.isnan(value)), default=math.nan)


def _leader(up: Mapping[int, Reading]) -> int:
    """Of several that say so, as after a partition, the one that has committed most."""
    leaders = [member for member, reading in up.items() if reading.level("etcd_server_is_leader") == 1]
    return max(leaders, key=lambda member: (up[member].level(_COMMITTED), member), default=0)


def _latencies(client: ClientSecond) -> dict[str, float]:
    seen = client.latencies_ms or ((max(client.ages_ms),) if client.ages_ms else ())
    return {f"latency_p{percent}": quantile(seen, percent / 100) for percent in (50, 95, 99)}


def _member_second(
    named: tuple[int, int],
    reading: Reading | None,
    since: Differences,
    tally: MemberTally,
    packet_loss: float,
    furthest: float,
) -> MemberSecond:
    now = reading or Reading({}, math.nan, math.nan)
    timeouts = tally.count(Outcome.TIMEOUT)
    return MemberSecond(
        *named,
        error_rate=_share(tally.attempts - tally.count(Outcome.OK), tally.attempts),
        timeout_rate=_share(timeouts, tally.attempts),
        latency_p50=quantile(tally.latencies_ms, 0.5),
        latency_p99=quantile(tally.latencies_ms, 0.99),
        sla_violations=timeouts + sum(latency_ms > SLA_MS for latency_ms in tally.latencies_ms),
        connection_failures=tally.count(Outcome.REFUSED),
        packet_loss_rate=packet_loss,
        cpu_usage=since.a_second("process_cpu_seconds_total"),
        memory_usage=now.level("process_resident_memory_bytes"),
        disk_io=since.a_second("etcd_disk_wal_write_bytes_total"),
        attempts=tally.attempts,
        scrape_ok=int(reading is not None),
        scrape_ms=now.scrape_ms,
        is_leader=now.level("etcd_server_is_leader"),
        has_leader=now.level("etcd_server_has_leader"),
        active_peers=now.level("etcd_network_active_peers"),
        fsync_ms=since.mean_ms("etcd_disk_wal_fsync_duration_seconds"),
        fsyncs=since.a_second("etcd_disk_wal_fsync_duration_seconds_count"),
        commit_ms=since.mean_ms("etcd_disk_backend_commit_duration_seconds"),
        peer_rtt_ms=since.mean_ms("etcd_network_peer_round_trip_time_seconds"),
        hb_send_fail=since.a_second("etcd_server_heartbeat_send_failures_total"),
        slow_apply=since.a_second("etcd_server_slow_apply_total"),
        proposals_failed=since.a_second("etcd_server_proposals_failed_total"),
        proposals_pending=now.level("etcd_server_proposals_pending"),
        apply_gap=now.level(_COMMITTED) - now.level(_APPLIED),
        commit_lag=furthest - now.level(_COMMITTED),
        peer_rx=since.a_second("etcd_network_peer_received_bytes_total"),
        peer_tx=since.a_second("etcd_network_peer_sent_bytes_total"),
        sent_fail=since.a_second("etcd_network_peer_sent_failures_total"),
        goroutines=now.level("go_goroutines"),
        fds=now.level("process_open_fds"),
        db_bytes=now.level("etcd_mvcc_db_total_size_in_bytes"),
        restarted=int(since.restarted),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
