import json
import math
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from compression_cases import MIB, TEXT, context

from dwcp.codecs.facts import Probe
from dwcp.task import Arrays
from dwcp.tasks.compression.contract import CANDIDATES, Action, Outcome, action_named
from dwcp.tasks.compression.inputs import MEASURES
from dwcp.tasks.compression.policy import LearnedPolicy

COUNT = len(CANDIDATES)
ZSTD = action_named("zstd-3")
AT = CANDIDATES.index(ZSTD)


class FakeGraph:
    """Predicts what it is told and prefers the cheapest, whatever it is fed; notes what that was."""

    def __init__(self, predicted: float = 0.0, costs: dict[str, float] | None = None) -> None:
        self.costs = np.full((1, COUNT), 1e30, np.float32)
        for name, cost in (costs or {ZSTD.name: 1.0}).items():
            self.costs[0, CANDIDATES.index(action_named(name))] = cost
        self.predicted = np.full((1, len(MEASURES), COUNT), predicted, np.float32)
        self.fed: list[Arrays] = []

    def run(self, arrays: Arrays) -> Arrays:
        self.fed.append({name: values.copy() for name, values in arrays.items()})
        return {
            "action": self.costs.argmin(axis=1),
            "cost_s": self.costs,
            "confidence": np.array([0.75], np.float32),
            "predicted": self.predicted,
        }


def _outcome(bias: float) -> Outcome:
    """Of a block of 1 MiB: every measure is ``exp(bias)``."""
    return Outcome(round(MIB * math.exp(bias)), math.exp(bias), math.exp(bias))


def _memory(policy: LearnedPolicy, graph: FakeGraph, flow: str = "") -> tuple[np.ndarray, np.ndarray]:
    """What the graph would be fed for this flow: counts and residuals, ``(3, candidates)``."""
    policy.decide(context(flow=flow), 0.0, Random(0))
    return graph.fed[-1]["seen_count"][0], graph.fed[-1]["seen_residual"][0]


def _teach(policy: LearnedPolicy, biases: list[float], flow: str = "") -> None:
    for now, bias in enumerate(biases):
        policy.decide(context(flow=flow), now, Random(0))
        policy.observe(context(flow=flow), ZSTD, _outcome(bias), now)


@pytest.fixture
def switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_the_graphs_answer_is_the_decision() -> None:
    graph = FakeGraph(costs={"zstd-3": 2.0, "lz4": 3.0, "none": 9.0})
    decision = LearnedPolicy(graph, "mine").decide(context(), 0.0, Random(0))
    assert decision.action == ZSTD
    assert decision.confidence == 0.75
    assert {action.name: cost for action, cost in decision.costs.items()} == {
        "none": 9.0,
        "lz4": 3.0,
        "zstd-3": 2.0,
    }


def test_what_is_remembered_converges_to_the_true_bias() -> None:
    graph = FakeGraph(predicted=-0.5)
    policy = LearnedPolicy(graph)
    noise = Random(1)
    _teach(policy, [0.3 + noise.gauss(0, 0.05) for _ in range(200)])
    count, residual = _memory(policy, graph)
    assert residual[:, AT] == pytest.approx([0.8] * 3, abs=0.05)
    assert (count[:, AT] > 5).all(), "several outcomes count, so that noise does not"
    others = np.arange(COUNT) != AT
    assert not count[:, others].any()
    assert not residual[:, others].any()


def test_one_outcome_is_taken_whole_and_a_change_is_followed() -> None:
    graph = FakeGraph()
    policy = LearnedPolicy(graph)
    _teach(policy, [0.4])
    assert _memory(policy, graph)[1][:, AT] == pytest.approx([0.4] * 3, abs=1e-5)
    _teach(policy, [0.4] * 60 + [-0.4] * 15)
    assert abs(_memory(policy, graph)[1][0, AT]) < 0.1
    _teach(policy, [-0.4] * 60)
    assert _memory(policy, graph)[1][0, AT] == pytest.approx(-0.4, abs=0.05)


def test_flows_learn_apart() -> None:
    graph = FakeGraph()
    policy = LearnedPolicy(graph)
    _teach(policy, [0.4] * 5, "a")
    _teach(policy, [-0.4] * 5, "b")
    assert _memory(policy, graph, "a")[1][0, AT] == pytest.approx(0.4, abs=1e-4)
    assert _memory(policy, graph, "b")[1][0, AT] == pytest.approx(-0.4, abs=1e-4)
    assert not _memory(policy, graph, "c")[0].any()


def test_what_nobody_measured_teaches_nothing() -> None:
    graph = FakeGraph()
    policy = LearnedPolicy(graph)
    policy.observe(context(), ZSTD, _outcome(0.4), 0.0)
    assert not _memory(policy, graph)[0].any(), "there was no prediction to be off"
    policy.observe(context(), ZSTD, replace(_outcome(0.4), decompress_ms=None), 0.0)
    assert _memory(policy, graph)[0][:, AT].tolist() == pytest.approx([1, 1, 0])


def test_absurd_outcomes_leave_the_memory_finite() -> None:
    graph = FakeGraph()
    policy = LearnedPolicy(graph)
    asked = context(facts=replace(TEXT, block_bytes=0))
    for outcome in (Outcome(0, 0.0, 0.0), Outcome(1 << 62, 1e300, 1e300)):
        policy.decide(asked, 0.0, Random(0))
        policy.observe(asked, ZSTD, outcome, 0.0)
    count, residual = _memory(policy, graph)
    assert np.isfinite(residual).all()
    assert (np.abs(residual) <= 50).all()
    assert (count >= 0).all()


def test_the_flow_not_heard_of_for_longest_is_forgotten() -> None:
    policy = LearnedPolicy(FakeGraph())
    for number in range(1024):
        policy.decide(context(flow=str(number)), 0.0, Random(0))
    policy.decide(context(flow="0"), 0.0, Random(0))
    policy.decide(context(flow="new"), 0.0, Random(0))
    kept = policy.snapshot()
    assert len(kept) == 1024
    assert "1" not in kept
    assert {"0", "2", "new"} <= set(kept)


def test_a_snapshot_is_json_and_gives_the_same_memory() -> None:
    graph = FakeGraph()
    policy, restored = LearnedPolicy(graph), LearnedPolicy(graph)
    _teach(policy, [0.1, 0.7, -0.2], "a")
    _teach(policy, [0.5], "b")
    state = policy.snapshot()
    _teach(restored, [3.0], "gone")
    restored.restore(json.loads(json.dumps(state, allow_nan=False)))
    assert restored.snapshot() == state
    for flow in ("a", "b", "gone"):
        for mine, theirs in zip(_memory(policy, graph, flow), _memory(restored, graph, flow), strict=True):
            assert np.array_equal(mine, theirs)


def test_a_snapshot_is_not_changed_by_what_comes_after() -> None:
    policy = LearnedPolicy(FakeGraph())
    _teach(policy, [0.4], "a")
    state = policy.snapshot()
    before = json.dumps(state)
    _teach(policy, [9.0], "a")
    assert json.dumps(state) == before
    policy.restore(state)
    _teach(policy, [9.0], "a")
    assert json.dumps(state) == before


def test_curiosity_asks_for_cheap_rivals_within_its_budget() -> None:
    costs = {"zstd-3": 1.0, "zstd-1": 1.1, "lz4": 1.2, "zstd-19": 1.25, "none": 2.0}
    graph = FakeGraph(costs=costs)
    graph.predicted[0, 1, CANDIDATES.index(action_named("zstd-19"))] = math.log(60_000)
    policy = LearnedPolicy(graph, curiosity=0.05)
    decision = policy.decide(context(), 0.0, Random(0))
    assert [action.name for action in decision.curious] == ["zstd-1", "lz4"]
    for action in (decision.action, *decision.curious):
        policy.observe(context(), action, _outcome(0.1), 0.0)
    assert policy.decide(context(), 1.0, Random(0)).curious == (), "what was measured is known"
    assert LearnedPolicy(graph, curiosity=0.0).decide(context(), 0.0, Random(0)).curious == ()


def test_curiosity_spends_no_more_than_its_share() -> None:
    graph = FakeGraph(predicted=math.log(40.0), costs={"zstd-3": 1.0, "zstd-1": 1.1, "lz4": 1.2})
    policy = LearnedPolicy(graph, curiosity=0.01)
    asked = [len(policy.decide(context(), now, Random(0)).curious) for now in range(100)]
    assert 0 < sum(asked) * 0.040 <= 0.01 * 1.0 * 100


def test_curiosity_does_not_measure_what_is_clearly_worse_or_already_known() -> None:
    policy = LearnedPolicy(FakeGraph(costs={"zstd-3": 1.0, "zstd-1": 1.29, "lz4": 1.31}))
    assert policy.decide(context(), 0.0, Random(0)).curious == (action_named("zstd-1"),)
    policy.observe(context(), action_named("zstd-1"), _outcome(0.0), 0.0)
    assert policy.decide(context(), 1.0, Random(0)).curious == ()
    unlike = context(facts=replace(TEXT, lz4=Probe(0.99, 0.2)))
    assert policy.decide(unlike, 2.0, Random(0)).curious == (action_named("zstd-1"),), "not of such blocks"


def test_each_flow_has_a_budget_of_its_own() -> None:
    graph = FakeGraph(predicted=math.log(40.0), costs={"zstd-3": 1.0, "zstd-1": 1.1})
    policy = LearnedPolicy(graph, curiosity=0.01)
    for now in range(3):
        assert policy.decide(context(flow="a"), now, Random(0)).curious == ()
    assert policy.decide(context(flow="b"), 3.0, Random(0)).curious == ()
    curious = [len(policy.decide(context(flow="a"), now, Random(0)).curious) for now in (4.0, 5.0)]
    assert sum(curious) == 1, "40 ms are saved up after four or five seconds, and then spent"


def test_where_nothing_may_be_done_nothing_is_tried_and_no_budget_grows() -> None:
    graph = FakeGraph(predicted=math.log(60_000), costs={"zstd-3": 1e30})
    policy = LearnedPolicy(graph)
    decision = policy.decide(context(candidates=frozenset()), 0.0, Random(0))
    assert (decision.costs, decision.curious) == ({}, ())
    graph.costs[0, AT], graph.costs[0, AT + 1] = 1.0, 1.1
    assert policy.decide(context(), 1.0, Random(0)).curious == ()


@pytest.mark.parametrize("block_bytes", [-1, 0, 10**12])
@pytest.mark.parametrize("log_ms_per_mib", [-1e6, 0.0, 1e6])
def test_curiosity_takes_any_size_and_any_prediction(block_bytes: int, log_ms_per_mib: float) -> None:
    graph = FakeGraph(predicted=log_ms_per_mib, costs={"zstd-3": 1.0, "zstd-1": 1.1})
    policy = LearnedPolicy(graph, curiosity=0.0)
    odd = context(facts=replace(TEXT, block_bytes=block_bytes))
    free = log_ms_per_mib < 0
    assert len(policy.decide(odd, 0.0, Random(0)).curious) == free
    graph.predicted[:] = math.log(1e3)
    assert policy.decide(context(), 1.0, Random(0)).curious == (), "an odd block earns no budget"


@pytest.mark.usefixtures("switching_often")
def test_many_threads_may_teach() -> None:
    graph = FakeGraph()
    policy = LearnedPolicy(graph)
    start = threading.Barrier(4)

    def work(flow: str) -> None:
        start.wait()
        _teach(policy, [0.4] * 150, flow)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for flow in "abcd":
        _, residual = _memory(policy, graph, flow)
        assert residual[:, AT] == pytest.approx([0.4] * 3, abs=1e-4)


@pytest.mark.usefixtures("switching_often")
def test_a_snapshot_may_be_taken_while_others_ask() -> None:
    policy = LearnedPolicy(FakeGraph())
    over = threading.Event()

    def ask(number: int = 0) -> None:
        while not over.is_set():
            number += 1
            policy.decide(context(flow=str(number)), 0.0, Random(0))

    for number in range(1024):
        policy.decide(context(flow=f"before {number}"), 0.0, Random(0))
    thread = threading.Thread(target=ask)
    thread.start()
    try:
        sizes = [len(policy.snapshot()) for _ in range(20)]
    finally:
        over.set()
        thread.join()
    assert set(sizes) == {1024}


def test_measured_outcomes_are_compared_by_block_size() -> None:
    graph = FakeGraph()
    policy = LearnedPolicy(graph)
    asked = context(facts=replace(TEXT, block_bytes=MIB // 4))
    policy.decide(asked, 0.0, Random(0))
    policy.observe(asked, Action("lz4"), Outcome(MIB // 8, 1.0, 0.5), 0.0)
    residual = _memory(policy, graph)[1][:, CANDIDATES.index(Action("lz4"))]
    assert residual == pytest.approx([math.log(0.5), math.log(4.0), math.log(2.0)], abs=1e-5)
