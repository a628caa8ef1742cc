import math
import re

import pytest

from dwcp.errors import SchemaError
from dwcp.telemetry.sources.etcd import (
    Assembler,
    ClientLog,
    ClientSecond,
    Differences,
    Outcome,
    Reading,
    parse_reading,
    quantile,
)

FSYNC = "etcd_disk_wal_fsync_duration_seconds"


def at(metrics: str, taken_s: float, **changed: float) -> Reading:
    """The recorded text with some values changed, taken at a time."""
    for name, value in changed.items():
        metrics, count = re.subn(rf"(?m)^{name}\b(\S*) .*$", rf"{name}\1 {float(value)!r}", metrics, count=1)
        assert count == 1
    return parse_reading(metrics, taken_s, 5.0)


def test_counters_become_differences_a_second(metrics: str) -> None:
    before = at(metrics, 10.0, **{f"{FSYNC}_sum": 1.0, f"{FSYNC}_count": 100})
    after = at(metrics, 12.0, **{f"{FSYNC}_sum": 1.5, f"{FSYNC}_count": 150})
    since = Differences(before, after)
    assert since.a_second(f"{FSYNC}_count") == 25.0
    assert since.mean_ms(FSYNC) == pytest.approx(10.0)
    assert math.isnan(since.mean_ms("etcd_disk_backend_commit_duration_seconds"))
    assert not since.restarted


@pytest.mark.parametrize(
    "changed",
    [{"process_start_time_seconds": 1.9e9}, {"process_cpu_seconds_total": 0.01}],
    ids=["start", "cpu"],
)
def test_a_member_that_was_started_anew_is_marked_and_gives_no_difference(
    metrics: str, changed: dict[str, float]
) -> None:
    before = at(metrics, 10.0, etcd_server_proposals_committed_total=500)
    since = Differences(before, at(metrics, 11.0, etcd_server_proposals_committed_total=700, **changed))
    assert since.restarted
    assert math.isnan(since.a_second("etcd_server_proposals_committed_total"))


def test_one_counter_that_goes_back_gives_no_negative(metrics: str) -> None:
    before = at(metrics, 10.0, etcd_server_slow_apply_total=5)
    since = Differences(
        before, at(metrics, 11.0, etcd_server_slow_apply_total=1, process_cpu_seconds_total=9)
    )
    assert math.isnan(since.a_second("etcd_server_slow_apply_total"))
    assert since.a_second("process_cpu_seconds_total") > 0
    assert not since.restarted


def test_what_is_not_etcd_is_refused() -> None:
    with pytest.raises(SchemaError, match="not the /metrics of etcd"):
        parse_reading("go_goroutines 5\n", 0.0, 0.0)


def test_a_failure_by_peer_counts_from_the_first(metrics: str) -> None:
    failed = metrics + 'etcd_network_peer_sent_failures_total{To="9b1d"} 3\n'
    since = Differences(parse_reading(metrics, 1.0, 1.0), parse_reading(failed, 2.0, 1.0))
    assert since.a_second("etcd_network_peer_sent_failures_total") == 3.0


def test_a_second_of_three_members_of_which_one_is_gone(metrics: str) -> None:
    assembler = Assembler((1, 2, 3))
    committed = "etcd_server_proposals_committed_total"
    first = {
        one: at(metrics, 10.0, **{committed: 100, "etcd_server_is_leader": one == 2}) for one in (1, 2, 3)
    }
    assembler.assemble(1000, first, ClientSecond())
    log = ClientLog()
    for member, outcome, took_s in (
        (1, Outcome.OK, 0.004),
        (2, Outcome.OK, 0.2),
        (3, Outcome.REFUSED, 0.001),
    ):
        request = log.issue(20.0)
        log.attempt(member, outcome, took_s * 1e3)
        log.finish(request, outcome is Outcome.OK, 20.0 + took_s)
    log.issue(20.5)
    second = {
        1: at(metrics, 11.0, **{committed: 140, "etcd_server_is_leader": 0}),
        2: at(metrics, 11.0, **{committed: 150, "etcd_server_leader_changes_seen_total": 2}),
        3: None,
    }
    cluster, members = assembler.assemble(1001, second, log.take(21.0), loop_lag_ms=3.0)

    assert (cluster.nodes_up, cluster.active_nodes, cluster.leader, cluster.quorum_size) == (2, 2, 2, 2)
    assert (cluster.proposals_committed, cluster.leader_changes, cluster.follower_lag) == (50.0, 1.0, 10.0)
    assert (cluster.req_issued, cluster.req_ok, cluster.req_err, cluster.queue_depth) == (4, 2, 1, 1)
    assert cluster.oldest_ms == pytest.approx(500.0)
    assert (cluster.latency_p50, cluster.latency_p99) == (pytest.approx(4.0), pytest.approx(200.0))
    assert cluster.loop_lag_ms == 3.0

    gone = members[2]
    assert (gone.node, gone.scrape_ok, gone.connection_failures, gone.error_rate) == (3, 0, 1, 1.0)
    assert all(math.isnan(value) for value in (gone.cpu_usage, gone.has_leader, gone.commit_lag, gone.fsyncs))
    assert (members[1].sla_violations, members[1].timeout_rate, members[1].commit_lag) == (1, 0.0, 0.0)
    assert [one.is_leader for one in members[:2]] == [0.0, 1.0]


def test_a_member_that_comes_back_is_compared_with_when_it_was_last_seen(metrics: str) -> None:
    assembler = Assembler((1,))
    assembler.assemble(1, {1: at(metrics, 1.0, process_cpu_seconds_total=1)}, ClientSecond())
    assembler.assemble(2, {1: None}, ClientSecond())
    _, (back,) = assembler.assemble(5, {1: at(metrics, 5.0, process_cpu_seconds_total=3)}, ClientSecond())
    assert back.cpu_usage == 0.5


def test_without_an_answer_the_latency_is_the_age_of_the_oldest_request() -> None:
    log = ClientLog()
    log.issue(1.0)
    log.issue(1.5)
    log.take(2.0)
    stalled = log.take(3.0)
    cluster, _ = Assembler((1,)).assemble(3, {1: None}, stalled)
    assert (cluster.req_issued, cluster.latency_p50, cluster.oldest_ms) == (0, 2000.0, 2000.0)
    assert (cluster.nodes_up, cluster.leader) == (0, 0)
    assert math.isnan(cluster.proposals_committed)


def test_quantiles_are_values_that_were_there() -> None:
    assert [quantile([3.0, 1.0, 2.0, 4.0], share) for share in (0.0, 0.5, 0.75, 0.99)] == [1.0, 2.0, 3.0, 4.0]
    assert math.isnan(quantile([], 0.5))
