import json
from random import Random

import numpy as np
import pytest

from dwcp.task import Arrays
from dwcp.tasks.reliability.calibration import QuietScores, conformal_threshold
from dwcp.tasks.reliability.contract import Context, Outcome, Sample
from dwcp.tasks.reliability.names import FEATURES
from dwcp.tasks.reliability.policy import DetectorPolicy

NODE = Context("n", (Sample(error_rate=0.0),))
TRAINED = 2.0


class Told:
    """A graph that answers what it was told to."""

    def __init__(self) -> None:
        self.margin = 0.0

    def run(self, arrays: Arrays) -> Arrays:
        rows = len(arrays["window"])
        deviation = np.zeros((rows, len(FEATURES)), np.float32)
        deviation[:, 7], deviation[:, 3] = -4.0, 2.5
        return {
            "margin": np.full(rows, self.margin, np.float32),
            "threshold": np.full(rows, TRAINED, np.float32),
            "novelty": np.full(rows, 0.5, np.float32),
            "deviation": deviation,
        }


def step(policy: DetectorPolicy, graph: Told, margin: float) -> tuple[bool, bool]:
    graph.margin = margin
    action = policy.decide(NODE, 0.0, Random(1)).action
    policy.observe(NODE, action, Outcome(action.anomalous), 0.0)
    return action.anomalous, action.alarm


def rates(policy: DetectorPolicy, graph: Told, margins: np.ndarray) -> float:
    return float(np.mean([step(policy, graph, float(margin))[0] for margin in margins]))


def test_a_conformal_threshold_keeps_its_rate_on_what_comes_next() -> None:
    rng = np.random.default_rng(1)
    passed = [
        np.mean(rng.normal(size=2000) > conformal_threshold(rng.normal(size=500), 0.05)) for _ in range(80)
    ]
    assert np.mean(passed) == pytest.approx(0.05, abs=0.005)
    assert conformal_threshold([1.0, 3.0, 2.0], 0.01) == 3.0


def test_two_of_three_flags_make_an_alarm() -> None:
    graph = Told()
    policy = DetectorPolicy(graph)
    alarms = [step(policy, graph, margin)[1] for margin in (0, 5, 0, 5, 5, 0, 0, 0)]
    assert alarms == [False, False, False, True, True, True, False, False]


def test_what_speaks_for_it_comes_strongest_first_with_the_margin_as_chance() -> None:
    graph = Told()
    graph.margin = 3.0
    decision = DetectorPolicy(graph).decide(NODE, 0.0, Random(1))
    assert [one.feature for one in decision.action.contributions] == [FEATURES[7], FEATURES[3]]
    assert decision.action.score == pytest.approx(1 / (1 + np.exp(-3.0)))
    assert decision.confidence == decision.action.score


def test_a_noisier_node_gets_a_higher_threshold_and_a_drift_keeps_few_false_flags() -> None:
    rng = np.random.default_rng(2)
    graph = Told()
    policy = DetectorPolicy(graph)
    rates(policy, graph, rng.normal(0.5, 1.0, 1500))
    assert rates(policy, graph, rng.normal(0.5, 1.0, 2000)) < 0.02
    drift = rng.normal(0.5, 0.4, 4000) + np.linspace(0, 1.0, 4000)
    assert rates(policy, graph, drift) < 0.02


def test_an_open_incident_is_never_taken_for_what_is_usual() -> None:
    rng = np.random.default_rng(3)
    graph = Told()
    policy = DetectorPolicy(graph)
    rates(policy, graph, rng.normal(0.0, 0.5, 1000))
    assert rates(policy, graph, rng.normal(6.0, 0.3, 2000)) == 1.0
    slow = np.concatenate([np.linspace(0, 6, 30), np.full(2000, 6.0)])
    found = [step(policy, graph, float(margin))[0] for margin in slow]
    assert all(found[30:])


def test_rows_just_before_an_alarm_do_not_count() -> None:
    known = QuietScores()
    for _ in range(400):
        known.add(0.0, alarm=False)
    before = known.threshold(0.0, 0.01)
    for _ in range(100):
        for score in (2.9, 2.9, 2.9):
            known.add(score, alarm=False)
        known.add(9.0, alarm=True)
    assert known.threshold(0.0, 0.01) == before


def test_it_is_remembered_as_json_and_rules_teach_nothing() -> None:
    graph = Told()
    policy = DetectorPolicy(graph)
    for margin in (0.0, 5.0, 0.1, 0.2):
        step(policy, graph, margin)
    state = json.loads(json.dumps(policy.snapshot()))
    other = DetectorPolicy(graph)
    other.restore(state)
    assert other.snapshot() == policy.snapshot()
    from dwcp.tasks.reliability.contract import FINE

    other.observe(NODE, FINE, Outcome(False), 0.0)
    assert other.snapshot() == policy.snapshot()
