"""Verdicts, added up."""

import math

from msgspec import Struct

from dwcp.task import Verdict

__all__ = ["Tally", "gain_pct"]


class Tally(Struct):
    """Verdicts, added up; each tells only some of the figures.

    Attributes:
        judged: verdicts that said whether the answer was right.
        correct: how many of those were.
        regrets: verdicts that told the regret.
        regret_sum: of those, in the task's cost unit.
        moved: verdicts that told a throughput.
        moved_sum_mbps: of those.
    """

    judged: int = 0
    correct: int = 0
    regrets: int = 0
    regret_sum: float = 0.0
    moved: int = 0
    moved_sum_mbps: float = 0.0

    @property
    def accuracy(self) -> float | None:
        """Share of answers that were right; None where none was judged."""
        return self.correct / self.judged if self.judged else None

    @property
    def regret(self) -> float | None:
        """Mean regret; None where none was told."""
        return self.regret_sum / self.regrets if self.regrets else None

    @property
    def throughput_mbps(self) -> float | None:
        """Mean throughput; None where none was told."""
        return self.moved_sum_mbps / self.moved if self.moved else None

    def add(self, verdict: Verdict) -> None:
        """One more; a figure that is not finite is none."""
        if verdict.correct is not None:
            self.judged += 1
            self.correct += verdict.correct
        if verdict.regret is not None and math.isfinite(verdict.regret):
            self.regrets += 1
            self.regret_sum += verdict.regret
        if verdict.throughput_mbps is not None and math.isfinite(verdict.throughput_mbps):
            self.moved += 1
            self.moved_sum_mbps += verdict.throughput_mbps

    def merge(self, other: "Tally") -> None:
        """Add all of another one."""
        self.judged += other.judged
        self.correct += other.correct
        self.regrets += other.regrets
        self.regret_sum += other.regret_sum
        self.moved += other.moved
        self.moved_sum_mbps += other.moved_sum_mbps


def gain_pct(model: Tally, control: Tally) -> float | None:
    """How much more was moved by the model's answers than by the rule's, in percent; None where unknown."""
    ours, theirs = model.throughput_mbps, control.throughput_mbps
    return None if ours is None or not theirs else 100.0 * (ours / theirs - 1.0)
