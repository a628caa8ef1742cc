"""How often questions come again, on traffic that is made up."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import hint_repeats
from dwcp.simulate.access import Read
from dwcp.tasks import discover
from hint_batches import differs
from hint_repeats import Repeats, repeats


def test_only_what_comes_again_soon_counts_as_again() -> None:
    asked = [(0.0, "a"), (0.5, "b"), (1.0, "a"), (2.5, "a"), (2.5, "b"), (2.5, "b")]
    assert repeats("toy", "made up", asked) == Repeats("toy", "made up", 6, 2 / 6, 4 / 6)
    assert repeats("toy", "nothing", []) == Repeats("toy", "nothing", 0, 0.0, 0.0)


def test_blocks_are_asked_about_when_their_turn_on_the_wire_comes() -> None:
    assert hint_repeats._sent_s([125_000, 250_000, 9], 1.0) == [0.0, 1.0, 3.0]


def test_what_a_graph_is_fed_is_told_apart_bit_for_bit() -> None:
    task = discover()["bandwidth"]
    first, second = (case.context for case in task.examples(2, 3))
    asked = list(hint_repeats._fed(task, [first, second, first], [0.0, 1.0, 2.0]))
    assert [time_s for time_s, _ in asked] == [0.0, 1.0, 2.0]
    assert asked[0][1] == asked[2][1] != asked[1][1]


def test_a_small_loop_comes_again_with_the_same_answer_once_it_is_learned() -> None:
    found = hint_repeats._accesses("a loop", [Read(f"block {number % 5}") for number in range(400)])
    assert found.asked == 400
    assert found.again == found.ever == pytest.approx(1 - 14 / 400)
    assert found.same is not None
    assert 0.5 < found.same < found.again
    assert found.words().startswith("96.50% again within 1 s, 96.50% ever, ")
    cold = hint_repeats._accesses("cold", [Read(str(number)) for number in range(400)])
    assert (cold.again, cold.ever, cold.same) == (0.0, 0.0, 0.0)


def test_traffic_that_is_not_there_is_told_and_left_out(capsys, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(hint_repeats, "_simulated_accesses", list)
    missing = tmp_path / "none"
    assert hint_repeats.repeats_of_traffic(missing, missing, missing) == []
    assert capsys.readouterr().err.count("left out: there ") == 3
    assert hint_repeats.sources(missing, missing, missing) == {}


def test_a_batch_is_held_against_the_same_asked_alone() -> None:
    class Odd:
        def run(self, arrays):
            return {"y": np.array([4.0, 2.0]) if len(arrays["x"]) > 1 else np.array([3.0 + arrays["x"][0]])}

    class Task:
        def arrays(self, contexts):
            return {"x": np.array(contexts, np.float32)}

    assert differs(Task(), Odd(), [1.0, 0.0]) == pytest.approx(1 / 3)
