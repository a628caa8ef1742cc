"""The page of a training: what the model reached beside the rules, on held-out groups."""

import math
from collections.abc import Iterator

from dwcp.cli.publishing import learned_name
from dwcp.evaluation import GateResult
from dwcp.evaluation.report import (
    Bar,
    BarChart,
    BarGroup,
    Facts,
    Heading,
    KeyFigure,
    KeyFigures,
    Report,
    Section,
)
from dwcp.registry import Draft

__all__ = ["page_of"]


def page_of(task: str, draft: Draft) -> Report:
    """The report's sections; `dwcp.evaluation.report.render` makes the page."""
    subtitle = f"The model beside the rules, on held-out groups. Data: {draft.data}."
    return Report(f"Training of {task}", subtitle, tuple(_sections(draft)))


def _sections(draft: Draft) -> Iterator[Section]:
    yield KeyFigures(tuple(map(_key_figure, draft.gates)))
    yield Heading("Beside the rules", "The same held-out decisions for all.")
    for result in draft.gates:
        chart = _chart(draft, result)
        if chart is not None:
            yield chart
    yield Heading("Model")
    libraries = ", ".join(f"{name} {number}" for name, number in draft.libraries.items())
    yield Facts((("Seed", str(draft.seed)), ("Libraries", libraries), ("Made on", draft.instruction_set)))


def _key_figure(result: GateResult) -> KeyFigure:
    figure = "missing" if result.figure is None else f"{result.figure:.4g}"
    note = f"{result.gate.meaning}; gate: {_limit(result)}"
    return KeyFigure(_words(result), figure, note, "good" if result.met else "bad")


def _chart(draft: Draft, result: GateResult) -> BarChart | None:
    """Every policy's figure of a gate; None where a bar cannot show it."""
    learned = learned_name(draft)
    found = {
        name: figures[result.gate.metric]
        for name, figures in draft.metrics.items()
        if result.gate.metric in figures
    }
    if not found or not all(0 <= value < math.inf for value in found.values()):
        return None
    bars = tuple(
        Bar(name, value, f"{value:.4g}", role="focus" if name == learned else "plain")
        for name, value in sorted(found.items(), key=lambda item: item[1])
    )
    subtitle = f"{result.gate.meaning}; {_limit(result)} is wanted."
    return BarChart(_words(result).capitalize(), subtitle, _words(result), (BarGroup("Held-out part", bars),))


def _limit(result: GateResult) -> str:
    sign = "at least" if result.gate.direction == "at_least" else "at most"
    return f"{sign} {result.gate.limit:g}"


def _words(result: GateResult) -> str:
    return result.gate.metric.replace("_", " ")
