"""The page of an evaluation: key figures, policies side by side, charts, where it went wrong."""

from collections.abc import Iterator

import numpy as np

from dwcp.cli.judging import Judgement
from dwcp.evaluation import disagreements, regrets
from dwcp.evaluation.report import (
    Axis,
    Bar,
    BarChart,
    BarGroup,
    Column,
    Facts,
    Heading,
    KeyFigure,
    KeyFigures,
    LineChart,
    Point,
    Report,
    Section,
    Series,
    Table,
    comparison_table,
)
from dwcp.evaluation.report.sections import Role

__all__ = ["page_of"]

_TOLERANCES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_WORST = 12


def page_of(judgement: Judgement) -> Report:
    """The report's sections; `dwcp.evaluation.report.render` makes the page."""
    ref = judgement.artifact.ref
    return Report(
        f"Evaluation of {ref.task} {ref.version}",
        f"Beside the rules and the oracle. Data: {judgement.data}.",
        tuple(_sections(judgement)),
    )


def _sections(judgement: Judgement) -> Iterator[Section]:
    yield KeyFigures(tuple(_gate_figures(judgement)))
    yield Heading("Policies side by side", "The same decisions for all, with 95 % intervals over groups.")
    yield comparison_table(judgement.comparison, (judgement.learned,))
    yield _cost_chart(judgement)
    yield _tolerance_chart(judgement)
    yield Heading("Where it went wrong", "Cheapest and chosen where they differ, the dearest first.")
    yield _wrong_table(judgement)
    yield Heading("Model")
    yield _facts(judgement)


def _gate_figures(judgement: Judgement) -> Iterator[KeyFigure]:
    for result in judgement.gates:
        sign = "at least" if result.gate.direction == "at_least" else "at most"
        figure = "missing" if result.figure is None else f"{result.figure:.4g}"
        note = f"{result.gate.meaning}; gate: {sign} {result.gate.limit:g}"
        yield KeyFigure(result.gate.metric.replace("_", " "), figure, note, "good" if result.met else "bad")


def _cost_chart(judgement: Judgement) -> BarChart:
    unit = next(metric.unit for metric in judgement.comparison.metrics if metric.key == "total_cost")
    bars = tuple(
        Bar(name, total := float(done.cost.sum()), f"{total:,.4g} {unit}", role=_role(judgement, name))
        for name, done in judgement.replays.items()
    )
    return BarChart(
        "Total cost of every decision",
        "Shorter is better; the oracle knows the outcomes and cannot be beaten.",
        unit,
        (BarGroup("All decisions", bars),),
    )


def _role(judgement: Judgement, name: str) -> Role:
    return "focus" if name == judgement.learned else "bound" if name == judgement.oracle else "plain"


def _tolerance_chart(judgement: Judgement) -> LineChart:
    shown = dict.fromkeys((judgement.learned, "fallback", judgement.best_rule))
    series = []
    for name in shown:
        if name in judgement.replays:
            regret = regrets(judgement.replays[name])
            points = (Point(100 * t, 100 * float(np.mean(regret <= t))) for t in _TOLERANCES)
            series.append(Series(name, tuple(points)))
    return LineChart(
        "How near the oracle decisions come",
        "Share of decisions that cost at most so much more than the oracle's.",
        Axis("above the oracle's cost (%)", "log"),
        Axis("share of decisions (%)"),
        tuple(series),
    )


def _wrong_table(judgement: Judgement) -> Table:
    done = judgement.replays[judgement.learned]
    extra = float((done.cost - done.oracle_cost).sum())
    rows = tuple(
        (
            str(found.best),
            str(found.chosen),
            f"{found.decisions:,}",
            f"{100 * found.extra_cost / extra:.1f} %" if extra > 0 else "–",
        )
        for found in disagreements(done)[:_WORST]
    )
    columns = (
        Column("Cheapest", "text"),
        Column("Chosen", "text"),
        Column("Decisions"),
        Column("Of the regret"),
    )
    return Table(f"Disagreements of {judgement.learned}. Data: {judgement.data}", columns, rows)


def _facts(judgement: Judgement) -> Facts:
    manifest = judgement.artifact.manifest
    libraries = ", ".join(f"{name} {number}" for name, number in manifest.libraries.items())
    return Facts(
        (
            ("Version", manifest.version),
            ("Digest", judgement.artifact.ref.digest),
            ("Inputs", manifest.fingerprint),
            ("Trained on", manifest.data),
            ("Seed", str(manifest.seed)),
            ("Libraries", libraries),
            ("Made on", manifest.instruction_set),
        )
    )
