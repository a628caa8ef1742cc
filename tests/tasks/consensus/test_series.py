"""Seconds in a row as decisions: gaps, levels by labels, parts; and a second of telemetry as a step."""

from math import nan

from dwcp.tasks.consensus.contract import FINE, Step
from dwcp.tasks.consensus.seconds import step_of
from dwcp.tasks.consensus.series import Series, cases_of, without_gaps
from dwcp.tasks.consensus.states import state_of
from dwcp.telemetry.sources.etcd.seconds import ClusterSecond, MemberSecond, Second


def _series(times, kinds=None):
    count = len(times)
    kinds = kinds or ("quiet",) * count
    steps = tuple(Step(latency_p50_ms=float(place)) for place in range(count))
    return Series("group", tuple(map(float, times)), steps, tuple(kinds), ("",) * count)


def test_missing_seconds_are_put_in_as_empty_ones_that_nobody_labelled():
    whole = without_gaps(_series([1, 2, 5]))
    assert whole.times_s == (1.0, 2.0, 3.0, 4.0, 5.0)
    assert whole.steps[2] == Step()
    assert whole.kinds[2] == "unknown"
    assert state_of(list(cases_of(_series([1, 2, 5])))[-1].context) == "gap"


def test_levels_come_from_what_was_before_and_not_from_faults():
    kinds = ("quiet",) * 60 + ("fault",) * 20
    cases = list(cases_of(_series(range(80), kinds)))
    assert cases[0].context.usual == ()
    assert cases[-1].context.usual == cases[62].context.usual != ()
    assert cases[-1].outcomes[FINE].kind == "fault"
    assert len({case.group for case in cases_of(_series(range(80)), part_s=20.0)}) == 4


def _member(node, **parts):
    known = dict.fromkeys(MemberSecond.__dataclass_fields__, nan)
    return MemberSecond(**{**known, "ts": 1, "node": node, "scrape_ok": 1, "has_leader": 1.0, **parts})


def test_members_are_aggregated_and_one_that_is_gone_is_missing_not_zero():
    known = dict.fromkeys(ClusterSecond.__dataclass_fields__, 1)
    members = (
        _member(1, fsync_ms=2.0, packet_loss_rate=0.0, peer_rx=100.0, restarted=1),
        _member(2, fsync_ms=9.0, packet_loss_rate=0.2, peer_rx=50.0),
        _member(3, scrape_ok=0, has_leader=nan),
    )
    step = step_of(Second(ClusterSecond(**{**known, "latency_p50": nan}), members))
    assert (step.members, step.members_up, step.leaderless, step.restarts) == (3.0, 2.0, 0.0, 1.0)
    assert (step.fsync_ms_max, step.fsync_ms_spread) == (9.0, 3.5)
    assert step.latency_p50_ms is None
    assert step.commit_ms_max is None
    assert step.peer_rx_least_share == 50.0 / 75.0
