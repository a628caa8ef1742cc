"""A gate: a number a model must reach, in the task's definition, checked by code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Gate", "GateResult", "check_gates"]


@dataclass(frozen=True, slots=True)
class Gate:
    """A figure that must reach a limit.

    Attributes:
        metric: key of the figure in the evaluation's metrics.
        limit: the number to reach, in the metric's own unit.
        direction: ``at_least`` or ``at_most``.
        meaning: one line for the report.
    """

    metric: str
    limit: float
    direction: Literal["at_least", "at_most"]
    meaning: str

    def check(self, figure: float | None) -> "GateResult":
        """Hold a figure against the gate; a missing or NaN figure is never met."""
        if figure is None or figure != figure:
            return GateResult(self, None, met=False)
        met = figure >= self.limit if self.direction == "at_least" else figure <= self.limit
        return GateResult(self, figure, met)


@dataclass(frozen=True, slots=True)
class GateResult:
    """A gate with the figure that was held against it."""

    gate: Gate
    figure: float | None
    met: bool

    def line(self) -> str:
        """One line: name, figure, gate, met or short."""
        sign = ">=" if self.gate.direction == "at_least" else "<="
        figure = "missing" if self.figure is None else f"{self.figure:.4g}"
        return (
            f"{self.gate.metric}: {figure} (gate {sign} {self.gate.limit:g}) {'met' if self.met else 'short'}"
        )


def check_gates(gates: Sequence[Gate], metrics: Mapping[str, float]) -> tuple[GateResult, ...]:
    """Hold every gate against the metrics, in order."""
    return tuple(gate.check(metrics.get(gate.metric)) for gate in gates)
