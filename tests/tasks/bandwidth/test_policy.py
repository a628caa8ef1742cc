import json
import math
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from made_links import context, noisy, steps, walk, wandering

from dwcp.tasks.bandwidth.contract import Outcome, Step
from dwcp.tasks.bandwidth.memory import Memory
from dwcp.tasks.bandwidth.policy import BlendPolicy
from dwcp.tasks.bandwidth.rules import fallback_policy
from dwcp.tasks.bandwidth.task import TASK


def error(found) -> float:
    return float(np.mean([abs(math.log(truth / action.next_step.mid)) for action, truth in found]))


def coverage(found) -> float:
    return float(np.mean([a.next_step.low <= truth <= a.next_step.high for a, truth in found]))


def decided(policy, values, **others):
    return policy.decide(context(values, **others), 0.0, Random(0)).action


class Oracle:
    """A graph that knows what comes; or what is a tenth of it."""

    def __init__(self, values, factor: float = 1.0) -> None:
        self.values, self.factor = values, factor

    def run(self, arrays):
        rows = []
        for epoch_s in arrays["epoch_s"].tolist():
            at = int(epoch_s - 1e6)
            told = [self.values[at], self.values[at : at + 5].mean()]
            rows.append([[self.factor * mid * share for share in (0.95, 1.0, 1.05)] for mid in told])
        nothing = np.zeros(len(rows), np.float32)
        others = dict.fromkeys(("within_20", "rtt_ms", "jitter_ms", "packet_loss"), nothing)
        return {"throughput_mbps": np.array(rows, np.float32), **others}


def test_it_does_as_well_as_the_best_rule_on_noise_and_on_a_walk() -> None:
    for values in (noisy(400, 0.3), wandering(400, 0.2)):
        assert error(walk(BlendPolicy(), values)) < 1.03 * error(walk(fallback_policy(), values))
    noise = noisy(400, 0.3)
    assert error(walk(BlendPolicy(), noise)) < 0.85 * error(walk(fallback_policy(), noise))


@pytest.mark.parametrize("spread", [0.03, 0.3, 1.0])
def test_intervals_cover(spread: float) -> None:
    assert coverage(walk(BlendPolicy(), wandering(800, spread))) == pytest.approx(0.9, abs=0.025)


def test_confidence_is_the_share_that_comes_true() -> None:
    values = np.concatenate([wandering(400, 0.02), wandering(400, 0.5, seed=2)])
    found = walk(BlendPolicy(), values)[100:]
    stated = np.array([action.confidence for action, _ in found])
    true = np.array([abs(action.next_step.mid - truth) <= 0.2 * truth for action, truth in found])
    assert stated.mean() == pytest.approx(true.mean(), abs=0.06)
    assert true[stated > np.median(stated)].mean() > true.mean() + 0.1


def test_a_good_model_is_believed_and_a_bad_one_found_out() -> None:
    values = wandering(300, 0.3)
    alone = error(walk(BlendPolicy(), values))
    assert error(walk(BlendPolicy(Oracle(values)), values)) < 0.2 * alone
    assert error(walk(BlendPolicy(Oracle(values, 0.5)), values)[50:]) < 1.2 * alone


def test_the_model_is_asked_for_both_regimes_in_hybrid_conditions() -> None:
    asked = []

    class Counting(Oracle):
        def run(self, arrays):
            asked.append(arrays["regime"].tolist())
            return super().run(arrays)

    policy = BlendPolicy(Counting(wandering(20, 0.1)))
    decided(policy, [50.0] * 10, epoch_s=1e6 + 5, regime="hybrid")
    decided(policy, [50.0] * 10, epoch_s=1e6 + 5, regime="internet")
    assert asked == [[1, 2], [2]]


def test_a_horizon_is_not_learned_from_before_it_is_over() -> None:
    values = wandering(40, 0.2)
    honest, peeking = BlendPolicy(), BlendPolicy()
    walk(honest, values)
    made = steps(values)
    for at in range(2, 36):
        now = context(made[:at], 1e6 + at, path="a")
        action = peeking.decide(now, 0.0, Random(0)).action
        later = tuple(Step(1e3) for _ in range(4))
        peeking.observe(now, action, Outcome((made[at], *later)), 0.0)
    assert json.dumps(honest.snapshot()) == json.dumps(peeking.snapshot())


def test_what_the_application_limited_is_not_learned_from() -> None:
    policy = BlendPolicy()
    walk(policy, wandering(60, 0.1))
    before = json.dumps(policy.snapshot()["shared"])
    now = context(wandering(60, 0.1).tolist(), 1e6 + 100, path="a")
    action = policy.decide(now, 0.0, Random(0)).action
    policy.observe(now, action, Outcome(steps([0.5], app_limited=True)), 0.0)
    assert json.dumps(policy.snapshot()["shared"]) == before


STEADY = [100.0, 101.0, 99.0, 100.0] * 10
ODD = {
    "nan": [*STEADY, math.nan, math.nan],
    "missing": [*STEADY, None],
    "stall": [*STEADY, 0.0],
    "jump up": [*STEADY, 10_000.0],
    "jump down": [*STEADY, 1.0],
}


@pytest.mark.parametrize("name", ODD)
def test_odd_steps_widen_and_lower_confidence(name: str) -> None:
    policy = BlendPolicy()
    usual, odd = decided(policy, STEADY), decided(policy, ODD[name])
    assert TASK.admissible(context(STEADY), odd)
    assert odd.next_step.high - odd.next_step.low > usual.next_step.high - usual.next_step.low
    assert odd.confidence < 0.3 < 0.7 < usual.confidence
    assert odd.next_step.low <= 101.0
    assert odd.next_step.high >= 99.0


def test_a_dead_link_is_said_to_stay_dead_but_may_come_back() -> None:
    action = decided(BlendPolicy(), [*STEADY, *[0.0] * 3])
    assert action.next_step.low == 0
    assert action.next_step.high > 50
    silent = decided(BlendPolicy(), [0.0] * 40)
    assert silent.next_step.high < 1


def test_time_that_goes_back_teaches_nothing_and_widens() -> None:
    policy = BlendPolicy()
    values = wandering(100, 0.1)
    walk(policy, values)
    history = values[-60:].tolist()
    before, shared = decided(policy, history, path="a"), json.dumps(policy.snapshot()["shared"])
    back = context(history, 1e6 - 1000, path="a")
    policy.observe(back, before, Outcome(steps([1.0] * 5)), 0.0)
    after = decided(policy, history, path="a")
    assert json.dumps(policy.snapshot()["shared"]) == shared
    assert after.next_step.high > before.next_step.high
    assert after.confidence < before.confidence


def test_it_goes_on_after_a_gap() -> None:
    policy = BlendPolicy()
    walk(policy, wandering(60, 0.1))
    found = walk(policy, wandering(60, 0.1), start_s=2e6)
    assert coverage(found) > 0.8
    assert len(policy.snapshot()["paths"]["a"]["pending"]) == 5


def test_restored_it_goes_on_as_it_would_have() -> None:
    policy, again = BlendPolicy(), BlendPolicy()
    walk(policy, wandering(60, 0.2))
    again.restore(json.loads(json.dumps(policy.snapshot(), allow_nan=False)))
    later = wandering(60, 0.2, seed=3)
    assert walk(policy, later, start_s=2e6) == walk(again, later, start_s=2e6)


def test_a_path_can_be_forgotten_and_others_stay() -> None:
    policy = BlendPolicy()
    for path in ("a", "b"):
        walk(policy, wandering(30, 0.2), path)
    policy.forget("a")
    assert list(policy.snapshot()["paths"]) == ["b"]


def test_memory_is_bounded() -> None:
    policy, values = BlendPolicy(), steps([1.0, 2.0, 1.5])
    for number in range(600):
        now = replace(context(values), path=str(number))
        policy.observe(now, decided(policy, values), Outcome(values), 0.0)
    paths = policy.snapshot()["paths"]
    assert len(paths) == 512
    assert "599" in paths
    assert "0" not in paths
    memory = Memory(7)
    memory.restore(policy.snapshot())
    assert len(memory) == 512


def test_nothing_is_learned_from_nothing() -> None:
    policy = BlendPolicy()
    empty = context([])
    policy.observe(empty, decided(policy, []), Outcome(steps([1.0])), 0.0)
    policy.observe(context([1.0]), decided(policy, [1.0]), Outcome(()), 0.0)
    assert policy.snapshot()["paths"] == {}
