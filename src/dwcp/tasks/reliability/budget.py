"""The error budget: failures over what the objective allows.

Source: Beyer et al., "The Site Reliability Workbook", chapter 5 (burn rates over a short and a long window).
"""

from collections.abc import Sequence

from dwcp.tasks.reliability.contract import STEPS, Budget, Context, Sample

__all__ = ["budget"]

_SHORT = 5
_LEAST_ALLOWED = 1e-6


def budget(context: Context) -> Budget:
    """Burn rates of the context's window under its objective; 0 where no error rate was measured."""
    allowed = min(max(1.0 - context.objective, _LEAST_ALLOWED), 1.0)
    return Budget(*(_mean_error(context.steps[-steps:]) / allowed for steps in (_SHORT, STEPS)))


def _mean_error(steps: Sequence[Sample]) -> float:
    known = [min(step.error_rate, 1.0) for step in steps if step.error_rate is not None]
    return sum(known) / len(known) if known else 0.0
