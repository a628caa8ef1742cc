"""The candidate that fails in the serving benchmark: it must pass its golden answers, and fail in service."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dwcp.errors import InputError
from dwcp.registry import Draft, Golden, Registry
from dwcp.serving import Reason
from dwcp.serving.local import LocalAdvisor
from dwcp.serving.runtime import OnnxGraph
from dwcp.tasks import discover

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from serving_models import copied_registry, draft_of, nonsense_of, publish_copy

onnx = pytest.importorskip("onnx")
pytestmark = pytest.mark.train
TASK = discover()["compression"]


def model() -> bytes:
    """Says the same whatever it is asked."""
    helper, kinds = onnx.helper, {"float32": 1, "int64": 7}
    inputs = [
        helper.make_tensor_value_info(one.name, kinds[one.dtype], ["rows", *one.shape])
        for one in TASK.input_spec.columns
    ]
    outputs = [
        helper.make_tensor_value_info(one.name, kinds[one.dtype], [None, *one.shape]) for one in TASK.outputs
    ]
    nodes = []
    for one in TASK.outputs:
        value = onnx.numpy_helper.from_array(np.full((1, *one.shape), 0.5).astype(one.dtype))
        nodes.append(helper.make_node("Constant", [], [one.name], value=value))
    graph = helper.make_graph(nodes, "same", inputs, outputs)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


@pytest.fixture
def draft() -> Draft:
    inputs = TASK.arrays([TASK.examples(1, 1)[0].context])
    golden = Golden(inputs, OnnxGraph(model()).run(inputs))
    return Draft(
        input_spec=TASK.input_spec,
        outputs=TASK.outputs,
        kind="batch",
        model=model(),
        golden=golden,
        card="# Card",
        report={},
        metrics={},
        gates=tuple(gate.check(None) for gate in TASK.gates),
        data="none",
        data_fingerprint="0",
        seed=1,
        libraries={},
        instruction_set="any",
    )


def test_nonsense_is_taken_into_service_and_then_declined(draft, tmp_path):
    source = Registry(tmp_path / "source")
    with pytest.raises(InputError, match="dwcp train compression"):
        copied_registry(source.root, TASK.name, tmp_path / "copy")
    ref = source.publish(draft, now=1.0, who="test")
    source.promote(TASK.name, ref.version, now=1.0, who="test", why="first")
    registry = copied_registry(source.root, TASK.name, tmp_path / "copy")
    again = draft_of(registry.load(TASK.name), TASK)
    sound = publish_copy(registry, again, 2, 2.0)
    nonsense = publish_copy(registry, nonsense_of(again), 3, 3.0)
    assert len({ref.version, sound, nonsense}) == 3
    advisor = LocalAdvisor([TASK], registry, deadline_ms=1000)
    advisor.load(TASK.name, nonsense)
    hint = advisor.ask(TASK.name, TASK.examples(1, 1)[0].context)
    assert (hint.reason, hint.model.version) == (Reason.FALLBACK_OUT_OF_RANGE, nonsense)
    advisor.close()


def test_a_graph_without_confidence_cannot_be_spoilt(draft):
    spoilt = onnx.load_from_string(draft.model)
    spoilt.graph.node.remove(next(node for node in spoilt.graph.node if "confidence" in node.output))
    with pytest.raises(InputError, match="no confidence"):
        nonsense_of(replace(draft, model=spoilt.SerializeToString()))
