"""What a task is: context, action and outcome; inputs; fallback, baselines, oracle; gates; a learner.

One folder under ``dwcp.tasks`` gives one `Task`. Everything above this layer (training, registry use,
serving, the command line) knows tasks only through these protocols.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dwcp.evaluation.gates import Gate
from dwcp.evaluation.policy import Case, Policy
from dwcp.features.spec import InputSpec

__all__ = [
    "Arrays",
    "Fitted",
    "Graph",
    "JudgesLive",
    "Learner",
    "LearnerKind",
    "LearnsOnline",
    "OutputColumn",
    "Progress",
    "Task",
    "TrainingOptions",
    "Verdict",
]

Arrays = Mapping[str, NDArray[np.generic]]
"""Named tensors, batch dimension first."""

Progress = Callable[[float, str], None]
"""Called with the share done (0 to 1) and a few words; from a worker process it travels by queue."""


class LearnerKind(StrEnum):
    """How a task learns."""

    BATCH = "batch"
    ONLINE = "online"
    INDEX = "index"


class Graph(Protocol):
    """A trained graph that can be asked: onnxruntime when serving, a stand-in in tests."""

    def run(self, arrays: Arrays) -> Arrays:
        """Named inputs to named outputs, both with the batch dimension first."""
        ...


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """One named output tensor of a task's graph, with its unit and meaning."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """What a training run may be told; every learner reads the same options."""

    seed: int = 42
    epochs: int = 100
    threads: int = 1
    extra: Mapping[str, object] = field(default_factory=dict)


class Fitted(Protocol):
    """A trained model, before export."""

    def predict(self, arrays: Arrays) -> Arrays:
        """What the trained model says, computed by the training libraries: the export must equal it."""
        ...

    def to_onnx(self) -> bytes:
        """The one graph with every feature, the scaling and the decision inside; the same bytes each time."""
        ...

    def summary(self) -> Mapping[str, object]:
        """What was fitted (weights chosen, sizes, losses), as JSON values for the report."""
        ...


class Learner(Protocol):
    """Turns recorded cases into a `Fitted`. Lives in ``model.py``; imported when training only."""

    def fit(
        self,
        train: Sequence[Case[Any, Any, Any]],
        validation: Sequence[Case[Any, Any, Any]],
        options: TrainingOptions,
        progress: Progress,
    ) -> Fitted:
        """Fit on ``train``; weights, early stopping and thresholds come from ``validation`` alone."""
        ...


class Task(Protocol):
    """One thing to learn. Contexts, actions and outcomes are the task's own frozen dataclasses."""

    @property
    def name(self) -> str:
        """The folder's name."""
        ...

    @property
    def kind(self) -> LearnerKind:
        """How the task learns."""
        ...

    @property
    def input_spec(self) -> InputSpec:
        """What its graph is fed."""
        ...

    @property
    def outputs(self) -> tuple[OutputColumn, ...]:
        """What its graph answers."""
        ...

    @property
    def gates(self) -> tuple[Gate, ...]:
        """What a model must reach to be promoted without a person's word."""
        ...

    @property
    def cost_unit(self) -> str:
        """The unit of `cost`, e.g. ``s``."""
        ...

    def arrays(self, contexts: Sequence[Any]) -> Arrays:
        """Contexts as the raw arrays of the input specification; no engineered feature here."""
        ...

    def cost(self, context: Any, outcome: Any) -> float:
        """What an outcome costs under this context; lower is better, never negative."""
        ...

    def admissible(self, context: Any, action: Any) -> bool:
        """Whether the action can be carried out under this context."""
        ...

    def fallback(self) -> Policy[Any, Any, Any]:
        """The deterministic rule that answers whenever the model does not. Total: any context, any time."""
        ...

    def baselines(self) -> tuple[Policy[Any, Any, Any], ...]:
        """The strong simple rules every table shows beside the model."""
        ...

    def oracle(self) -> Policy[Any, Any, Any]:
        """The policy with hindsight; it also satisfies `dwcp.evaluation.policy.Hindsight`."""
        ...

    def learned(self, graph: Graph) -> Policy[Any, Any, Any]:
        """The policy that asks the graph."""
        ...

    def learner(self) -> Learner:
        """The learner; imports the training libraries.

        Raises:
            ExtraMissingError: the training extra is not installed.
        """
        ...

    def cases(self, table: Path) -> list[Case[Any, Any, Any]]:
        """Recorded cases from a table written by this task's measuring or simulating command.

        Raises:
            SchemaError: the table is not such a table.
        """
        ...

    def judged(self, cases: Sequence[Case[Any, Any, Any]]) -> Sequence[Case[Any, Any, Any]]:
        """Recorded cases as policies are judged on them: themselves, or each under several conditions."""
        ...

    def examples(self, count: int, seed: int) -> list[Case[Any, Any, Any]]:
        """Simulated cases, for tiny models, golden vectors and conformance; never mixed with real data."""
        ...

    def metrics(
        self, cases: Sequence[Case[Any, Any, Any]], policy: Policy[Any, Any, Any], seed: int
    ) -> Mapping[str, float]:
        """Replay a policy over judged cases and give the figures the gates are held against."""
        ...

    def card(self) -> str:
        """The model card, Markdown."""
        ...


@runtime_checkable
class LearnsOnline(Protocol):
    """What a task of kind ``online`` has besides: a policy that needs no model and learns while it serves."""

    def online(self) -> Policy[Any, Any, Any]:
        """The policy, with nothing learned yet."""
        ...


class Verdict(NamedTuple):
    """What an outcome tells of an action; None for what it does not tell.

    Attributes:
        correct: whether the action was right, as the task's card means it.
        regret: what it cost more than the best would have, in the task's cost unit.
        throughput_mbps: plain bytes a second that were moved or stored by it.
    """

    correct: bool | None = None
    regret: float | None = None
    throughput_mbps: float | None = None


@runtime_checkable
class JudgesLive(Protocol):
    """What a task has besides whose outcomes tell, while it serves, what an action was worth."""

    def verdict(self, context: Any, action: Any, outcome: Any) -> Verdict:
        """What an outcome tells of an action.

        Args:
            context: what was known.
            action: what was answered, which need not be what was done.
            outcome: of what was done.
        """
        ...
