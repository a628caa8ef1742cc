"""Holding a published model against the rules and the oracle, on the same recorded rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dwcp.evaluation import (
    Bootstrap,
    Case,
    Comparison,
    GateResult,
    Policy,
    Replay,
    check_gates,
    compare,
    replay,
    split_by_group,
)
from dwcp.registry import Artifact, check_answers, check_fingerprint
from dwcp.serving.runtime import OnnxGraph
from dwcp.task import Task
from dwcp.training import Job
from dwcp.training.fit import SHARES
from dwcp.training.provenance import data_fingerprint

__all__ = ["Judgement", "judge_model"]

AnyCase = Case[Any, Any, Any]
AnyPolicy = Policy[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a model reached.

    Attributes:
        artifact: the model.
        data: which rows, in words.
        learned: the learned policy's name.
        oracle: the oracle's name.
        best_rule: the rule that costs least in total.
        metrics: the task's figures of the learned policy, which the gates are held against.
        gates: every gate with its figure.
        comparison: the model, the rules and the oracle on the same rows, with intervals.
        replays: the same, decision by decision, by policy.
    """

    artifact: Artifact
    data: str
    learned: str
    oracle: str
    best_rule: str
    metrics: Mapping[str, float]
    gates: tuple[GateResult, ...]
    comparison: Comparison
    replays: Mapping[str, Replay[Any]]

    @property
    def gates_met(self) -> bool:
        """Whether every gate is met."""
        return all(result.met for result in self.gates)

    def as_json(self) -> dict[str, object]:
        """The judgement as JSON values."""
        ref = self.artifact.ref
        return {
            "task": ref.task,
            "model": {"version": ref.version, "digest": ref.digest, "policy": self.learned},
            "data": self.data,
            "metrics": dict(self.metrics),
            "gates": [
                {
                    "metric": result.gate.metric,
                    "limit": result.gate.limit,
                    "direction": result.gate.direction,
                    "figure": result.figure,
                    "met": result.met,
                }
                for result in self.gates
            ],
            "gates_met": self.gates_met,
            "comparison": self.comparison.to_json(),
        }

    def as_markdown(self) -> str:
        """The same to be read by people."""
        ref = self.artifact.ref
        gates = "\n".join(f"- {result.line()}: {result.gate.meaning}" for result in self.gates)
        title = f"# Evaluation: {ref.task} {ref.version}"
        return f"{title}\n\n{self.comparison.to_markdown()}\n## Gates\n\n{gates}\n"


def judge_model(
    task: Task, artifact: Artifact, job: Job, progress: Callable[[float, str], None]
) -> Judgement:
    """Replay the model, the fallback, the baselines and the oracle.

    Where the model was trained on these very cases, only the groups it was not trained on count.

    Args:
        task: the task.
        artifact: the model.
        job: names the cases; its seed is that of the intervals.
        progress: told the share done and a few words.

    Raises:
        ArtifactRefusedError: the model was made for other inputs, or does not give its golden answers.
        ExtraMissingError: onnxruntime is not installed.
        InputError: the cases cannot be read or replayed.
    """
    check_fingerprint(artifact.manifest, task.input_spec)
    graph = OnnxGraph(artifact.model)
    check_answers(artifact, graph)
    progress(0.0, "reading the data")
    recorded, words = job.cases(task)
    cases, data = _unseen(artifact, recorded, words)
    judged, seed = task.judged(cases), job.options.seed
    learned, oracle = task.learned(graph), task.oracle()
    rules: dict[str, AnyPolicy] = {rule.name: rule for rule in (task.fallback(), *task.baselines())}
    replays: dict[str, Replay[Any]] = {}
    steps = len(rules) + 3
    for place, policy in enumerate((learned, *rules.values(), oracle)):
        progress(place / steps, f"replaying {policy.name}")
        replays[policy.name] = replay(judged, policy, task.cost, seed)
    progress(1 - 1 / steps, "holding the figures against the gates")
    best = min(rules, key=lambda name: float(replays[name].cost.sum()))
    metrics = task.metrics(judged, learned, seed)
    title, over = f"{task.name} {artifact.ref.version}", tuple(dict.fromkeys((task.fallback().name, best)))
    comparison = compare(list(replays.values()), title, data, task.cost_unit, Bootstrap(seed), over)
    progress(1.0, "done")
    gates = check_gates(task.gates, metrics)
    return Judgement(artifact, data, learned.name, oracle.name, best, metrics, gates, comparison, replays)


def _unseen(artifact: Artifact, cases: Sequence[AnyCase], words: str) -> tuple[Sequence[AnyCase], str]:
    manifest = artifact.manifest
    if data_fingerprint(cases) != manifest.data_fingerprint:
        return cases, words
    test = split_by_group(cases, SHARES, manifest.seed).test
    return test, f"{len(test)} held-out of {words}; the model was trained on the others"
