from collections.abc import Mapping
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.errors import InputError
from dwcp.evaluation.naive import ConstantPolicy
from dwcp.evaluation.oracle import OraclePolicy
from dwcp.evaluation.policy import Case, Decision, State
from dwcp.evaluation.replay import judge, replay

Plain = Case[float, str, float]


def cost(context: float, outcome: float) -> float:
    return context * outcome


class Greedy:
    """Remembers, in order, what it saw; hands out its live memory as a snapshot, as a careless one would."""

    name = "greedy"

    def __init__(self) -> None:
        self.memory: dict[str, list[float]] = {"seen": []}
        self.began_empty: list[bool] = []

    def decide(self, context: float, now: float, rng: Random) -> Decision[str]:  # noqa: ARG002
        self.began_empty.append(not self.memory["seen"])
        return Decision(rng.choice(["a", "b"]), confidence=0.25)

    def observe(self, context: float, action: str, outcome: float, now: float) -> None:  # noqa: ARG002
        self.memory["seen"].append(now)

    def snapshot(self) -> State:
        return self.memory

    def restore(self, state: State) -> None:
        self.memory = dict(state)  # type: ignore[arg-type]


class GreedyInPlace(Greedy):
    """Fills the memory it has rather than taking the snapshot's."""

    def restore(self, state: State) -> None:
        kept = dict(state)
        self.memory.clear()
        self.memory.update(kept)  # type: ignore[arg-type]


outcomes = st.dictionaries(st.sampled_from("abcd"), st.floats(0, 1e6), min_size=1, max_size=4)
cases = st.lists(
    st.builds(
        Case,
        st.floats(0.1, 10),
        outcomes.map(lambda o: {**o, "a": 5.0}),
        st.sampled_from("xyz"),
        st.floats(0, 9),
    ),
    min_size=1,
    max_size=20,
)


@given(cases)
def test_the_oracle_costs_the_least_and_nobody_less(rows: list[Plain]) -> None:
    best = replay(rows, OraclePolicy[float, str, float](cost), cost, 0)
    fixed = replay(rows, ConstantPolicy("a"), cost, 0)
    np.testing.assert_array_equal(best.cost, best.oracle_cost)
    assert best.chosen == best.best
    assert (fixed.cost >= fixed.oracle_cost).all()
    assert (fixed.runner_up_cost >= fixed.oracle_cost).all()
    np.testing.assert_array_equal(
        best.oracle_cost, [min(cost(r.context, o) for o in r.outcomes.values()) for r in rows]
    )


def shuffled() -> list[Plain]:
    times = [("x", 3.0), ("y", 1.0), ("x", 1.0), ("y", 5.0), ("x", 2.0)]
    return [Case(1.0, {"a": 1.0, "b": 2.0}, group, time) for group, time in times]


def test_rows_stay_in_place_while_time_runs_within_a_group() -> None:
    policy = Greedy()
    result = replay(shuffled(), policy, cost, 0, carry=True)
    assert policy.memory["seen"] == [1.0, 2.0, 3.0, 1.0, 5.0]
    assert result.groups == ("x", "y", "x", "y", "x")
    assert result.confidence.tolist() == [0.25] * 5
    assert [cost(1.0, {"a": 1.0, "b": 2.0}[action]) for action in result.chosen] == result.cost.tolist()


@pytest.mark.parametrize("greedy", [Greedy, GreedyInPlace])
def test_each_group_begins_afresh_and_the_policy_ends_as_it_was(greedy: type[Greedy]) -> None:
    policy = greedy()
    replay(shuffled(), policy, cost, 0)
    assert policy.began_empty == [True, False, False, True, False]
    assert policy.memory == {"seen": []}


def test_the_policy_ends_as_it_was_even_when_a_replay_fails() -> None:
    policy = Greedy()
    rows = [*shuffled(), Case(1.0, {"c": 1.0}, "y", 9.0)]
    with pytest.raises(InputError, match="where only c was recorded"):
        replay(rows, policy, cost, 0)
    assert policy.memory == {"seen": []}


def test_carrying_lets_one_group_teach_the_next() -> None:
    policy = Greedy()
    replay(shuffled(), policy, cost, 0, carry=True)
    assert policy.began_empty == [True, False, False, False, False]


def test_leaving_a_group_out_changes_no_other_group() -> None:
    many = [Case(1.0, {"a": 1.0, "b": 2.0}, group, float(i)) for group in "xyz" for i in range(20)]
    whole = replay(many, Greedy(), cost, 7)
    part = replay([c for c in many if c.group != "x"], Greedy(), cost, 7)
    assert whole.chosen[20:] == part.chosen
    assert part.chosen[:20] != part.chosen[20:]
    assert whole.chosen != replay(many, Greedy(), cost, 8).chosen


class Curious(Greedy):
    """Always chooses b and wants c and a measured too; notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[float, str, float, float]] = []

    def decide(self, context: float, now: float, rng: Random) -> Decision[str]:
        super().decide(context, now, rng)
        return Decision("b", curious=("c", "a"))

    def observe(self, context: float, action: str, outcome: float, now: float) -> None:
        self.told.append((context, action, outcome, now))


def test_what_a_policy_is_curious_about_it_is_told_where_it_was_recorded() -> None:
    policy = Curious()
    rows: list[Plain] = [
        Case(1.0, {"a": 1.0, "b": 2.0, "d": 4.0}, "x", 1.0),
        Case(3.0, {"b": 2.5, "c": 0.5, "a": 1.5}, "x", 2.0),
    ]
    result = replay(rows, policy, cost, 0)
    assert policy.told == [
        (1.0, "b", 2.0, 1.0),
        (1.0, "a", 1.0, 1.0),
        (3.0, "b", 2.5, 2.0),
        (3.0, "c", 0.5, 2.0),
        (3.0, "a", 1.5, 2.0),
    ]
    assert result.chosen == ("b", "b")
    assert result.cost.tolist() == [2.0, 7.5], "what is tried on the side is not charged"


class Peeking(ConstantPolicy[str]):
    shown: Mapping[object, object] = {}

    def reveal(self, outcomes: Mapping[object, object]) -> None:
        self.shown = outcomes


def test_only_a_policy_with_hindsight_is_shown_outcomes() -> None:
    policy = Peeking("a")
    replay(shuffled(), policy, cost, 0)
    assert policy.shown == {"a": 1.0, "b": 2.0}


def test_an_action_that_was_not_recorded_is_named_with_its_place() -> None:
    rows: list[Plain] = [Case(1.0, {"a": 1.0, "b": 1.0}, "disk", 4.0)]
    with pytest.raises(InputError, match="'zstd-7' chose zstd-7 in group 'disk' at 4 s, where only a, b was"):
        replay(rows, ConstantPolicy("zstd-7"), cost, 0)


def test_judging_needs_one_choice_a_case() -> None:
    with pytest.raises(InputError, match="no cases"):
        judge([], [], cost, "x")
    with pytest.raises(InputError, match="1 choices of 'x' do not match 5 cases"):
        judge(shuffled(), ["a"], cost, "x")
    with pytest.raises(InputError, match="chose c"):
        judge(shuffled(), ["c"] * 5, cost, "x")


def test_a_single_alternative_has_no_runner_up() -> None:
    result = judge([Case(1.0, {"a": 2.0}, "g")], ["a"], cost, "x")
    assert result.runner_up_cost.tolist() == [np.inf]
    assert result.confidence.tolist() == [1.0]
