"""A fleet judged with the graph asked about many nodes at once, held against node by node."""

import json
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from dwcp.cli import detecting
from dwcp.cli.detect_ahead import GraphAhead
from dwcp.cli.detecting import Detector
from dwcp.cli.session import Session
from dwcp.errors import GraphError
from dwcp.registry import Draft, Golden, Registry
from dwcp.serving import Hint
from dwcp.serving.runtime import OnnxGraph
from dwcp.task import Arrays
from dwcp.tasks.reliability.contract import METRICS, STEPS, Outcome
from dwcp.tasks.reliability.examples import simulated_fleet
from dwcp.tasks.reliability.names import FEATURES
from dwcp.tasks.reliability.series import cases_of
from dwcp.tasks.reliability.task import TASK

NODES, MOMENTS = 7, 30
UNKNOWN = partial(Outcome, kind="unknown")


class Counting:
    """Gives twice what it is asked, and remembers in what batches; a row below 0 breaks it, and a stop."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.stopped = False

    def prepare(self) -> "Counting":
        return self

    def run(self, arrays: Arrays) -> Arrays:
        self.batches.append(len(arrays["x"]))
        if self.stopped or (arrays["x"] < 0).any():
            raise GraphError("broken")
        return {"y": arrays["x"] * 2}

    def stop(self) -> None:
        self.stopped = True


def asked(*values: float) -> dict[str, np.ndarray]:
    return {
        "x": np.array([[value, 1.0] for value in values], np.float32),
        "k": np.zeros(len(values), np.int64),
    }


def test_rows_asked_ahead_are_answered_without_a_run_and_others_are_run() -> None:
    graph = Counting()
    ahead = GraphAhead(graph)
    ahead.run_ahead(asked(1, 2, 3))
    assert [float(ahead.run(asked(value))["y"][0, 0]) for value in (3, 1, 2, 2)] == [6, 2, 4, 4]
    assert ahead.run(asked(3))["y"].shape == (1, 2)
    assert graph.batches == [3]
    assert ahead.run({**asked(3), "k": np.ones(1, np.int64)})["y"][0, 0] == 6
    assert ahead.run(asked(9))["y"][0, 0] == 18
    assert graph.batches == [3, 1, 1]
    ahead.run_ahead(asked(4, 5))
    ahead.run(asked(1))
    assert graph.batches[3:] == [2, 1]


def test_a_batch_that_fails_keeps_nothing_and_a_run_can_be_stopped() -> None:
    graph = Counting()
    ahead = GraphAhead(graph)
    ahead.run_ahead(asked(1))
    with pytest.raises(GraphError):
        ahead.run_ahead(asked(1, -1))
    ahead.run(asked(1))
    assert graph.batches == [1, 2, 1]
    call = ahead.prepare()
    call.stop()
    with pytest.raises(GraphError):
        call.run(asked(1))


def network() -> bytes:
    """A graph that onnxruntime runs, with products of matrices, whose rounding depends on the batch."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(3)
    size, hidden = STEPS * len(METRICS), 32
    weights = {
        "inner": rng.normal(size=(size, hidden)) / 40,
        "outer": rng.normal(size=(hidden, len(FEATURES))),
        "once": rng.normal(size=(hidden, 1)),
    }
    nodes = [
        helper.make_node("Sub", ["window", "peers"], ["beside"]),
        helper.make_node("Flatten", ["beside"], ["flat"]),
        helper.make_node("MatMul", ["flat", "inner"], ["sum"]),
        helper.make_node("Tanh", ["sum"], ["state"]),
        helper.make_node("MatMul", ["state", "outer"], ["deviation"]),
        helper.make_node("MatMul", ["state", "once"], ["column"]),
        helper.make_node("Squeeze", ["column", "last"], ["margin"]),
        helper.make_node("Sub", ["margin", "margin"], ["threshold"]),
        helper.make_node("Sigmoid", ["margin"], ["novelty"]),
    ]
    tensors = [numpy_helper.from_array(one.astype(np.float32), name) for name, one in weights.items()]
    tensors.append(numpy_helper.from_array(np.array([1]), "last"))

    def value(name: str, *shape: int) -> object:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])

    graph = helper.make_graph(
        nodes,
        "network",
        [value(column.name, *column.shape) for column in TASK.input_spec.columns],
        [value(output.name, *output.shape) for output in TASK.outputs],
        tensors,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


@pytest.fixture
def registry(home: Path) -> Registry:
    """One whose champion is the network."""
    model = network()
    inputs = TASK.arrays([case.context for case in TASK.examples(6, 1)])
    draft = Draft(
        input_spec=TASK.input_spec,
        outputs=TASK.outputs,
        kind="batch",
        model=model,
        golden=Golden(inputs, OnnxGraph(model).run(inputs)),
        card="# Made up\n",
        report={},
        metrics={},
        gates=tuple(gate.check(1.0) for gate in TASK.gates),
        data="made up",
        data_fingerprint="0" * 64,
        seed=1,
        libraries={},
        instruction_set="any",
    )
    registry = Registry(home / "registry")
    version = registry.publish(draft, now=0.0, who="test").version
    registry.promote(TASK.name, version, now=0.0, who="test", why="test")
    return registry


@pytest.fixture
def detector(registry: Registry) -> Iterator[Detector]:
    with closing(Detector(Session(), registry.root, TASK)) as made:
        yield made


@pytest.fixture
def alone(registry: Registry) -> Iterator[Detector]:
    with closing(Detector(Session(), registry.root, TASK)) as made:
        yield made


def fleet() -> list[object]:
    made = simulated_fleet("fleet", NODES, MOMENTS, np.random.default_rng(4))
    return [case.context for case in cases_of(made, range(STEPS, STEPS + MOMENTS))]


def margins(hints: list[Hint]) -> list[float]:
    return [hint.action.margin for hint in hints]


@pytest.mark.train
def test_a_fleet_judged_at_once_is_judged_as_node_by_node(
    detector: Detector, alone: Detector, tmp_path
) -> None:
    contexts = fleet()
    at_once = list(detector.judge_all(contexts, UNKNOWN))
    one_by_one = [alone.judge(context, UNKNOWN) for context in contexts]
    assert {hint.reason for hint in at_once} == {"MODEL"}
    verdicts = [
        [(hint.action.anomalous, hint.action.alarm) for hint in hints] for hints in (at_once, one_by_one)
    ]
    assert verdicts[0] == verdicts[1]
    assert {alarm for _, alarm in verdicts[0]} == {False, True}
    assert margins(at_once) == pytest.approx(margins(one_by_one), rel=1e-5, abs=1e-6)
    for name, made in (("at once", detector), ("alone", alone)):
        made.save(tmp_path / name, {})
    kept = [json.loads((tmp_path / name).read_bytes())["state"] for name in ("at once", "alone")]
    flags = [[(node["name"], node["flags"]) for node in one["learned"]["nodes"]] for one in kept]
    assert flags[0] == flags[1]


@pytest.mark.train
def test_a_graph_that_fails_at_many_is_asked_one_by_one(
    detector: Detector, alone: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    run = OnnxGraph.run

    def only_one(graph: OnnxGraph, arrays: Arrays) -> Arrays:
        sizes.append(len(arrays["window"]))
        if sizes[-1] > 1:
            raise GraphError("out of memory")
        return run(graph, arrays)

    monkeypatch.setattr(OnnxGraph, "run", only_one)
    contexts = fleet()
    at_once = list(detector.judge_all(iter(contexts), UNKNOWN))
    assert max(sizes) == 64
    assert {hint.reason for hint in at_once} == {"MODEL"}
    assert margins(at_once) == margins([alone.judge(context, UNKNOWN) for context in contexts])


@pytest.mark.train
def test_detect_says_the_same_either_way(run, registry: Registry, tmp_path, monkeypatch) -> None:
    rng = np.random.default_rng(2)
    rows = ["node_id,time_s,cpu_usage,packet_loss,p99_latency_ms"]
    for step in range(40):
        for node in range(NODES):
            slow = 400 if node == 3 and 20 <= step < 30 else 20
            rows.append(f"web{node},{15 * step},{rng.uniform(0.2, 0.4):.3f},0.001,{slow + rng.uniform():.2f}")
    file = tmp_path / "nodes.csv"
    file.write_text("\n".join(rows) + "\n")
    sizes: list[int] = []
    ahead = GraphAhead.run_ahead
    monkeypatch.setattr(
        GraphAhead,
        "run_ahead",
        lambda graph, arrays: (sizes.append(len(arrays["window"])), ahead(graph, arrays))[1],
    )
    at_once = run("detect", file, "--json")
    assert sizes == [64, 64, 64, 64, 24]
    monkeypatch.setattr(detecting, "_TOGETHER", {})
    one_by_one = run("detect", file, "--json")
    assert len(sizes) == 5
    first, second = json.loads(at_once.out), json.loads(one_by_one.out)
    assert first["by"].startswith("reliability ")
    assert first["episodes"]
    told = [
        [(one["subject"], one["since_s"], one["at_s"]) for one in each["episodes"]]
        for each in (first, second)
    ]
    assert told[0] == told[1]


def test_the_rules_alone_are_asked_as_ever(home: Path) -> None:
    with closing(Detector(Session(), home / "registry", TASK)) as detector:
        assert detector.by.startswith("rules alone: ")
        hints = list(detector.judge_all(fleet()[:3], UNKNOWN))
    assert [hint.reason for hint in hints] == ["FALLBACK_NO_MODEL"] * 3
