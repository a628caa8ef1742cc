from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from benchmarks.consensus.__main__ import main, parse
from benchmarks.consensus.faults import ACTS
from benchmarks.consensus.load import Load
from benchmarks.consensus.network import peer_rules
from benchmarks.consensus.places import Places
from benchmarks.consensus.schedule import BENIGN, FAULTS, expected_s, plan, targets
from benchmarks.consensus.watch import is_healthy

from dwcp.errors import InputError
from dwcp.telemetry.sources.etcd import Assembler, ClientSecond, Reading


def test_a_plan_has_every_fault_once_a_round_and_is_the_same_for_a_seed() -> None:
    planned = list(plan(3, Random(7)))
    assert planned == list(plan(3, Random(7)))
    assert planned != list(plan(3, Random(8)))
    counted = Counter(one.type.name for one in planned if one.kind == "fault")
    assert counted == {type_.name: 3 for type_ in FAULTS}
    benign = Counter(one.type.name for one in planned if one.kind == "benign")
    assert set(benign) == {type_.name for type_ in BENIGN}
    assert max(benign.values()) - min(benign.values()) <= 1
    assert 0.3 < expected_s(planned) / len(planned) / 60 < 0.6


def test_severities_are_spread_over_their_range_and_recorded_with_their_unit() -> None:
    planned = [one for one in plan(40, Random(1)) if one.type.name == "loss_leader"]
    drawn = sorted(one.params["loss_percent"] for one in planned)
    assert 4 <= drawn[0] < 6
    assert 25 < drawn[-1] <= 30
    assert abs(drawn[len(drawn) // 2] - 11) < 4, "evenly on a logarithmic scale"


def test_whatever_is_planned_can_be_done() -> None:
    assert {type_.act for type_ in FAULTS} == set(ACTS)
    assert len({type_.name for type_ in (*FAULTS, *BENIGN)}) == len(FAULTS) + len(BENIGN)


def test_targets_are_whom_the_role_says() -> None:
    members, rng = (1, 2, 3, 4, 5), Random(3)
    assert targets("leader", 4, members, rng) == (4,)
    assert all(targets("follower", 4, members, rng) != (4,) for _ in range(30))
    majority = targets("majority", 4, members, rng)
    assert len(set(majority)) == 3
    assert all(one < other for one, other in pairwise(majority))
    assert targets("all", 0, members, rng) == members
    assert targets("leader", 0, members, rng) == (1,)


def test_rules_drop_what_peers_send_one_way_or_both() -> None:
    both, arriving = peer_rules(("input", "output"), "drop"), peer_rules(("input",), "drop")
    assert both.count("dport 2380 drop") == both.count("sport 2380 drop") == 2
    assert "hook input" in arriving
    assert "output" not in arriving


def test_the_load_waves_around_its_rate_and_follows_events() -> None:
    load = Load({}, 100.0, Random(1))
    rates = [load.rate_at(float(elapsed_s)) for elapsed_s in range(2140)]
    assert sum(rates) / len(rates) == pytest.approx(100, rel=0.02)
    assert 50 < min(rates) < max(rates) < 150
    load.times = 0.0
    assert load.rate_at(5.0) == 1.0


def test_a_cluster_is_well_only_with_all_its_members_and_one_leader() -> None:
    def reading(leads: float, peers: float = 2.0) -> Reading:
        told = {
            "etcd_server_has_leader": 1.0,
            "etcd_server_is_leader": leads,
            "etcd_network_active_peers": peers,
        }
        names = ("etcd_server_proposals_committed_total", "etcd_server_proposals_applied_total")
        return Reading({**told, **dict.fromkeys(names, 5.0)}, 1.0, 1.0)

    def well(*readings: Reading | None, ages_ms: tuple[float, ...] = ()) -> bool:
        by_member = dict(enumerate(readings, 1))
        second = Assembler((1, 2, 3)).assemble(1, by_member, ClientSecond(ages_ms=ages_ms))
        return is_healthy(second, by_member)

    assert well(reading(1), reading(0), reading(0))
    assert not well(reading(1), reading(0), None)
    assert not well(reading(1), reading(1), reading(0))
    assert not well(reading(0), reading(0), reading(0))
    assert not well(reading(1), reading(0), reading(0, peers=1.0))
    assert not well(reading(1), reading(0), reading(0), ages_ms=(900.0,))


def test_everything_is_named_after_the_prefix(tmp_path: Path) -> None:
    a, b = Places("a", tmp_path), Places("b", tmp_path)
    assert {a.hub, a.namespace(1), str(a.cgroup), str(a.folder)}.isdisjoint(
        {b.hub, b.namespace(1), str(b.cgroup), str(b.folder)}
    )
    for wrong in ("", "A", "a/b", "-a", "a" * 17):
        with pytest.raises(InputError, match="is no prefix"):
            Places(wrong, tmp_path)


def test_bad_input_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", "--out", str(tmp_path / "x"), "--prefix", "No", "--work", str(tmp_path)]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("consensus: 'No' is no prefix")
    assert printed.count("\n") == 1
    with pytest.raises(SystemExit):
        parse(["record", "--out", "x", "--rounds", "-1"])
    with pytest.raises(SystemExit):
        parse(["record", "--out", "x", "--load", "0"])
