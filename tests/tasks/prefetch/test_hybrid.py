import json
import time
from random import Random

import numpy as np
import pytest

from dwcp.simulate.access import (
    Read,
    cold_reads,
    grow_tree,
    interleaved_streams,
    random_reads,
    repeated_builds,
    repeated_loop,
    restore,
)
from dwcp.tasks.prefetch.contract import HISTORY, NOTHING, Context, Outcome
from dwcp.tasks.prefetch.policy import HybridPolicy
from dwcp.tasks.prefetch.rules import ChildOrderPolicy
from dwcp.tasks.prefetch.task import TASK


def walk(policy: HybridPolicy, blocks, cache_blocks: int = 0) -> list[tuple]:
    """Go through blocks as a caller would; what was decided after each."""
    recent, decided, context, action = (), [], Context(()), NOTHING
    for block in blocks:
        policy.observe(context, action, Outcome((block,), action.blocks), 0.0)
        recent = (*recent, block)[-HISTORY:]
        context = Context(recent, cache_blocks=cache_blocks)
        action = policy.decide(context, 0.0, Random(0)).action
        decided.append(action.blocks)
    return decided


def test_a_loop_larger_than_the_cache_is_foreseen(judged) -> None:
    reads = list(repeated_loop(3000, 300, np.random.default_rng(1)))
    plain, hybrid = judged(reads, TASK.baselines()[0], 50), judged(reads, HybridPolicy(), 50)
    assert plain.hit_rate < 0.05
    assert hybrid.hit_rate > 0.85
    assert hybrid.precision > 0.85


def test_interleaved_streams_are_followed(judged) -> None:
    reads = list(interleaved_streams(6000, 6, 0.1, np.random.default_rng(2)))
    found = judged(reads, HybridPolicy(), 100)
    assert found.hit_rate > 0.75
    assert found.precision > 0.6


def test_names_are_never_counted_up(judged) -> None:
    found = judged([str(number) for number in range(3000)], HybridPolicy(), 50)
    assert found.fetched == 0
    assert judged(range(3000), HybridPolicy(), 50).hit_rate > 0.95


@pytest.mark.parametrize(
    "reads", [cold_reads(8000, np.random.default_rng(3)), random_reads(8000, 2000, np.random.default_rng(4))]
)
def test_it_abstains_where_nothing_can_be_foreseen(judged, reads) -> None:
    found = judged(list(reads), HybridPolicy(), 100)
    assert found.fetched / found.accesses < 0.01


def test_children_are_fetched_once_they_turned_out_right(judged) -> None:
    tree = grow_tree(600, np.random.default_rng(5))
    reads = list(restore(tree))
    plain, ordered, hybrid = (
        judged(reads, policy, 50) for policy in (TASK.baselines()[0], ChildOrderPolicy(), HybridPolicy())
    )
    assert plain.hit_rate == 0.0
    assert hybrid.hit_rate > 0.5
    assert hybrid.precision > 0.6
    assert ordered.hit_rate > 0.5


def test_builds_are_remembered(judged) -> None:
    tree = grow_tree(100, np.random.default_rng(6))
    reads = [Read(read.block) for read in repeated_builds(tree, 8, np.random.default_rng(7))]
    found = judged(reads, HybridPolicy(), 60)
    assert found.hit_rate > 0.7
    assert found.precision > 0.6


def test_it_follows_when_the_pattern_changes(judged) -> None:
    rng = np.random.default_rng(8)
    noise = list(random_reads(2000, 1_000_000, rng))
    found = judged([*noise, *repeated_loop(4000, 200, rng)], HybridPolicy(), 50)
    assert found.hit_rate > 0.8


def test_deciding_changes_nothing() -> None:
    policy = HybridPolicy()
    walk(policy, [1, 2, 3, 4] * 50)
    before = policy.snapshot()
    for context in (Context(()), Context((4,)), Context(("new",), next_children=("a", "b"))):
        policy.decide(context, 0.0, Random(0))
    assert policy.snapshot() == before


def test_it_goes_on_from_a_snapshot() -> None:
    rng = Random(9)
    blocks = [*range(100, 160), *(rng.choice(["a", "b", "c", 7, 9]) for _ in range(300))] * 3
    policy, restored = HybridPolicy(), HybridPolicy()
    walk(policy, blocks, 30)
    restored.restore(json.loads(json.dumps(policy.snapshot(), allow_nan=False)))
    assert walk(restored, blocks, 30) == walk(policy, blocks, 30)
    assert json.dumps(restored.snapshot()) == json.dumps(policy.snapshot())


def test_readers_that_take_turns_keep_their_own_hints() -> None:
    policy = HybridPolicy()
    walk(policy, [*"abcdef", *(f"x{n}" for n in range(100))] * 20, 10)
    walk(policy, ["a", "q"], 10)
    named = policy.decide(Context(("a",), cache_blocks=10), 0.0, Random(0)).action.blocks
    assert "b" in named


def test_state_is_bounded() -> None:
    policy = HybridPolicy(capacity=500)
    sizes = []
    for start in range(0, 40_000, 20_000):
        walk(policy, (block * 7919 for block in range(start, start + 20_000)), 500)
        sizes.append(len(policy))
    assert sizes[1] <= sizes[0] + 500
    assert sizes[1] < 20_000


@pytest.mark.slow
def test_new_blocks_do_not_make_it_grow_for_ever() -> None:
    policy = HybridPolicy()
    sizes = []
    for start in range(0, 240_000, 60_000):
        walk(policy, (str(block) for block in range(start, start + 60_000)), 100_000)
        sizes.append(len(policy))
    assert sizes[3] == sizes[1] < 400_000


def test_a_decision_takes_well_below_a_millisecond() -> None:
    policy = HybridPolicy()
    walk(policy, [1, 2, 3, 4, 9, 5] * 200)
    context = Context((9, 5), next_children=("a", "b"))
    taken_ms = []
    for _ in range(300):
        started = time.perf_counter()
        policy.decide(context, 0.0, Random(0))
        taken_ms.append((time.perf_counter() - started) * 1e3)
    assert float(np.median(taken_ms)) < 1.0
