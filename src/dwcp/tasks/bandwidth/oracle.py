"""What a forecast costs, and every outcome that a recorded moment could have had."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dwcp.tasks.bandwidth.contract import Action, Context, Outcome, Quantiles, Step
from dwcp.tasks.bandwidth.rules import other_figures
from dwcp.tasks.bandwidth.series import usable

__all__ = ["Outcomes", "cost_log", "truths"]

_LEAST_ERROR = 0.01
_MOST_ERROR = 5.0
_FLOOR_MBPS = 1e-3
_UNMEASURED = 0.0


def truths(steps: tuple[Step, ...]) -> tuple[float | None, float | None]:
    """Throughput of the next step, and mean of all; None where the application limited it, or unmeasured."""
    known = [None if step.app_limited else usable(step) for step in steps]
    measured = [mbps for mbps in known if mbps is not None]
    return (
        known[0] if known else None,
        sum(measured) / len(measured) if measured and len(measured) == len(known) else None,
    )


def cost_log(context: Context, outcome: Outcome) -> float:  # noqa: ARG001
    """Mean error of the two medians, as the absolute logarithm of truth over forecast.

    An error below one percent counts as one: nobody measures throughput better. One above 5, a factor of
    150, counts as 5. What was not measured costs nothing more.
    """
    if outcome.forecast is None:
        return _MOST_ERROR
    told = outcome.forecast.next_step.mid, outcome.forecast.horizon.mid
    errors = [
        min(abs(math.log((truth + _FLOOR_MBPS) / (mid + _FLOOR_MBPS))), _MOST_ERROR)
        for truth, mid in zip(truths(outcome.steps), told, strict=True)
        if truth is not None
    ]
    return max(_LEAST_ERROR, sum(errors) / len(errors)) if errors else _LEAST_ERROR


@dataclass(frozen=True, slots=True)
class Outcomes(Mapping[Action, Outcome]):
    """The outcome of any forecast at all; the one that says what came is the one listed.

    Attributes:
        context: of the forecast.
        steps: what was measured after it.
    """

    context: Context
    steps: tuple[Step, ...]

    def __getitem__(self, action: Action) -> Outcome:
        if not isinstance(action, Action):
            raise KeyError(action)
        return Outcome(self.steps, action)

    def __iter__(self) -> Iterator[Action]:
        told = [Quantiles(mbps, mbps, mbps) for mbps in (t or _UNMEASURED for t in truths(self.steps))]
        yield Action(told[0], told[1], 1.0, *other_figures(Context(self.steps[:1], 1.0, 0.0)))

    def __len__(self) -> int:
        return 1
