"""Simulated groups: continuous, with episodes that are felt, and constants that stay."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from dwcp.simulate.consensus import BENIGN, FAULTS, Episode, draw_traits, schedule, simulate_group
from dwcp.simulate.consensus.effects import effects_of
from dwcp.simulate.consensus.state import run
from dwcp.simulate.consensus.telling import told_by_group, told_by_members

_CONSTANT = ("quorum_size", "network_tier", "profile", "consensus_type")


def _with(kind, seed=1):
    """Measures of a group with one full-strength episode from second 60 to 80."""
    rng = np.random.default_rng(seed)
    traits = replace(draw_traits(rng), protocol="raft", members=3)
    effects = effects_of([Episode(kind, 0, (0,), 60, 80, 1, 1, 1.0)], 100, 3)
    state = run(traits, effects, 100, rng)
    return {**told_by_group(traits, state), **told_by_members(traits, effects, state, rng)}


def test_the_same_seed_gives_the_same_group_and_constants_stay():
    one, other = (simulate_group(200, 40, np.random.default_rng(5)) for _ in range(2))
    assert all(np.array_equal(one.measures[name], other.measures[name]) for name in one.measures)
    assert all(len(set(one.measures[name])) == 1 for name in _CONSTANT)
    assert set(one.kinds[:40]) == {"quiet"}
    assert "fault" in one.kinds
    assert all(np.isfinite(values).all() and (values >= 0).all() for values in one.measures.values())


def test_episodes_follow_each_other_and_are_no_points():
    episodes = schedule(5, 2000, 40, np.random.default_rng(2))
    assert {episode.kind for episode in episodes} >= {FAULTS[0], BENIGN[0]} or len(episodes) > 20
    assert all(one.end <= other.begin for one, other in pairwise(episodes))
    assert all(episode.end - episode.begin >= 2 for episode in episodes)


@pytest.mark.parametrize(
    ("kind", "measure"),
    [
        ("partition", "sends_failed"),
        ("disk_stall", "fsync_ms_max"),
        ("queue_overflow", "queue_depth"),
        ("leader_storm", "leader_changes"),
        ("gc_pause", "member_p99_ms_max"),
        ("byzantine", "error_share_max"),
        ("coordinated_attack", "retransmit_share_max"),
        ("defragmentation", "commit_ms_max"),
        ("load_up", "proposals_committed"),
    ],
)
def test_each_episode_is_felt_where_it_should_be(kind, measure):
    values = _with(kind)[measure]
    assert values[62:79].max() > 1.5 * values[5:55].max() + 1e-3


def test_a_benign_event_does_not_touch_the_clients():
    values = _with("defragmentation")
    assert values["requests_failed"].sum() == 0
    assert values["latency_p50_ms"][60:80].mean() < 1.5 * values["latency_p50_ms"][5:55].mean()
