from random import Random

import pytest

from dwcp.tasks.prefetch.contract import MOST_BLOCKS, NOTHING, Action, Block, Context, Outcome
from dwcp.tasks.prefetch.rules import (
    AssociationPolicy,
    ChildOrderPolicy,
    MarkovPolicy,
    ReadaheadPolicy,
    StridePolicy,
)


def told(policy, *recent: Block, **known):
    return policy.decide(Context(recent, **known), 0.0, Random(0)).action.blocks


def learned(policy, blocks):
    for block in blocks:
        policy.observe(Context(()), NOTHING, Outcome((block,)), 0.0)
    return policy


def test_children_in_order(rng: Random) -> None:
    policy = ChildOrderPolicy()
    assert told(policy, "a", next_children=("b", "c")) == ("b", "c")
    assert told(policy, "a", next_children=tuple("bcdefgh")) == tuple("bcdef")
    assert told(policy, "a") == told(policy) == ()


def test_readahead_needs_the_block_before() -> None:
    policy = ReadaheadPolicy()
    assert told(policy, 4, 90, 5) == (6, 7, 8, 9, 10)
    assert told(policy, 90, 5) == told(policy) == told(policy, "4", "5") == ()


def test_delta_needs_two_equal_steps() -> None:
    policy = StridePolicy()
    assert told(policy, 10, 7, 4) == (1, -2, -5, -8, -11)
    for recent in ((1, 2), (1, 2, 4), (3, 3, 3), ("1", "2", "3")):
        assert told(policy, *recent) == ()


def test_markov_gated_and_not() -> None:
    blocks = "abacabab"
    ungated, gated = (learned(MarkovPolicy(gated), blocks) for gated in (False, True))
    assert told(ungated, "a") == ("b", "c")
    assert told(gated, "a") == ("b",)
    assert told(gated, "c") == (), "once is not enough"
    assert told(ungated, "z") == told(ungated) == ()


def test_association_looks_five_reads_ahead() -> None:
    policy = learned(AssociationPolicy(), "a1b2c" + "zzzzzz" + "a3b4c" + "zzzzzz")
    assert set(told(policy, "a")) >= {"b", "c"}


@pytest.mark.parametrize("make", [lambda: MarkovPolicy(False), AssociationPolicy])
def test_counts_are_remembered(make) -> None:
    policy = learned(make(), [1, 2, 3, "x"] * 5)
    restored = make()
    restored.restore(policy.snapshot())
    for block in (1, 2, 3, "x"):
        assert told(restored, block) == told(policy, block)
    assert restored.snapshot() == policy.snapshot()


def test_an_action_names_few_blocks_once() -> None:
    context = Context((1,))
    assert context.admissible(Action(tuple(range(MOST_BLOCKS))))
    assert not context.admissible(Action(tuple(range(MOST_BLOCKS + 1))))
    assert not context.admissible(Action((2, 2)))
