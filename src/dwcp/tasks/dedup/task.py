"""The dedup task, tied together."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from dwcp.errors import SchemaError, TrainingError
from dwcp.evaluation.gates import Gate
from dwcp.evaluation.oracle import OraclePolicy
from dwcp.evaluation.policy import Case, Policy
from dwcp.evaluation.replay import replay
from dwcp.features.spec import InputSpec
from dwcp.task import Arrays, Graph, Learner, LearnerKind, OutputColumn
from dwcp.tasks.dedup import inputs, rules
from dwcp.tasks.dedup.contract import Action, Context, Outcome
from dwcp.tasks.dedup.oracle import cost_bytes

__all__ = ["TASK", "DedupTask"]

DedupCase = Case[Context, Action, Outcome]
DedupPolicy = Policy[Context, Action, Outcome]

_NO_GRAPH = "dedup is an index, which learns what a store holds; there is nothing to train"


class DedupTask:
    """Which similar block to store a block against, if any."""

    name = "dedup"
    kind = LearnerKind.INDEX
    cost_unit = "B"

    @property
    def input_spec(self) -> InputSpec:
        """What a ranker is fed."""
        return inputs.SPEC

    @property
    def outputs(self) -> tuple[OutputColumn, ...]:
        """Nothing: there is no graph."""
        return ()

    @property
    def gates(self) -> tuple[Gate, ...]:
        """What a policy must reach on versions that it does not know."""
        return (
            Gate("mean_regret", 0.05, "at_most", "mean cost above the oracle's"),
            Gate(
                "useless_share", 0.05, "at_most", "deltas that were not worth making, of all that were made"
            ),
        )

    def arrays(self, contexts: Sequence[Context]) -> Arrays:
        """Contexts as the raw arrays of the input specification."""
        return inputs.arrays(contexts)

    def cost(self, context: Context, outcome: Outcome) -> float:
        """Bytes; see `cost_bytes`."""
        return cost_bytes(context, outcome)

    def admissible(self, context: Context, action: Action) -> bool:
        """Whether the action can be carried out under this context."""
        return context.admissible(action)

    def fallback(self) -> DedupPolicy:
        """The first candidates that share enough."""
        return rules.fallback()

    def baselines(self) -> tuple[DedupPolicy, ...]:
        """Simple rules."""
        return rules.simple_rules()

    def oracle(self) -> DedupPolicy:
        """The cheapest of what was measured."""
        return OraclePolicy[Context, Action, Outcome](cost_bytes)

    def learned(self, graph: Graph) -> DedupPolicy:  # noqa: ARG002
        """There is no graph.

        Raises:
            TrainingError: always.
        """
        raise TrainingError(_NO_GRAPH)

    def learner(self) -> Learner:
        """There is no graph.

        Raises:
            TrainingError: always.
        """
        raise TrainingError(_NO_GRAPH)

    def cases(self, table: Path) -> list[DedupCase]:
        """There are no tables: blocks are measured where versions of files are.

        Raises:
            SchemaError: always.
        """
        raise SchemaError(f"{table} cannot be read: similar blocks are judged by the benchmark dedup-index")

    def judged(self, cases: Sequence[DedupCase]) -> Sequence[DedupCase]:
        """Themselves."""
        return cases

    def examples(self, count: int, seed: int) -> list[DedupCase]:
        """Made-up blocks in versions."""
        from dwcp.tasks.dedup.examples import simulated_cases

        return simulated_cases(count, seed)

    def metrics(self, cases: Sequence[DedupCase], policy: DedupPolicy, seed: int) -> Mapping[str, float]:
        """Figures over judged cases."""
        done = replay(cases, policy, cost_bytes, seed)
        outcomes = [case.outcomes[action] for case, action in zip(cases, done.chosen, strict=True)]
        tried = sum(outcome.tried for outcome in outcomes)
        alone_bytes = sum(outcome.alone_bytes for outcome in outcomes)
        return {
            "mean_regret": float(done.cost.sum() / done.oracle_cost.sum() - 1),
            "saved_share": 1 - sum(outcome.stored_bytes for outcome in outcomes) / alone_bytes,
            "useless_share": sum(outcome.useless for outcome in outcomes) / max(1, tried),
            "trials_a_block": tried / len(cases),
        }

    def card(self) -> str:
        """The card."""
        return files(__package__).joinpath("card.md").read_text(encoding="utf-8")


TASK = DedupTask()
"""What `dwcp.tasks.discover` finds."""
