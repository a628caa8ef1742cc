"""Random processes a link's capacity is a product of, each with the expectation of its next value.

Each can be forked: the fork goes on from the same state by other randomness, as one of the possible futures.

Every process draws the same number of variates at each step, from its own stream, so advancing by 10 and 20
steps gives what advancing by 30 gives. All factors but the regime's and cross traffic's have mean 1.
"""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dwcp.simulate.links.profiles import Regime

__all__ = ["Bursts", "Drift", "Factors", "Floats", "Handovers", "Regimes", "diurnal_factor"]

Floats = NDArray[np.float64]
"""One 64-bit number a step."""

PARETO_EXPONENT = 1.5
"""Tail of burst lengths: finite mean, infinite variance."""

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Factors:
    """A process over some steps.

    Attributes:
        value: the factor in each step, shape ``(steps,)``.
        expected_next: its expectation one step on, given everything up to the step, shape ``(steps,)``.
    """

    value: Floats
    expected_next: Floats


def diurnal_factor(time_s: Floats, depth: float, busiest_s: float) -> Floats:
    """Capacity left by the daily load: ``1 - depth`` at the busiest time of day, 1 at the quietest."""
    load = 0.5 * (1 + np.cos(2 * np.pi * (time_s - busiest_s) / DAY_S))
    return 1 - depth * load


class _Forking:
    """What has a state that is replaced and never changed, and randomness."""

    _rng: np.random.Generator

    def fork(self, rng: np.random.Generator) -> Self:
        """Another one in the same state, that goes on by this randomness."""
        made = copy.copy(self)
        made._rng = rng
        return made


class Drift(_Forking):
    """Log-Ornstein-Uhlenbeck factor with mean 1, sampled exactly.

    ``dx = -x / tau dt + sqrt(2 / tau) spread dW``; over a step x is multiplied by ``rho = exp(-step / tau)``
    and gains normal noise of variance ``spread^2 (1 - rho^2)`` (Uhlenbeck and Ornstein, 1930). A ``tau_s``
    of 0 gives independent steps.
    """

    def __init__(self, spread: float, tau_s: float, step_s: float, rng: np.random.Generator) -> None:
        self._spread = spread
        self._rho = math.exp(-step_s / tau_s) if tau_s > 0 else 0.0
        self._rng = rng
        self._x = spread * float(rng.standard_normal())

    def advance(self, steps: int) -> Factors:
        """The next ``steps`` values."""
        rho, noise = self._rho, self._spread * math.sqrt(1 - self._rho**2)
        x = self._x
        path = np.empty(steps)
        for index, shock in enumerate((noise * self._rng.standard_normal(steps)).tolist()):
            x = rho * x + shock
            path[index] = x
        self._x = x
        mean = self._spread**2 / 2
        return Factors(np.exp(path - mean), np.exp(rho * path + noise**2 / 2 - mean))


class Bursts(_Forking):
    """What on/off sources leave of the capacity, each taking its share of what the others left.

    Pauses are exponential, bursts Pareto: given the age of a burst, the chance that it goes on is
    ``((shortest + age) / (shortest + age + step)) ** 1.5`` (Lomax), so long bursts tend to go on.
    """

    def __init__(
        self, shares: Sequence[float], on_s: float, off_s: float, step_s: float, rng: np.random.Generator
    ) -> None:
        self._left = [1 - share for share in shares]
        self._on_s = on_s
        self._begin = 1 - math.exp(-step_s / off_s)
        self._step_s = step_s
        self._rng = rng
        self._age: list[float | None] = [None] * len(shares)

    def advance(self, steps: int) -> Factors:
        """The share left in each of the next steps."""
        value, expected = np.ones(steps), np.ones(steps)
        for index, lots in enumerate(self._rng.random((steps, len(self._left))).tolist()):
            self._age = [self._next_age(age, lot) for age, lot in zip(self._age, lots, strict=True)]
            for age, left in zip(self._age, self._left, strict=True):
                value[index] *= 1.0 if age is None else left
                expected[index] *= 1 - self._on_next(age) * (1 - left)
        return Factors(value, expected)

    def _on_next(self, age: float | None) -> float:
        """Chance that the source is on one step later."""
        if age is None:
            return self._begin
        lived = self._on_s + age
        return float((lived / (lived + self._step_s)) ** PARETO_EXPONENT)

    def _next_age(self, age: float | None, lot: float) -> float | None:
        if lot >= self._on_next(age):
            return None
        return 0.0 if age is None else age + self._step_s


class Regimes(_Forking):
    """A continuous-time Markov chain over the normal regime (index 0) and the interruptions."""

    def __init__(self, regimes: Sequence[Regime], step_s: float, rng: np.random.Generator) -> None:
        self.regimes = (Regime("normal", 1.0, math.inf, 1.0), *regimes)
        self._transition = _transition(self.regimes, step_s)
        self._cumulative = self._transition.cumsum(axis=1).tolist()
        self._rng = rng
        self._state = 0

    def advance(self, steps: int) -> tuple[NDArray[np.int64], Factors]:
        """Indices into ``regimes``, and the capacity factors."""
        states = np.empty(steps, np.int64)
        for index, lot in enumerate(self._rng.random(steps).tolist()):
            row = self._cumulative[self._state]
            self._state = next((state for state, edge in enumerate(row) if lot < edge), self._state)
            states[index] = self._state
        capacity = np.array([regime.capacity_factor for regime in self.regimes])
        return states, Factors(capacity[states], (self._transition @ capacity)[states])


class Handovers(_Forking):
    """A factor with mean 1 and a propagation offset that jump on a fixed grid of time."""

    def __init__(self, period_s: float, spread: float, step_s: float, rng: np.random.Generator) -> None:
        self._every = max(1, round(period_s / step_s)) if period_s > 0 else 0
        self._spread = spread
        self._rng = rng
        self._steps = 0
        self._current = self._draw()

    def advance(self, steps: int) -> tuple[Factors, Floats]:
        """Capacity factors, and propagation offsets in ms, never below -8 ms."""
        if not self._every:
            return Factors(np.ones(steps), np.ones(steps)), np.zeros(steps)
        value, expected, offset = np.empty(steps), np.empty(steps), np.empty(steps)
        for index in range(steps):
            if self._steps and self._steps % self._every == 0:
                self._current = self._draw()
            self._steps += 1
            value[index], offset[index] = self._current
            expected[index] = 1.0 if self._steps % self._every == 0 else self._current[0]
        return Factors(value, expected), offset

    def _draw(self) -> tuple[float, float]:
        first, second = self._rng.standard_normal(2).tolist()
        factor = math.exp(self._spread * first - self._spread**2 / 2)
        return factor, max(-8.0, 10 * self._spread * second)


def _transition(regimes: Sequence[Regime], step_s: float) -> Floats:
    """``exp(Q step)`` by scaling and squaring; row: from, column: to."""
    rates = np.zeros((len(regimes), len(regimes)))
    for index, regime in enumerate(regimes[1:], start=1):
        rates[0, index] = 1 / regime.enter_every_s
        rates[index, 0] = 1 / regime.dwell_s
    np.fill_diagonal(rates, -rates.sum(axis=1))
    squarings = max(10, math.ceil(math.log2(1 + np.abs(rates).max() * step_s)) + 10)
    small = np.eye(len(regimes)) + rates * step_s / 2**squarings
    chain: Floats = np.linalg.matrix_power(small, 2**squarings)
    return np.asarray(chain / chain.sum(axis=1, keepdims=True))
