"""Parity finds what differs, names it, and allows a swapped tie only."""

from dataclasses import dataclass

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
from onnx import helper  # noqa: E402

from dwcp.errors import ParityError, TrainingError  # noqa: E402
from dwcp.task import Arrays  # noqa: E402
from dwcp.training import check_parity  # noqa: E402
from dwcp.training.export import finish  # noqa: E402
from dwcp.training.parity import decided_rows  # noqa: E402

pytestmark = pytest.mark.train

COSTS = np.array([[1.0, 2.0, 3.0], [5.0, 5.00001, 9.0], [2.0, 1.0, np.inf], [4.0, 3.0, 2.0]], np.float32)


def graph(choose=True):
    """Hands costs and choice through, so that a test says what the export answers."""
    pairs = [("given", "costs", onnx.TensorProto.FLOAT, ["batch", 3])]
    if choose:
        pairs.append(("picked", "choice", onnx.TensorProto.INT64, ["batch"]))
    nodes = [helper.make_node("Identity", [source], [result]) for source, result, _, _ in pairs]
    inputs = [helper.make_tensor_value_info(source, kind, shape) for source, _, kind, shape in pairs]
    outputs = [helper.make_tensor_value_info(result, kind, shape) for _, result, kind, shape in pairs]
    opsets = [helper.make_opsetid("", 17)]
    return finish(helper.make_model(helper.make_graph(nodes, "g", inputs, outputs), opset_imports=opsets))


@dataclass
class Says:
    answers: Arrays

    def predict(self, _arrays):
        return self.answers


def check(costs=COSTS, choice=(0, 0, 1, 2), given=COSTS, picked=None, **more):
    """The model says ``costs`` and ``choice``; the export answers ``given`` and ``picked``."""
    says = Says({"costs": np.asarray(costs), "choice": np.asarray(choice, np.int64)})
    answers = {"given": given, "picked": np.asarray(choice if picked is None else picked, np.int64)}
    return check_parity(says, graph(), answers, **more)


def test_equal_answers_have_no_difference():
    assert check() == 0


def test_difference_is_told_as_a_share():
    costs = COSTS.copy()
    costs[3, 0] *= 1 + 8e-6
    assert check(costs) == pytest.approx(8e-6, rel=0.1)


def test_nan_equals_nan_and_nothing_else():
    with_nan = COSTS.copy()
    with_nan[0, 2] = np.nan
    says = Says({"costs": with_nan})
    content = graph(choose=False)
    assert check_parity(says, content, {"given": with_nan}) == 0
    with pytest.raises(ParityError, match=r"'costs', row 0 at \[2\]: the trained model says nan"):
        check_parity(says, content, {"given": COSTS})


@pytest.mark.parametrize(("row", "column"), [(0, 0), (2, 0), (3, 2)])
def test_a_float_that_is_off_is_named(row, column):
    costs = COSTS.copy()
    costs[row, column] += 0.01
    with pytest.raises(
        ParityError, match=rf"'costs', row {row} at \[{column}\]: .* says {costs[row, column]}"
    ):
        check(costs)


def test_infinity_against_a_number_is_off():
    costs = COSTS.copy()
    costs[2, 2] = 1e30
    with pytest.raises(ParityError, match=r"row 2 at \[2\]"):
        check(costs)


def test_small_values_are_held_to_their_own_magnitude():
    small = (COSTS[[0, 3]] * 1e-6).astype(np.float32)
    off = small.copy()
    off[0, 1] *= 1.001
    with pytest.raises(ParityError, match="row 0"):
        check(off, (0, 2), small)


def test_a_choice_may_differ_at_a_tie():
    assert check(picked=(0, 1, 1, 2)) == 0


@pytest.mark.parametrize(("row", "wrong"), [(0, 1), (1, 2), (2, 2), (3, 1), (3, 7), (3, -1)])
def test_a_choice_that_no_tie_explains_is_off(row, wrong):
    picked = [0, 0, 1, 2]
    says = picked[row]
    picked[row] = wrong
    with pytest.raises(
        ParityError, match=f"'choice', row {row}: .* says {says}, the export {wrong}, and no tie"
    ):
        check(picked=picked)


def test_a_tie_further_apart_than_the_tolerance_is_no_excuse():
    with pytest.raises(ParityError, match="'choice', row 1"):
        check(picked=(0, 1, 1, 2), tolerance=1e-8)


def test_an_integer_that_is_no_choice_among_costs_must_be_equal():
    with pytest.raises(ParityError, match="'choice', row 1"):
        check(choice=(2, 0, 1, 2), picked=(2, 1, 1, 2))


def test_outputs_must_be_the_same_ones_of_the_same_shape():
    with pytest.raises(ParityError, match=r"answers \['choice', 'costs'\]"):
        check_parity(Says({"costs": COSTS}), graph(), {"given": COSTS, "picked": np.zeros(4, np.int64)})
    with pytest.raises(ParityError, match=r"float32\[4, 3\] in the export and float64"):
        check(COSTS.astype(np.float64))


def test_a_graph_that_cannot_be_loaded_or_run_is_one_sentence():
    with pytest.raises(TrainingError, match="cannot be loaded"):
        check_parity(Says({}), b"not a graph", {})
    with pytest.raises(TrainingError, match="cannot be run"):
        check(given=COSTS.astype(np.float64))


def test_rows_near_a_tie_are_not_decided():
    outputs = {"costs": COSTS, "choice": COSTS.argmin(axis=1)}
    np.testing.assert_array_equal(decided_rows(outputs, 1e-3), [True, False, True, True])
    np.testing.assert_array_equal(decided_rows({"costs": COSTS}, 1e-3), True)
