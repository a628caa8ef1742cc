"""Asking for a forecast of the link, and doing without."""

import math
from itertools import pairwise

from dwcp.serving import Advisor
from dwcp.tasks.bandwidth.contract import Action, Context, Quantiles, Step

__all__ = ["believed", "forecast", "own_forecast"]

_MOST_MBPS = 1e7
"""Nothing carries more than 10 Tbit/s."""
_MOST_TIMES = 100.0
"""A forecast of more than a hundred times what was ever measured is absurd."""
_NEWS = 0.3
"""Weight of the latest step in the own forecast, which is then of the last six or so."""
_RECENT = 10
"""Steps whose least and greatest are the own forecast's quantiles: of ten, about 9% and 91%."""


def forecast(advisor: Advisor | None, context: Context) -> Quantiles | None:
    """The mean throughput of the next steps, in Mbit/s.

    The advisor's answer where it can be believed, else `own_forecast`.

    Args:
        advisor: whom to ask; None for nobody.
        context: what was measured.

    Returns:
        None where nobody knows anything: there are no measurements either.
    """
    action = believed(advisor, context)
    return own_forecast(context.steps) if action is None else action.horizon


def believed(advisor: Advisor | None, context: Context) -> Action | None:
    """The advisor's answer if it makes sense: finite, not negative, in order, not absurd.

    Where nothing was measured it must also claim to know something: what an advisor without any confidence
    then says is a guess at links in general, and what earlier transfers knew of this one is better.

    Args:
        advisor: whom to ask; None for nobody.
        context: what was measured.

    Returns:
        None where there is no such answer.
    """
    action = None if advisor is None else advisor.ask("bandwidth", context).action
    if not isinstance(action, Action) or not _makes_sense(action.horizon, context.steps):
        return None
    is_measured = any(step.throughput_mbps is not None for step in context.steps)
    return action if is_measured or _is_sure(action.confidence) else None


def own_forecast(steps: tuple[Step, ...]) -> Quantiles | None:
    """An exponentially weighted mean of what was measured, between the least and the greatest of ten steps.

    Returns:
        None where nothing was measured.
    """
    measured = [step for step in steps if step.throughput_mbps is not None]
    carried = [step.throughput_mbps or 0.0 for step in measured if not step.app_limited]
    if not carried:
        least = max((step.throughput_mbps or 0.0 for step in measured), default=None)
        return None if least is None else Quantiles(least, least, least)
    mid = carried[0]
    for mbps in carried[1:]:
        mid += _NEWS * (mbps - mid)
    recent = [mid, *carried[-_RECENT:]]
    return Quantiles(min(recent), mid, max(recent))


def _makes_sense(told: object, steps: tuple[Step, ...]) -> bool:
    if not isinstance(told, Quantiles):
        return False
    numbers = (told.low, told.mid, told.high)
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
        return False
    greatest = max((step.throughput_mbps or 0.0 for step in steps), default=0.0)
    most = min(_MOST_MBPS, greatest * _MOST_TIMES) if greatest else _MOST_MBPS
    return numbers[0] >= 0 and all(low <= high for low, high in pairwise((*numbers, most)))


def _is_sure(confidence: object) -> bool:
    return isinstance(confidence, int | float) and 0 < confidence <= 1
