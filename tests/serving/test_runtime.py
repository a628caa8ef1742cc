import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dwcp.errors import ArtifactRefusedError, ExtraMissingError, GraphError
from dwcp.serving import Reason
from dwcp.serving.graph import GraphStoppedError
from dwcp.serving.runtime import OnnxGraph

SIDE = 256


def onnx_bytes(
    nodes: list[Any], inputs: dict[str, Any], outputs: dict[str, Any], tensors: dict[str, Any]
) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    kinds = {np.float32: TensorProto.FLOAT, np.int64: TensorProto.INT64}
    graph = helper.make_graph(
        [helper.make_node(*node[:3], **(node[3] if len(node) > 3 else {})) for node in nodes],
        "toy",
        [helper.make_tensor_value_info(name, kinds[dtype], shape) for name, (dtype, shape) in inputs.items()],
        [
            helper.make_tensor_value_info(name, kinds[dtype], shape)
            for name, (dtype, shape) in outputs.items()
        ],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.fixture(scope="module")
def toy_model() -> bytes:
    """The toy's graph: costs = x * (1, 0, -1) + (0, 50, 100) + kind; confidence = the window's largest."""
    return onnx_bytes(
        [
            ("Unsqueeze", ["x", "one"], ["x1"]),
            ("Mul", ["x1", "slope"], ["crossing"]),
            ("Add", ["crossing", "bias"], ["base"]),
            ("Cast", ["kind"], ["kind_f"], {"to": 1}),
            ("Unsqueeze", ["kind_f", "one"], ["kind1"]),
            ("Add", ["base", "kind1"], ["costs"]),
            ("ReduceMax", ["window"], ["confidence"], {"axes": [1], "keepdims": 0}),
        ],
        {"x": (np.float32, ["n"]), "window": (np.float32, ["n", 3]), "kind": (np.int64, ["n"])},
        {"costs": (np.float32, ["n", 3]), "confidence": (np.float32, ["n"])},
        {
            "one": np.array([1]),
            "slope": np.array([1, 0, -1], np.float32),
            "bias": np.array([0, 50, 100], np.float32),
        },
    )


@pytest.fixture(scope="module")
def long_model() -> bytes:
    """Many products of large matrices: a long run with many places to stop at."""
    steps = 2000
    nodes = [("MatMul", [f"v{i}", "turn"], [f"v{i + 1}"]) for i in range(steps)]
    shape = (np.float32, ["n", SIDE])
    turn = np.roll(np.eye(SIDE, dtype=np.float32), 1, axis=0)
    return onnx_bytes(nodes, {"v0": shape}, {f"v{steps}": shape}, {"turn": turn})


@pytest.mark.train
def test_the_graph_answers_as_its_twin_in_memory(world: Any, toy_model: bytes) -> None:
    cases = world.task.examples(20, 1)
    arrays = world.task.arrays([case.context for case in cases])
    answers = OnnxGraph(toy_model).run(arrays)
    expected = world.open_graph(world.draft().model).run(arrays)
    assert answers.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(answers[name], expected[name])


@pytest.mark.train
def test_a_published_graph_serves(world: Any, toy_model: bytes) -> None:
    world.advisor = world.new_advisor(open_graph=OnnxGraph, clock=time.monotonic, deadline_ms=10_000.0)
    world.publish(model=toy_model)
    world.advisor.load("toy")
    hint = world.advisor.ask("toy", world.context(x=10.0))
    assert (hint.action, hint.reason) == ("none", Reason.MODEL)
    assert 0.0 < hint.latency_ms < 10_000.0


@pytest.mark.train
def test_a_run_is_stopped_from_another_thread(long_model: bytes) -> None:
    call = OnnxGraph(long_model).prepare()
    timer = threading.Timer(0.02, call.stop)
    timer.start()
    with pytest.raises(GraphStoppedError):
        call.run({"v0": np.ones((2000, SIDE), np.float32)})
    timer.join()


@pytest.mark.train
def test_stopping_one_run_leaves_the_others(toy_model: bytes, world: Any) -> None:
    graph = OnnxGraph(toy_model)
    over = graph.prepare()
    arrays = world.task.arrays([world.context()])
    over.run(arrays)
    over.stop()
    assert graph.run(arrays)["confidence"].shape == (1,)


@pytest.mark.train
@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: {},
        lambda arrays: arrays | {"x": np.zeros((1, 3), np.float32)},
        lambda arrays: arrays | {"x": np.zeros(1)},
        lambda arrays: arrays | {"more": np.zeros(1)},
        lambda arrays: arrays | {"x": "text"},
    ],
)
def test_what_cannot_be_run_is_one_error(world: Any, toy_model: bytes, spoil: Callable[[Any], Any]) -> None:
    with pytest.raises(GraphError, match="onnxruntime cannot run the graph"):
        OnnxGraph(toy_model).run(spoil(world.task.arrays([world.context()])))


@pytest.mark.train
def test_tensors_in_other_files_are_refused(toy_model: bytes, tmp_path: Any) -> None:
    import onnx

    model = onnx.load_from_string(toy_model)
    onnx.external_data_helper.convert_model_to_external_data(model, location="weights", size_threshold=0)
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(ArtifactRefusedError, match="cannot open the model"):
        OnnxGraph((tmp_path / "model.onnx").read_bytes())


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\x08\x08"])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(ArtifactRefusedError, match="onnxruntime cannot open the model"):
        OnnxGraph(content)


def test_without_onnxruntime_the_fallback_answers_and_says_so(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    sentence = "onnxruntime is not installed: pip install onnxruntime"
    with pytest.raises(ExtraMissingError, match=sentence):
        OnnxGraph(b"")
    world.advisor = world.new_advisor(open_graph=OnnxGraph)
    world.publish()
    assert world.advisor.reload() == {"toy": sentence}
    hint = world.advisor.ask("toy", world.context())
    assert (hint.action, hint.reason, hint.detail) == ("zstd", Reason.FALLBACK_NO_MODEL, sentence)
