"""Export, merging and finishing: names, a free batch dimension, the same bytes, nothing leaked."""

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from onnx import helper  # noqa: E402

from dwcp.errors import TrainingError  # noqa: E402
from dwcp.features.spec import InputColumn  # noqa: E402
from dwcp.features.transforms import Differences, Log1p, MissingMask, OneHot, Standardise  # noqa: E402
from dwcp.task import OutputColumn  # noqa: E402
from dwcp.training.export import IR_VERSION, OPSETS, export_module, finish, merge  # noqa: E402
from dwcp.training.trees import trees_to_onnx  # noqa: E402

pytestmark = pytest.mark.train

WINDOW = InputColumn("window", "float32", (5, 3), "1", "steps of measurements")
KIND = InputColumn("kind", "int64", (), "1", "class number")
SPARE = InputColumn("spare", "float32", (), "1", "not used")
COSTS = OutputColumn("costs", "float32", (2,), "s", "predicted cost")
CHOICE = OutputColumn("choice", "int64", (), "1", "cheapest")


class Network(torch.nn.Module):
    """Every kind of layer a task may use."""

    def __init__(self):
        super().__init__()
        self.mask, self.log, self.steps, self.kind = MissingMask(), Log1p(), Differences(), OneHot(4)
        self.scale = Standardise(np.zeros(6, np.float32), np.full(6, 2, np.float32))
        self.lstm = torch.nn.LSTM(6, 7, batch_first=True)
        self.norm, self.head = torch.nn.BatchNorm1d(11), torch.nn.Linear(11, 2)

    def forward(self, window, kind):
        steps = self.steps(self.log(self.scale(self.mask(window))))
        hidden = self.lstm(steps)[0][:, -1]
        return self.head(self.norm(torch.cat([hidden, self.kind(kind)], dim=1)))


class Head(torch.nn.Module):
    def forward(self, raw):
        costs = raw * 2
        return costs, costs.argmin(dim=1)


class Branching(torch.nn.Module):
    def forward(self, window):
        return window if window.sum() > 0 else -window


def network():
    torch.manual_seed(3)
    return Network().eval()


def whole():
    raw = InputColumn("raw", "float32", (2,), "1", "")
    return merge(
        {
            "network": export_module(network(), [WINDOW, KIND], ["raw"]),
            "head": export_module(Head(), [raw], ["costs", "choice"]),
        },
        [WINDOW, KIND, SPARE],
        [COSTS, CHOICE],
    )


def session(content):
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def arrays(count):
    rng = np.random.default_rng(count)
    window = rng.exponential(size=(count, 5, 3)).astype(np.float32)
    window[rng.random(window.shape) < 0.2] = np.nan
    return {"window": window, "kind": rng.integers(-1, 5, count), "spare": np.zeros(count, np.float32)}


@pytest.mark.parametrize("count", [1, 2, 33])
def test_merged_graph_equals_the_modules_for_any_batch(count):
    given = arrays(count)
    with torch.no_grad():
        wanted, choice = Head()(network()(torch.from_numpy(given["window"]), torch.from_numpy(given["kind"])))
    got = session(finish(whole())).run(None, given)
    np.testing.assert_allclose(got[0], wanted.numpy(), atol=1e-6)
    np.testing.assert_array_equal(got[1], choice.numpy())


def test_inputs_and_outputs_are_exactly_those_declared():
    graph = session(finish(whole()))
    assert [(i.name, i.type, i.shape) for i in graph.get_inputs()] == [
        ("window", "tensor(float)", ["batch", 5, 3]),
        ("kind", "tensor(int64)", ["batch"]),
        ("spare", "tensor(float)", ["batch"]),
    ]
    assert [(o.name, o.type, o.shape) for o in graph.get_outputs()] == [
        ("costs", "tensor(float)", ["batch", 2]),
        ("choice", "tensor(int64)", ["batch"]),
    ]


def test_bytes_are_the_same_each_time_and_leak_nothing():
    content = finish(whole())
    assert content == finish(whole())
    assert not any(word in content for word in (b"/home", b"site-packages", b".py", b"pytorch"))
    model = onnx.load_from_string(content)
    assert (model.ir_version, {o.domain: o.version for o in model.opset_import}) == (IR_VERSION, {"": 17})


def test_a_part_may_read_the_graph_input_and_an_earlier_part():
    xgboost = pytest.importorskip("xgboost")
    rows = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, label=rows), 3)
    features = InputColumn("features", "float32", (2,), "1", "")
    raw, trees = (InputColumn(name, "float32", (2,), "1", "") for name in ("raw", "trees"))

    class Sum(torch.nn.Module):
        def forward(self, features, raw, trees):
            return features + raw + trees

    model = merge(
        {
            "network": export_module(torch.nn.Linear(2, 2), [features], ["raw"]),
            "trees": trees_to_onnx([booster], output_name="trees"),
            "head": export_module(Sum(), [features, raw, trees], ["costs"]),
        },
        [features],
        [COSTS],
    )
    assert {o.domain: o.version for o in model.opset_import} == OPSETS
    assert session(finish(model)).run(None, {"features": rows})[0].shape == (50, 2)


def test_a_branch_on_data_is_refused():
    with pytest.raises(TrainingError, match="Branching cannot be exported"):
        export_module(Branching(), [WINDOW], ["raw"])


def test_an_operator_the_opset_lacks_is_refused():
    class Decompose(torch.nn.Module):
        def forward(self, window):
            return torch.linalg.eigvalsh(window @ window.transpose(1, 2))

    with pytest.raises(TrainingError, match="Decompose cannot be exported"):
        export_module(Decompose(), [WINDOW], ["raw"])


def test_merge_names_what_is_missing_or_double():
    part = export_module(network(), [WINDOW, KIND], ["raw"])
    with pytest.raises(TrainingError, match="reads 'kind'"):
        merge({"network": part}, [WINDOW], [COSTS])
    with pytest.raises(TrainingError, match="'costs'"):
        merge({"network": part}, [WINDOW, KIND], [COSTS])
    with pytest.raises(TrainingError, match="gives 'raw'"):
        merge({"one": part, "two": part}, [WINDOW, KIND], [COSTS])


def test_merge_refuses_parts_in_different_opsets():
    one, two = (export_module(network(), [WINDOW, KIND], [name]) for name in ("raw", "costs"))
    two.opset_import[0].version = 13
    with pytest.raises(TrainingError, match="different versions"):
        merge({"one": one, "two": two}, [WINDOW, KIND], [COSTS])


def test_finish_refuses_wrong_shapes_and_foreign_opsets():
    part = export_module(network(), [WINDOW, KIND], ["costs"])
    wrong = OutputColumn("costs", "float32", (9,), "s", "")
    with pytest.raises(TrainingError, match="not valid"):
        finish(merge({"network": part}, [WINDOW, KIND], [wrong]))
    part.opset_import[0].version = 13
    with pytest.raises(TrainingError, match="operator sets"):
        finish(part)


def test_finish_strips_words_also_inside_branches():
    part = export_module(network(), [WINDOW, KIND], ["costs"])
    inner = helper.make_graph(
        [helper.make_node("Constant", [], ["x"], value_float=1.0, doc_string="/secret/in")],
        "inner",
        [],
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [])],
    )
    condition = helper.make_node("Constant", [], ["yes"], value=helper.make_tensor("v", 9, [], [True]))
    branch = helper.make_node("If", ["yes"], ["y"], then_branch=inner, else_branch=inner)
    part.graph.node.extend([condition, branch])
    part.doc_string = part.graph.node[0].doc_string = "/secret/out"
    part.metadata_props.add(key="path", value="/secret/key")
    assert b"secret" not in finish(part)
