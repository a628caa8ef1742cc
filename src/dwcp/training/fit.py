"""Train one task: split, fit, export, parity, golden vectors, figures beside the rules, draft."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dwcp.errors import TrainingError
from dwcp.evaluation import (
    Bootstrap,
    Case,
    Comparison,
    Policy,
    Shares,
    Split,
    check_gates,
    compare,
    replay,
    split_by_group,
)
from dwcp.registry import Draft, Golden
from dwcp.task import Arrays, LearnerKind, Progress, Task, TrainingOptions
from dwcp.training.extra import training_extra
from dwcp.training.graph import ExportedGraph
from dwcp.training.parity import check_parity, decided_rows
from dwcp.training.provenance import data_fingerprint, instruction_set, library_versions
from dwcp.training.report import Part, TrainingReport, Verdict, judge_promotion

__all__ = ["PARITY_TOLERANCE", "SHARES", "TrainingResult", "train_task"]

SHARES: Shares = (0.6, 0.2, 0.2)
"""Shares of training, validation and test; no group is in two of them."""

PARITY_TOLERANCE = 1e-5
"""Largest difference between trained model and export, as a share (see `dwcp.training.parity`)."""

_PARITY_ROWS = 2000
_GOLDEN_ROWS = 8
_GOLDEN_CANDIDATES = 64
_GOLDEN_MARGIN = 1e-3
_FITTED, _EXPORTED = 0.8, 0.85

AnyCase = Case[Any, Any, Any]
AnyPolicy = Policy[Any, Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingResult:
    """A trained model, ready to be published, and what it reached."""

    draft: Draft
    report: TrainingReport

    @property
    def promotable(self) -> bool:
        """Whether the model beats the best baseline on the task's primary metric."""
        return self.report.verdict.promotable


def train_task(
    task: Task,
    cases: Sequence[AnyCase],
    options: TrainingOptions,
    progress: Progress,
    *,
    data: str,
) -> TrainingResult:
    """Train a task on recorded cases and hold the exported graph against the rules on held-out groups.

    The same task, cases, options and library versions give the same result, byte for byte, on one
    instruction set.

    Args:
        task: what to learn; one of kind ``batch``.
        cases: recorded cases of three groups or more.
        options: seed, epochs, threads.
        progress: told the share done and a few words.
        data: what the cases are, in words, for report and manifest.

    Raises:
        ExtraMissingError: the training libraries are not installed.
        InputError: the cases cannot be split, or a policy cannot be replayed over them.
        ParityError: the exported graph does not equal the trained model.
        TrainingError: the task is not trained in batch, or its graph is not the one it declares.
    """
    if task.kind is not LearnerKind.BATCH:
        raise TrainingError(f"task {task.name!r} learns {task.kind} as it serves; there is nothing to train")
    split = split_by_group(cases, SHARES, options.seed)
    with training_extra():
        learner = task.learner()
        fitted = learner.fit(split.train, split.validation, options, _part(progress, 0.0, _FITTED))
        progress(_FITTED, "exporting")
        model = fitted.to_onnx()
    graph = ExportedGraph(model)
    graph.require(task.input_spec.columns, task.outputs)
    rows = _parity_rows(task, split, options.seed)
    parity = check_parity(fitted, model, task.arrays([case.context for case in rows]), PARITY_TOLERANCE)
    judged = task.judged(split.test)
    figures = _evaluate(task, graph, judged, options.seed, data, _part(progress, _EXPORTED, 1.0))
    report = TrainingReport(
        task=task.name,
        data=data,
        data_fingerprint=data_fingerprint(cases),
        seed=options.seed,
        epochs=options.epochs,
        split=_describe(split),
        learned=figures.learned,
        cost_unit=task.cost_unit,
        metrics=figures.metrics,
        comparison=figures.comparison,
        gates=check_gates(task.gates, figures.metrics[figures.learned]),
        verdict=figures.verdict,
        fitted=dict(fitted.summary()),
        model_bytes=len(model),
        parity=parity,
        parity_rows=len(rows),
        libraries=library_versions(),
        instruction_set=instruction_set(),
    )
    golden = _golden(task, graph, split.test, options.seed)
    progress(1.0, "done")
    return TrainingResult(_draft(task, model, golden, report), report)


@dataclass(frozen=True, slots=True)
class _Figures:
    learned: str
    metrics: Mapping[str, Mapping[str, float]]
    comparison: Comparison
    verdict: Verdict


def _part(progress: Progress, begin: float, end: float) -> Progress:
    """Progress of one part of the work, as progress of the whole."""
    return lambda share, words: progress(begin + (end - begin) * min(max(share, 0.0), 1.0), words)


def _describe(split: Split[AnyCase]) -> dict[str, Part]:
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    return {name: Part(len(cases), len({case.group for case in cases})) for name, cases in parts.items()}


def _parity_rows(task: Task, split: Split[AnyCase], seed: int) -> list[AnyCase]:
    """Simulated rows, then recorded ones evenly from what the model was not fitted on."""
    recorded = (*split.validation, *split.test)
    step = -(-len(recorded) // _PARITY_ROWS)
    return [*task.examples(_GOLDEN_CANDIDATES, seed), *recorded[::step]]


def _evaluate(
    task: Task, graph: ExportedGraph, cases: Sequence[AnyCase], seed: int, data: str, progress: Progress
) -> _Figures:
    """The graph that will be served, the fallback, the baselines and the oracle on the same rows."""
    learned, rivals = task.learned(graph), {rule.name: rule for rule in (task.fallback(), *task.baselines())}
    policies: list[AnyPolicy] = [learned, *rivals.values(), task.oracle()]
    metrics, replays = {}, []
    for place, policy in enumerate(policies):
        progress(place / len(policies), f"replaying {policy.name}")
        figures = task.metrics(cases, policy, seed)
        metrics[policy.name] = {name: float(figure) for name, figure in figures.items()}
        replays.append(replay(cases, policy, task.cost, seed))
    verdict = judge_promotion(task.gates, metrics, learned.name, list(rivals))
    over = dict.fromkeys(name for name in (task.fallback().name, verdict.best_baseline) if name)
    title = f"{task.name}: held-out groups"
    comparison = compare(replays, title, data, task.cost_unit, Bootstrap(seed), tuple(over))
    return _Figures(learned.name, metrics, comparison, verdict)


def _golden(task: Task, graph: ExportedGraph, recorded: Sequence[AnyCase], seed: int) -> Golden:
    """Some simulated and some recorded rows, none so near a tie that another machine may answer otherwise."""
    chosen: list[AnyCase] = []
    for cases in (task.examples(_GOLDEN_CANDIDATES, seed), recorded[:_GOLDEN_CANDIDATES]):
        answers = graph.run(task.arrays([case.context for case in cases]))
        decided = np.flatnonzero(decided_rows(answers, _GOLDEN_MARGIN))
        chosen.extend(cases[row] for row in decided[:_GOLDEN_ROWS])
    if not chosen:
        raise TrainingError(f"the model of {task.name} is undecided on every row it was asked about")
    inputs: Arrays = task.arrays([case.context for case in chosen])
    return Golden(inputs, graph.run(inputs))


def _draft(task: Task, model: bytes, golden: Golden, report: TrainingReport) -> Draft:
    return Draft(
        input_spec=task.input_spec,
        outputs=task.outputs,
        kind=task.kind.value,
        model=model,
        golden=golden,
        card=task.card(),
        report=report.as_json(),
        metrics=report.metrics,
        gates=report.gates,
        data=report.data,
        data_fingerprint=report.data_fingerprint,
        seed=report.seed,
        libraries=report.libraries,
        instruction_set=report.instruction_set,
    )
