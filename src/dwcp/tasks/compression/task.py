"""The compression task, tied together.

What reads tables and makes examples is imported where it is used: Polars and pyarrow are a heavy load beside
a transfer, which only asks for hints.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dwcp.evaluation import Case, Gate, OraclePolicy, Policy, Replay, f1_by_margin, replay, summary
from dwcp.features.spec import InputSpec
from dwcp.task import Arrays, Graph, Learner, LearnerKind, OutputColumn, Verdict
from dwcp.tasks.compression import inputs
from dwcp.tasks.compression.contract import Action, Context, Host, Link, Outcome
from dwcp.tasks.compression.grid import over_grid
from dwcp.tasks.compression.measure import MeasuredBlock
from dwcp.tasks.compression.oracle import cost_s
from dwcp.tasks.compression.policy import LearnedPolicy
from dwcp.tasks.compression.rules import LadderPolicy, fixed

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NOISE", "TASK", "CompressionTask", "cases_of"]

CompressionCase = Case[Context, Action, Outcome]
CompressionPolicy = Policy[Context, Action, Outcome]

NOISE = 0.05
"""Margin, as a share of the oracle's cost, below which measuring noise may flip a label."""

_NOMINAL = Link(bandwidth_mbps=100.0)


class CompressionTask:
    """Which codec, at which level, with or without a reference."""

    name = "compression"
    kind = LearnerKind.BATCH
    cost_unit = "s"

    @property
    def input_spec(self) -> InputSpec:
        """What the graph is fed."""
        return inputs.SPEC

    @property
    def outputs(self) -> tuple[OutputColumn, ...]:
        """What the graph answers."""
        return inputs.OUTPUTS

    @property
    def gates(self) -> tuple[Gate, ...]:
        """What a selector must reach on held-out files over the grid of links."""
        return (
            Gate("mean_regret", 0.01, "at_most", "mean cost above the oracle's"),
            Gate("within_5pct", 0.98, "at_least", "decisions within 5% of the oracle's cost"),
            Gate("macro_f1_beyond_noise", 0.95, "at_least", "F1 where the margin exceeds noise"),
            Gate("least_gain_over_zstd_3", 0.10, "at_least", "least share of zstd-3's time saved"),
            Gate("least_gain_over_fallback", 0.0, "at_least", "least share of the fallback's time saved"),
        )

    def arrays(self, contexts: Sequence[Context]) -> Arrays:
        """Contexts as the raw arrays of the input specification."""
        return inputs.arrays(contexts)

    def cost(self, context: Context, outcome: Outcome) -> float:
        """Seconds; see `cost_s`."""
        return cost_s(context, outcome)

    def verdict(self, context: Context, action: Action, outcome: Outcome) -> Verdict:  # noqa: ARG002
        """Plain bytes a second of cost; whether another action had been better, an outcome cannot tell."""
        took_s = cost_s(context, outcome)
        return Verdict(throughput_mbps=context.facts.block_bytes * 8e-6 / took_s if took_s > 0 else None)

    def admissible(self, context: Context, action: Action) -> bool:
        """Whether the action can be carried out under this context."""
        return context.admissible(action)

    def fallback(self) -> CompressionPolicy:
        """The ladder."""
        return LadderPolicy()

    def baselines(self) -> tuple[CompressionPolicy, ...]:
        """Fixed levels that people choose by hand."""
        return tuple(fixed(name) for name in ("none", "lz4", "zstd-1", "zstd-3", "zstd-9"))

    def oracle(self) -> CompressionPolicy:
        """The cheapest of what was measured."""
        return OraclePolicy[Context, Action, Outcome](cost_s)

    def learned(self, graph: Graph) -> CompressionPolicy:
        """The selector."""
        return LearnedPolicy(graph)

    def learner(self) -> Learner:
        """The learner; imports the training libraries."""
        from dwcp.tasks.compression.model import CompressionLearner
        from dwcp.training.extra import training_extra

        with training_extra():
            return CompressionLearner()

    def cases(self, table: Path) -> list[CompressionCase]:
        """One case a measured block, seen as deeply as can be, on a nominal link."""
        from dwcp.tasks.compression.table import read_table

        return cases_of(read_table(table))

    def judged(self, cases: Sequence[CompressionCase]) -> list[CompressionCase]:
        """Every block on every link of the grid, under both timed cost models."""
        return over_grid(cases)

    def examples(self, count: int, seed: int) -> list[CompressionCase]:
        """Simulated blocks on simulated links."""
        from dwcp.tasks.compression.examples import simulated_blocks

        rng = np.random.default_rng(seed)
        return cases_of(simulated_blocks(count, rng))

    def metrics(
        self, cases: Sequence[CompressionCase], policy: CompressionPolicy, seed: int
    ) -> Mapping[str, float]:
        """Figures over judged cases; gains are the least over the points of the grid."""
        done = replay(cases, policy, cost_s, seed)
        against = {rule.name: replay(cases, rule, cost_s, seed) for rule in (fixed("zstd-3"), LadderPolicy())}
        points = [f"{c.context.objective.cost_model} {c.context.link.bandwidth_mbps:g}" for c in cases]
        return {
            **summary(done),
            "macro_f1_beyond_noise": f1_by_margin(done, (NOISE,))[0].macro_f1,
            "least_gain_over_zstd_3": _least_gain(done, against["zstd-3"], points),
            "least_gain_over_fallback": _least_gain(done, against["fallback"], points),
        }

    def card(self) -> str:
        """The model card."""
        return files(__package__).joinpath("card.md").read_text(encoding="utf-8")


def cases_of(blocks: "Iterable[MeasuredBlock]") -> list[CompressionCase]:
    """Measured blocks as cases on a nominal link; blocks of a file follow each other in time."""
    return [
        Case(
            Context(block.facts, _NOMINAL, Host(speed=block.speed), flow=block.file),
            block.outcomes,
            block.family,
            float(block.offset_bytes),
        )
        for block in blocks
    ]


def _least_gain(done: Replay[Action], other: Replay[Action], points: Sequence[str]) -> float:
    """The least share of the other's total time saved at any point of the grid."""
    at = np.array(points)
    gains = [1 - done.cost[at == point].sum() / other.cost[at == point].sum() for point in np.unique(at)]
    return float(min(gains))


TASK = CompressionTask()
"""What `dwcp.tasks.discover` finds."""
