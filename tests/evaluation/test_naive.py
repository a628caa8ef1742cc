from random import Random

import pytest

from dwcp.errors import InputError
from dwcp.evaluation.naive import ConstantPolicy, best_fixed
from dwcp.evaluation.policy import Case


def cost(context: float, outcome: float) -> float:
    return context * outcome


CASES = [
    Case(1.0, {"a": 1.0, "b": 2.0, "c": 0.0}, "g"),
    Case(10.0, {"a": 3.0, "b": 1.0}, "g"),
]


def test_constant_policy_is_constant() -> None:
    policy = ConstantPolicy("zstd-3")
    assert policy.name == "zstd-3"
    assert {policy.decide(context, 0.0, Random(0)).action for context in range(5)} == {"zstd-3"}
    policy.observe(1, "zstd-3", 2.0, 0.0)
    assert policy.snapshot() == {}
    policy.restore({})


def test_best_fixed_weighs_by_cost_and_leaves_out_what_is_not_always_there() -> None:
    chosen = best_fixed(CASES, cost)
    assert (chosen.action, chosen.name) == ("b", "best fixed (b)")


def test_best_fixed_keeps_to_the_candidates_and_breaks_ties_by_their_order() -> None:
    assert best_fixed(CASES, cost, ["a"], "mine").action == "a"
    even = [Case(1.0, {"a": 1.0, "b": 1.0}, "g")]
    assert best_fixed(even, cost, ["b", "a"]).action == "b"
    assert best_fixed(even, cost, ["a", "b"]).action == "a"


def test_best_fixed_refuses_what_it_cannot_judge() -> None:
    with pytest.raises(InputError, match="without training cases"):
        best_fixed([], cost)
    with pytest.raises(InputError, match="recorded in every training case"):
        best_fixed(CASES, cost, ["c"])
