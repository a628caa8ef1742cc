import numpy as np
import pytest

from dwcp.simulate.nodes import BENIGN, FAULTS, Episode, SimulatedFleet, schedule, simulate_fleet

NODES, STEPS, QUIET = 4, 900, 30


def fleet(seed: int, steps: int = STEPS) -> SimulatedFleet:
    return simulate_fleet(NODES, steps, QUIET, np.random.default_rng(seed))


def many(first: int) -> list[SimulatedFleet]:
    return [fleet(seed) for seed in range(first, first + 12)]


def test_metrics_are_shares_and_counts_and_the_same_for_the_same_seed() -> None:
    made, again = fleet(1), fleet(1)
    for name, values in made.metrics.items():
        known = values[np.isfinite(values)]
        assert values.shape == (QUIET + STEPS, NODES)
        assert known.min() >= 0, name
        assert known.max() <= 1 or name.endswith("_ms") or name.endswith(("violations", "failures")), name
        assert np.array_equal(values, again.metrics[name], equal_nan=True)
    assert np.all(made.metrics["timeout_rate"] <= made.metrics["error_rate"] + 1e-12)
    assert not np.array_equal(made.metrics["cpu_usage"], fleet(2).metrics["cpu_usage"])


def test_all_kinds_happen_in_stretches_with_a_quiet_beginning() -> None:
    seen = set()
    for made in many(10):
        assert (made.kinds[:QUIET] == "quiet").all()
        assert ((made.events == "") == (made.kinds == "quiet")).all()
        for episode in made.episodes:
            seen.add(episode.kind)
            rows = made.kinds[episode.begin : episode.end, episode.node]
            assert len(rows) >= 2
            assert (rows == ("fault" if episode.kind in FAULTS else "benign")).all()
    assert seen == {*FAULTS, *BENIGN}


def test_an_episode_rises_holds_and_falls() -> None:
    strength = Episode("overload", "overload-0", 0, 10, 20, 4, 3, 0.8).strength(40)
    assert strength[:10].max() == 0
    assert np.all(np.diff(strength[9:14]) > 0)
    assert strength[13:19] == pytest.approx(0.8)
    assert np.all(np.diff(strength[19:24]) <= 0)
    assert strength[24:].max() == 0


def test_a_cascade_goes_from_node_to_node_and_a_spike_meets_all_at_once() -> None:
    cascades, spikes = [], []
    for seed in range(40):
        episodes = schedule(NODES, STEPS, QUIET, np.random.default_rng(seed))
        for name in {episode.name for episode in episodes}:
            begins = sorted(episode.begin for episode in episodes if episode.name == name)
            if name.startswith("cascading"):
                cascades.append(begins)
            if name.startswith("load_spike"):
                spikes.append(begins)
    assert cascades
    assert spikes
    assert all(len(begins) >= 2 and len(set(begins)) == len(begins) for begins in cascades)
    assert all(len(begins) == NODES and len(set(begins)) == 1 for begins in spikes)


@pytest.mark.parametrize(
    ("kind", "metric", "sign"),
    [
        ("disk_stall", "disk_io", 1),
        ("gc_pause", "cpu_usage", 1),
        ("network_loss", "packet_loss", 1),
        ("overload", "p99_latency_ms", 1),
        ("crash", "error_rate", 1),
        ("deploy", "memory_usage", -1),
        ("backup_io", "disk_io", 1),
    ],
)
def test_an_event_shows_where_it_should(kind: str, metric: str, sign: int) -> None:
    """Against the same node just before, over many fleets: the middle of the differences has that sign."""
    differences = []
    for made in many(30):
        for episode in made.episodes:
            if episode.kind == kind:
                values = made.metrics[metric][:, episode.node]
                before = values[episode.begin - 8 : episode.begin]
                during = values[episode.begin + episode.onset : episode.end]
                differences.append(during.mean() - before.mean())
    assert len(differences) >= 3
    assert sign * np.median(differences) > 0


def test_a_node_that_is_down_tells_nothing_of_itself() -> None:
    made = next(one for one in many(50) if any(episode.kind == "crash" for episode in one.episodes))
    crash = next(episode for episode in made.episodes if episode.kind == "crash")
    rows = slice(crash.begin, crash.end)
    assert np.isnan(made.metrics["cpu_usage"][rows, crash.node]).all()
    assert (made.metrics["error_rate"][rows, crash.node] == 1).all()


def test_a_very_short_run_has_a_fault_and_quiet() -> None:
    kinds = fleet(3, steps=3).kinds[QUIET:]
    assert (kinds == "fault").any()
    assert (kinds == "quiet").any()
