"""A toy task, a graph in memory that can be made to fail, a clock that is moved by hand."""
# ruff: noqa: ARG002 - a stand-in takes what its protocol hands it

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from dwcp.errors import ArtifactRefusedError, GraphError
from dwcp.evaluation.gates import Gate
from dwcp.evaluation.policy import Case, Decision, State
from dwcp.features.spec import InputColumn, InputSpec
from dwcp.registry import Draft, Golden, Registry
from dwcp.serving.graph import GraphStoppedError
from dwcp.serving.local import LocalAdvisor
from dwcp.task import Arrays, Graph, LearnerKind, OutputColumn

NAMES = ("none", "lz4", "zstd")
SPEC = InputSpec(
    task="toy",
    columns=(
        InputColumn("x", "float32", (), "percent", "where the costs cross", low=0.0, high=100.0),
        InputColumn("window", "float32", (3,), "1", "the largest is the confidence"),
        InputColumn("kind", "int64", (), "1", "added to every cost", low=0, high=2),
    ),
    vocabularies=(("candidate", NAMES),),
)


@dataclass(frozen=True)
class ToyContext:
    x: float = 10.0
    window: tuple[float, float, float] = (0.1, 0.9, 0.5)
    kind: int = 0


class FakeClock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class MemoryGraph:
    """The toy's graph in numpy; ``fault`` is called with the answers of every run and gives others."""

    def __init__(self, model: bytes) -> None:
        if not model.startswith(b"{"):
            raise ArtifactRefusedError("not a toy model")
        self.bias = np.array(json.loads(model)["bias"], np.float32)
        self.fault: Callable[[dict[str, Any], threading.Event], Mapping[str, Any]] | None = None

    def prepare(self) -> "MemoryCall":
        return MemoryCall(self)

    def run(self, arrays: Arrays) -> Arrays:
        return self.prepare().run(arrays)


class MemoryCall:
    def __init__(self, graph: MemoryGraph) -> None:
        self.graph = graph
        self.stopped = threading.Event()

    def run(self, arrays: Arrays) -> Arrays:
        costs = arrays["x"][:, None] * np.array([1, 0, -1], np.float32) + self.graph.bias
        costs = (costs + arrays["kind"][:, None]).astype(np.float32)
        answers = {"costs": costs, "confidence": arrays["window"].max(axis=1)}
        return answers if self.graph.fault is None else self.graph.fault(answers, self.stopped)

    def stop(self) -> None:
        self.stopped.set()


@dataclass
class Rule:
    """Always the same action."""

    action: str
    seen: int = 0
    broken: bool = False

    @property
    def name(self) -> str:
        return self.action

    def decide(self, context: ToyContext, now: float, rng: Random) -> Decision[str]:
        if self.broken:
            raise ZeroDivisionError("the rule is broken")
        return Decision(self.action)

    def observe(self, context: ToyContext, action: str, outcome: float, now: float) -> None:
        if self.broken:
            raise ZeroDivisionError("the rule is broken")
        self.seen += 1

    def snapshot(self) -> State:
        return {"seen": self.seen}

    def restore(self, state: State) -> None:
        self.seen = int(state["seen"])  # type: ignore[call-overload]


@dataclass
class Learned(Rule):
    """The cheapest candidate by the graph's word."""

    task: "ToyTask | None" = None
    graph: Graph | None = None

    def decide(self, context: ToyContext, now: float, rng: Random) -> Decision[str]:
        assert self.task is not None
        assert self.graph is not None
        if self.broken:
            return None  # type: ignore[return-value]
        answers = self.graph.run(self.task.arrays([context]))
        costs = answers["costs"][0].tolist()
        best = NAMES[costs.index(min(costs))]
        if self.task.costs is not None:
            costs = self.task.costs
        return Decision(best, float(answers["confidence"][0]), dict(zip(NAMES, costs, strict=True)))


@dataclass
class ToyTask:
    """Implements `dwcp.task.Task` as far as serving needs it; the public fields are for faults."""

    input_spec: InputSpec = SPEC
    refused: frozenset[str] = frozenset()
    costs: list[float] | None = None
    arrays_fault: Callable[[], None] | None = None
    dtype: str = "float32"
    rule: Rule = field(default_factory=lambda: Rule("zstd"))
    learned_policies: list[Learned] = field(default_factory=list)

    name = "toy"
    kind = LearnerKind.BATCH
    cost_unit = "s"
    gates: tuple[Gate, ...] = ()
    outputs = (
        OutputColumn("costs", "float32", (3,), "s", "cost of each candidate"),
        OutputColumn("confidence", "float32", (), "1", "confidence"),
    )

    def arrays(self, contexts: Sequence[ToyContext]) -> Arrays:
        if self.arrays_fault is not None:
            self.arrays_fault()
        return {
            "x": np.array([context.x for context in contexts], self.dtype),
            "window": np.array([context.window for context in contexts], np.float32),
            "kind": np.array([context.kind for context in contexts], np.int64),
        }

    def cost(self, context: ToyContext, outcome: float) -> float:
        return outcome

    def admissible(self, context: ToyContext, action: str) -> bool:
        return action not in self.refused

    def fallback(self) -> Rule:
        return self.rule

    def baselines(self) -> tuple[Rule, ...]:
        return (Rule("lz4"),)

    def oracle(self) -> Rule:
        return Rule("none")

    def learned(self, graph: Graph) -> Learned:
        self.learned_policies.append(Learned("learned", task=self, graph=graph))
        return self.learned_policies[-1]

    def learner(self) -> Any:
        raise NotImplementedError

    def cases(self, table: Path) -> list[Case[Any, Any, Any]]:
        return []

    def examples(self, count: int, seed: int) -> list[Case[Any, Any, Any]]:
        return [Case(ToyContext(x=float(i % 100)), dict.fromkeys(NAMES, 1.0), "g") for i in range(count)]

    def metrics(self, cases: Any, policy: Any, seed: int) -> Mapping[str, float]:
        return {}

    def card(self) -> str:
        return "# Toy\n"


class World:
    """A registry in a folder, an advisor on it, and the graphs it opened."""

    def __init__(self, root: Path) -> None:
        self.registry = Registry(root)
        self.clock = FakeClock()
        self.task = ToyTask()
        self.graphs: list[MemoryGraph] = []
        self.advisors: list[LocalAdvisor] = []
        self.advisor = self.new_advisor()

    def new_advisor(self, **options: Any) -> LocalAdvisor:
        defaults = {"open_graph": self.open_graph, "clock": self.clock}
        self.advisors.append(LocalAdvisor([self.task], self.registry, **{**defaults, **options}))
        return self.advisors[-1]

    def open_graph(self, model: bytes) -> MemoryGraph:
        self.graphs.append(MemoryGraph(model))
        return self.graphs[-1]

    @property
    def graph(self) -> MemoryGraph:
        return self.graphs[-1]

    def draft(self, bias: Sequence[float] = (0, 50, 100), **changes: Any) -> Draft:
        """A draft whose model has these costs at x = 0."""
        model = json.dumps({"bias": list(bias)}).encode()
        inputs = ToyTask().arrays([ToyContext(5.0), ToyContext(95.0, (0.2, 0.3, 0.4), 2)])
        golden = Golden(inputs, MemoryGraph(model).run(inputs))
        plain = {
            "input_spec": SPEC,
            "outputs": ToyTask.outputs,
            "kind": "batch",
            "model": model,
            "golden": golden,
            "card": "# Toy\n",
            "report": {},
            "metrics": {},
            "gates": (),
            "data": "made up",
            "data_fingerprint": "0" * 64,
            "seed": 1,
            "libraries": {},
            "instruction_set": "any",
        }
        return Draft(**{**plain, **changes})

    def publish(self, bias: Sequence[float] = (0, 50, 100), **changes: Any) -> str:
        """Publish a draft and make it champion; gives the version."""
        version = self.registry.publish(self.draft(bias, **changes), now=0.0, who="test").version
        self.registry.promote("toy", version, now=0.0, who="test", why="test")
        return version

    def serve(self, bias: Sequence[float] = (0, 50, 100)) -> MemoryGraph:
        """Publish, promote and load; gives the graph that serves."""
        self.publish(bias)
        self.advisor.load("toy")
        return self.graph

    def context(self, **values: Any) -> ToyContext:
        return ToyContext(**values)

    def hang(self, answers: dict[str, Any], stopped: threading.Event) -> Mapping[str, Any]:
        """A fault: wait until stopped."""
        if not stopped.wait(20.0):
            return answers
        raise GraphStoppedError("stopped")

    def fail(self, answers: dict[str, Any], stopped: threading.Event) -> Mapping[str, Any]:
        """A fault: the graph cannot be run."""
        raise GraphError("the graph is broken")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "registry")
    yield made
    for advisor in made.advisors:
        advisor.close()
