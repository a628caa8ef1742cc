from random import Random

import pytest

from dwcp.errors import InputError
from dwcp.evaluation.oracle import OraclePolicy, alternative_costs
from dwcp.evaluation.policy import Hindsight


def cost(context: float, outcome: float) -> float:
    return context * outcome


def test_costs_come_cheapest_first_and_ties_keep_their_order() -> None:
    costs = alternative_costs(2.0, {"slow": 3.0, "first": 1.0, "second": 1.0}, cost)
    assert list(costs.items()) == [("first", 2.0), ("second", 2.0), ("slow", 6.0)]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0])
def test_a_cost_that_is_none_is_refused_by_name(bad: float) -> None:
    with pytest.raises(InputError, match="cost of zstd is"):
        alternative_costs(1.0, {"none": 1.0, "zstd": bad}, cost)


def test_a_case_without_outcomes_is_refused() -> None:
    with pytest.raises(InputError, match="without a recorded outcome"):
        alternative_costs(1.0, {}, cost)


def test_the_oracle_sees_once_and_decides_once() -> None:
    oracle: OraclePolicy[float, str, float] = OraclePolicy(cost)
    assert isinstance(oracle, Hindsight)
    oracle.reveal({"a": 2.0, "b": 1.0})
    decision = oracle.decide(3.0, 0.0, Random(0))
    assert (decision.action, decision.confidence, decision.costs) == ("b", 1.0, {"b": 3.0, "a": 6.0})
    with pytest.raises(InputError, match="only after the outcomes are revealed"):
        oracle.decide(3.0, 0.0, Random(0))


def test_restoring_forgets_what_was_revealed() -> None:
    oracle: OraclePolicy[float, str, float] = OraclePolicy(cost, "best")
    oracle.reveal({"a": 2.0})
    oracle.restore(oracle.snapshot())
    with pytest.raises(InputError, match="'best'"):
        oracle.decide(3.0, 0.0, Random(0))
