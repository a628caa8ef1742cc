from random import Random

import numpy as np
import pytest

from dwcp.errors import TrainingError
from dwcp.simulate.access import Read, repeated_loop
from dwcp.task import TrainingOptions
from dwcp.tasks.prefetch.contract import HISTORY, MOST_BLOCKS, NOTHING, Context, Outcome
from dwcp.tasks.prefetch.examples import cases_of
from dwcp.tasks.prefetch.inputs import MISSING, arrays, number_of
from dwcp.tasks.prefetch.network_policy import NetworkPolicy
from dwcp.tasks.prefetch.task import TASK


class Says:
    """A graph with one answer."""

    def __init__(self, *named: tuple[int, float]) -> None:
        blocks, probabilities = zip(*named, strict=True)
        self.answer = {"block": np.array([blocks]), "probability": np.array([probabilities], np.float32)}

    def run(self, _arrays):
        return self.answer


def test_arrays_hold_numbers_and_hashes() -> None:
    found = arrays([Context((5, 6)), Context(("a",) * 12), Context(())])["recent"]
    assert found.shape == (3, HISTORY)
    assert found[0].tolist() == [MISSING] * 8 + [5, 6]
    assert set(found[1].tolist()) == {number_of("a")}
    assert set(found[2].tolist()) == {MISSING}
    assert number_of("a") != number_of("b")
    assert 0 <= number_of(-5) < 2**62


def test_what_is_likely_enough_is_fetched() -> None:
    policy = NetworkPolicy(Says((7, 0.9), (8, 0.5), (-3, 0.9)))
    decision = policy.decide(Context((6,)), 0.0, Random(0))
    assert decision.action.blocks == (7,)
    assert decision.confidence == pytest.approx(0.9)
    assert policy.decide(Context(()), 0.0, Random(0)).action == NOTHING


def test_a_name_is_known_once_it_was_read() -> None:
    policy = NetworkPolicy(Says((number_of("b"), 0.9)))
    context = Context(("a",))
    assert policy.decide(context, 0.0, Random(0)).action == NOTHING
    policy.observe(context, NOTHING, Outcome(("b",)), 0.0)
    assert policy.decide(context, 0.0, Random(0)).action.blocks == ("b",)
    restored = NetworkPolicy(Says((number_of("b"), 0.9)))
    restored.restore(policy.snapshot())
    assert restored.decide(context, 0.0, Random(0)).action.blocks == ("b",)


@pytest.mark.train
@pytest.mark.parametrize("named", [False, True])
def test_it_learns_a_loop_and_exports_what_it_learned(named: bool) -> None:
    from dwcp.training.graph import ExportedGraph
    from dwcp.training.parity import check_parity

    reads = list(repeated_loop(900, 20, np.random.default_rng(1)))
    reads = [Read(str(read.block) if named else read.block) for read in reads]
    cases = list(cases_of(reads, "loop"))
    options = TrainingOptions(seed=3, epochs=25)
    fitted = TASK.learner().fit(cases[:600], cases[600:700], options, lambda *_: None)
    content = fitted.to_onnx()
    ExportedGraph(content).require(TASK.input_spec.columns, TASK.outputs)
    held = cases[700:]
    contexts = [case.context for case in held]
    assert check_parity(fitted, content, TASK.arrays(contexts), 1e-4) < 1e-4
    policy = TASK.learned(ExportedGraph(content))
    right = 0
    for case in cases[600:700]:
        policy.observe(case.context, NOTHING, case.outcomes[NOTHING], 0.0)
    for case in held:
        named_blocks = policy.decide(case.context, 0.0, Random(0)).action.blocks
        right += case.outcomes[NOTHING].accessed[0] in named_blocks
        assert len(named_blocks) <= MOST_BLOCKS
    assert right / len(held) > 0.8
    again = TASK.learner().fit(cases[:600], cases[600:700], options, lambda *_: None)
    assert again.to_onnx() == content
    assert fitted.summary()["differences"] is not named


@pytest.mark.train
def test_too_little_to_learn_from() -> None:
    cases = list(cases_of([Read(number) for number in range(40)], "trace"))
    for train, validation, words in (
        (cases, [], "to stop by"),
        (cases, cases[:5], "different steps"),
    ):
        with pytest.raises(TrainingError, match=words):
            TASK.learner().fit(train, validation, TrainingOptions(), lambda *_: None)
