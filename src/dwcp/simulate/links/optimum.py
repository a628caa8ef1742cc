"""The best that any forecast of a simulated link can be: made from the generator's whole state.

From the state at a moment many futures are drawn. The median of what they carry has the least expected
absolute error there is, and its quantiles are the narrowest interval that holds as often as it says; a
forecast that sees measurements alone can only be worse. What this optimum is off by is the noise that no
model will ever explain.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dwcp.errors import InputError
from dwcp.simulate.links.processes import Floats
from dwcp.simulate.links.simulator import LinkSimulator
from dwcp.simulate.links.trace import LinkTrace, join_traces

__all__ = ["Optimum", "simulate_with_optimum"]

_QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """Forecasts of bandwidth by the generator itself, in Mbit/s; columns are the 5, 50 and 95% quantiles.

    Attributes:
        at: index of the last step before each forecast, shape ``(moments,)``.
        next_step: of the step after it, shape ``(moments, 3)``.
        horizon: of the mean of the steps after it, shape ``(moments, 3)``.
        horizon_steps: how many those are.
    """

    at: NDArray[np.int64]
    next_step: Floats
    horizon: Floats
    horizon_steps: int


def simulate_with_optimum(
    simulator: LinkSimulator,
    moments: int,
    every: int,
    rng: np.random.Generator,
    horizon_steps: int = 5,
    futures: int = 200,
) -> tuple[LinkTrace, Optimum]:
    """Let a link go on, and say every so many steps what the best forecast would be.

    Args:
        simulator: the link; it goes on as it would without being asked.
        moments: how many forecasts.
        every: steps from one to the next, at least ``horizon_steps``, so that each has come true in the end.
        rng: source of randomness of the futures.
        horizon_steps: steps of the longer forecast.
        futures: how many are drawn for each forecast; with 200 its error is within a percent or so of the
            least.

    Raises:
        InputError: a count is below 1, or forecasts would reach beyond the end.
    """
    if min(moments, horizon_steps, futures) < 1 or every < horizon_steps:
        raise InputError(
            f"an optimum takes one moment and future or more, and at least as many steps between moments as "
            f"the horizon has: not {moments} and {futures}, and {every} steps for {horizon_steps}"
        )
    traces, quantiles = [], []
    for _ in range(moments):
        traces.append(simulator.advance(every))
        drawn = simulator.futures(futures, horizon_steps, rng)
        quantiles.append(np.quantile(np.stack([drawn[:, 0], drawn.mean(axis=1)]), _QUANTILES, axis=1).T)
    traces.append(simulator.advance(horizon_steps))
    found = np.array(quantiles)
    at = np.arange(1, moments + 1, dtype=np.int64) * every - 1
    return join_traces(traces), Optimum(at, found[:, 0], found[:, 1], horizon_steps)
