"""The training report: one structure, written as JSON and as Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan

from dwcp.evaluation import Comparison, Gate, GateResult

__all__ = ["Part", "TrainingReport", "Verdict", "judge_promotion"]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the split: how many cases, in how many groups."""

    cases: int
    groups: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the learned policy may ship, and why."""

    promotable: bool
    why: str
    metric: str
    """The task's primary metric: the one of its first gate."""
    best_baseline: str
    """The baseline, or fallback, that is best on it; what ships when the model is not promotable."""


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What was trained, on what, and what it reached beside the rules. Holds no time of day."""

    task: str
    data: str
    data_fingerprint: str
    seed: int
    epochs: int
    split: Mapping[str, Part]
    """``train``, ``validation`` and ``test``; no group is in two."""
    learned: str
    """The learned policy's name in ``metrics``."""
    cost_unit: str
    metrics: Mapping[str, Mapping[str, float]]
    """Policy name to metric name to figure, all on the same held-out rows."""
    comparison: Comparison
    """The same policies on the same rows, with confidence intervals."""
    gates: tuple[GateResult, ...]
    verdict: Verdict
    fitted: Mapping[str, object]
    """What the learner says of its model."""
    model_bytes: int
    parity: float
    """Largest difference between trained model and export, as a share (see `dwcp.training.parity`)."""
    parity_rows: int
    libraries: Mapping[str, str]
    instruction_set: str

    @property
    def gates_met(self) -> bool:
        """Whether every gate is met."""
        return all(result.met for result in self.gates)

    def as_json(self) -> dict[str, object]:
        """The report as JSON values; NaN and infinities are left to the writer."""
        return asdict(self) | {"comparison": self.comparison.to_json(), "gates_met": self.gates_met}

    def as_markdown(self) -> str:
        """The same report to be read by people."""
        return "\n".join(_markdown(self)) + "\n"


def judge_promotion(
    gates: Sequence[Gate],
    metrics: Mapping[str, Mapping[str, float]],
    learned: str,
    baselines: Sequence[str],
) -> Verdict:
    """Compare the learned policy with the best baseline on the metric of the first gate.

    Args:
        gates: the task's gates; the first names the primary metric and its direction.
        metrics: policy name to metric name to figure, on the same rows.
        learned: the learned policy's name.
        baselines: names of the fallback and the baselines.
    """
    if not gates:
        return Verdict(False, "the task has no gate, so nothing says what better means", "", "")
    metric, sign = gates[0].metric, 1 if gates[0].direction == "at_least" else -1
    figures = {name: metrics[name].get(metric, float("nan")) for name in (*baselines, learned)}
    rivals = [name for name in baselines if not isnan(figures[name])]
    if not rivals:
        return Verdict(False, f"no baseline has the figure {metric}, so there is nothing to beat", metric, "")
    best = max(rivals, key=lambda name: sign * figures[name])
    own, other = figures[learned], figures[best]
    if sign * own > sign * other:
        why = f"{metric} is {own:.4g}, better than the best baseline's ({best}: {other:.4g})"
        return Verdict(True, why, metric, best)
    why = f"{metric} is {own:.4g}, not better than the best baseline's ({best}: {other:.4g}), which ships"
    return Verdict(False, why, metric, best)


def _markdown(report: TrainingReport) -> Iterator[str]:
    verdict = "**Promotable**" if report.verdict.promotable else "**Not promotable**"
    yield from (f"# Training report: {report.task}", "")
    yield from (f"{verdict}: {report.verdict.why}.", "")
    yield from (f"## Held-out rows (cost in {report.cost_unit})", "")
    yield from (report.comparison.to_markdown(), "## Gates", "")
    yield from (f"- {result.line()}: {result.gate.meaning}" for result in report.gates)
    yield from ("", "## Every figure", "")
    yield from _table(("metric", *report.metrics), _metric_rows(report.metrics))
    yield from ("## Split", "")
    yield from _table(("part", "cases", "groups"), [(n, p.cases, p.groups) for n, p in report.split.items()])
    yield from ("## Model", "")
    yield from _table(("fact", "value"), [*report.fitted.items(), *_facts(report)])


def _metric_rows(metrics: Mapping[str, Mapping[str, float]]) -> list[tuple[object, ...]]:
    names = dict.fromkeys(name for figures in metrics.values() for name in figures)
    return [(name, *(figures.get(name) for figures in metrics.values())) for name in names]


def _facts(report: TrainingReport) -> Iterator[tuple[str, object]]:
    yield "seed", report.seed
    yield "epochs", report.epochs
    yield "data fingerprint", report.data_fingerprint
    yield "model bytes", report.model_bytes
    yield f"parity over {report.parity_rows} rows", report.parity
    yield "instruction set", report.instruction_set
    yield from report.libraries.items()


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(_cell(value) for value in row) + " |"
    yield ""


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")
