"""Whether the regret has risen: the Page-Hinkley test on the means of blocks of outcomes.

E. S. Page, "Continuous Inspection Schemes" (Biometrika, 1954), and D. V. Hinkley, "Inference about the
change-point from cumulative sum tests" (Biometrika, 1971); as a detector of drift in Gama et al., "A Survey
on Concept Drift Adaptation" (ACM Computing Surveys, 2014). Regrets are skewed and of any unit, so they are
taken as means of blocks, which are near to normal, in deviations from the running mean of the blocks before,
in their running standard deviation::

    sum = max(0, sum + z - 0.5)        alarm at sum > 15

so that a lasting rise by a standard deviation of *block means*, about a fifth of one of single regrets, is
found within some dozens of blocks. It tells of rises alone. Once raised, it stands until somebody clears it:
the regret that has become usual is no better for it.
"""

import math
from threading import Lock

from dwcp.errors import InputError
from dwcp.evaluation.policy import State
from dwcp.safety.drift.level import DriftLevel

__all__ = ["RegretDetector"]

_SLACK, _ALARM = 0.5, 15.0
_LARGEST = 4.0
"""Deviations that one block counts for at most: a single freak is no drift."""


class RegretDetector:
    """Takes in regrets one by one. Its threads may share it.

    Args:
        block: regrets averaged into one block.
        least_blocks: that must be learned from before a verdict.

    Raises:
        InputError: fewer than one regret a block or two blocks.
    """

    def __init__(self, block: int = 32, least_blocks: int = 40) -> None:
        if block < 1 or least_blocks < 2:
            raise InputError("a regret detector takes blocks of one or more, and two blocks or more")
        self._block, self._least_blocks = block, least_blocks
        self._lock = Lock()
        self._waiting = self._blocks = 0
        self._total = self._mean = self._squares = self._sum = 0.0
        self._raised = False

    @property
    def regrets(self) -> int:
        """Taken in since it was made or cleared."""
        return self._blocks * self._block + self._waiting

    @property
    def mean(self) -> float:
        """Mean of the blocks; 0 before the first."""
        return self._mean

    @property
    def score(self) -> float:
        """From 0, nothing, to 1 and above, an alarm."""
        return self._sum / _ALARM

    @property
    def level(self) -> DriftLevel:
        """What is told of it now."""
        if self._raised:
            return DriftLevel.DRIFT
        if self._blocks < self._least_blocks:
            return DriftLevel.TOO_LITTLE
        return DriftLevel.WATCH if self.score > 0.5 else DriftLevel.NONE

    def update(self, regret: float) -> None:
        """Take in a regret; one that is no finite number is passed over."""
        if not math.isfinite(regret):
            return
        with self._lock:
            self._waiting += 1
            self._total += regret
            if self._waiting == self._block:
                value = self._total / self._block
                self._waiting, self._total = 0, 0.0
                self._take(value)

    def clear(self) -> None:
        """Begin anew: another model serves, or what is usual has changed for good."""
        with self._lock:
            self._waiting = self._blocks = 0
            self._total = self._mean = self._squares = self._sum = 0.0
            self._raised = False

    def snapshot(self) -> State:
        """What it remembers, as JSON values."""
        with self._lock:
            return {
                "waiting": self._waiting,
                "total": self._total,
                "blocks": self._blocks,
                "mean": self._mean,
                "squares": self._squares,
                "sum": self._sum,
                "raised": self._raised,
            }

    def restore(self, state: State) -> None:
        """Continue from a snapshot.

        Raises:
            InputError: it is none of a detector's; it is as it was.
        """
        try:
            numbers = {name: _number(state[name]) for name in ("total", "mean", "squares", "sum")}
            waiting, blocks = int(_number(state["waiting"])), int(_number(state["blocks"]))
            raised = bool(state["raised"])
        except (KeyError, ValueError) as error:
            raise InputError(
                f"a regret detector's saved state cannot be used ({error}); delete it"
            ) from error
        with self._lock:
            self._waiting, self._blocks, self._raised = waiting, blocks, raised
            self._total, self._mean = numbers["total"], numbers["mean"]
            self._squares, self._sum = numbers["squares"], numbers["sum"]

    def _take(self, value: float) -> None:
        if self._blocks >= self._least_blocks:
            self._sum = max(0.0, self._sum + self._deviations(value) - _SLACK)
            self._raised = self._raised or self._sum > _ALARM
        # Welford's update: the mean and the squared deviations of all blocks so far.
        self._blocks += 1
        step = value - self._mean
        self._mean += step / self._blocks
        self._squares += step * (value - self._mean)

    def _deviations(self, value: float) -> float:
        deviation, rise = math.sqrt(self._squares / (self._blocks - 1)), value - self._mean
        if not deviation:
            return _LARGEST if rise > 0 else 0.0
        return min(rise / deviation, _LARGEST)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)
