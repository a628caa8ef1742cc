"""What a policy remembers, restored into one with more or fewer experts."""

import json

import pytest
from made_links import walk, wandering

from dwcp.tasks.bandwidth.hedge import Hedge
from dwcp.tasks.bandwidth.memory import Memory, PathMemory
from dwcp.tasks.bandwidth.policy import BlendPolicy


def learned(experts: int) -> Memory:
    """One path, whose opinion and intervals are no longer those of the beginning."""
    memory = Memory(experts)
    path = PathMemory([Hedge([float(place) for place in range(experts)]) for _ in range(2)])
    path.tails[0].learn(3.0, (-1.0, 1.0))
    path.recent.append(5.0)
    memory.keep("a", path)
    memory.shared.hedges[0] = Hedge([2.0] * experts)
    memory.shared.pools[1].add(0.7)
    memory.shared.reliability.learn(0.9, came_true=True)
    return memory


@pytest.mark.parametrize(("before", "after"), [(8, 7), (7, 8)], ids=["the model is gone", "a model came"])
def test_opinions_of_other_experts_begin_anew_and_the_rest_stays(before: int, after: int) -> None:
    memory, again = learned(before), Memory(after)
    again.restore(json.loads(json.dumps(memory.snapshot())))
    one, other = memory.of("a"), again.of("a")
    assert one is not None
    assert other is not None
    assert [hedge.losses for hedge in other.hedges] == [[0.0] * after] * 2
    assert again.shared.hedges[0].losses == [0.0] * after
    assert other.tails == one.tails
    assert again.shared.pools == memory.shared.pools
    assert again.shared.reliability == memory.shared.reliability


def test_of_as_many_experts_all_stays() -> None:
    memory, again = learned(7), Memory(7)
    again.restore(json.loads(json.dumps(memory.snapshot())))
    assert again.snapshot() == memory.snapshot()
    assert again.of("a").hedges[0].losses == [float(place) for place in range(7)]


def test_opinions_on_something_else_are_refused_and_change_nothing() -> None:
    memory = learned(7)
    broken, before = learned(7).snapshot(), memory.snapshot()
    broken["paths"]["a"]["losses"].pop()
    with pytest.raises(ValueError, match="on 2 targets, not on 1"):
        memory.restore(broken)
    assert memory.snapshot() == before


def test_a_policy_goes_on_after_its_model_is_gone() -> None:
    """The forecasts under way, which the model took part in, are never learned from."""
    values = wandering(80, 0.2)
    policy, other = BlendPolicy(), BlendPolicy()
    walk(policy, values)
    state = json.loads(json.dumps(policy.snapshot()))
    for losses in (*state["shared"]["losses"], *state["paths"]["a"]["losses"]):
        losses.append(1.0)
    for pending in state["paths"]["a"]["pending"]:
        pending[0].append(4.0)
    other.restore(state)
    assert other.snapshot()["paths"]["a"]["pending"] == []
    found = walk(other, wandering(40, 0.2, seed=2), start_s=1e6 + 74)
    assert all(action.next_step.low <= action.next_step.high for action, _ in found)
    assert len(other.snapshot()["paths"]["a"]["losses"][0]) == len(policy.snapshot()["shared"]["losses"][0])
