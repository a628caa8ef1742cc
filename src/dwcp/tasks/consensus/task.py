"""The consensus task, tied together."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from dwcp.evaluation.gates import Gate
from dwcp.evaluation.oracle import OraclePolicy
from dwcp.evaluation.policy import Policy
from dwcp.evaluation.replay import replay
from dwcp.features.spec import InputSpec
from dwcp.task import Arrays, Graph, Learner, LearnerKind, OutputColumn, Verdict
from dwcp.tasks.consensus import figures, inputs
from dwcp.tasks.consensus.contract import Action, Context, Outcome
from dwcp.tasks.consensus.oracle import cost_rows
from dwcp.tasks.consensus.policy import DetectorPolicy
from dwcp.tasks.consensus.rules import RandomPolicy, RulePolicy, hard_ratio, pca_residual, robust_z
from dwcp.tasks.consensus.series import ConsensusCase

__all__ = ["TASK", "ConsensusTask"]

ConsensusPolicy = Policy[Context, Action, Outcome]


class ConsensusTask:
    """Whether a consensus group is failing."""

    name = "consensus"
    kind = LearnerKind.BATCH
    cost_unit = "rows"

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
        """What a detector must reach on time, clusters or groups it never saw."""
        return (
            Gate(
                "recall_at_5pct_fpr", 0.98, "at_least", "fault seconds found where 5% of others are flagged"
            ),
            Gate("accuracy", 0.98, "at_least", "seconds flagged as labelled, at the threshold that ships"),
            Gate("recall", 0.98, "at_least", "fault seconds flagged at that threshold"),
            Gate("fpr", 0.05, "at_most", "other seconds flagged at that threshold"),
            Gate("event_recall", 1.0, "at_least", "faults visible to clients that raised an alarm"),
            Gate("median_delay_s", 3.0, "at_most", "from the beginning of a fault to the alarm"),
            Gate("false_episodes_per_hour", 1.0, "at_most", "alarms outside faults and recoveries"),
        )

    def arrays(self, contexts: Sequence[Context]) -> Arrays:
        """Contexts as the raw arrays of the input specification."""
        return inputs.arrays(contexts)

    def cost(self, context: Context, outcome: Outcome) -> float:
        """Seconds flagged wrongly or not at all; see `cost_rows`."""
        return cost_rows(context, outcome)

    def verdict(self, context: Context, action: Action, outcome: Outcome) -> Verdict:  # noqa: ARG002
        """Right where a flag stands in a fault and none where all was well; nothing where nobody can tell."""
        if outcome.kind not in ("quiet", "benign", "fault"):
            return Verdict()
        wrong = action.anomalous != (outcome.kind == "fault")
        return Verdict(not wrong, float(wrong))

    def admissible(self, context: Context, action: Action) -> bool:  # noqa: ARG002
        """Whether the probability is one."""
        return 0.0 <= action.probability <= 1.0

    def fallback(self) -> ConsensusPolicy:
        """Hard rules."""
        return RulePolicy("fallback", hard_ratio)

    def baselines(self) -> tuple[ConsensusPolicy, ...]:
        """What needs no training: deviations from the usual, principal components, and chance."""
        return RulePolicy("robust-z", robust_z), RulePolicy("pca", pca_residual), RandomPolicy()

    def oracle(self) -> ConsensusPolicy:
        """The labels."""
        return OraclePolicy[Context, Action, Outcome](cost_rows)

    def learned(self, graph: Graph) -> ConsensusPolicy:
        """The detector."""
        return DetectorPolicy(graph)

    def learner(self) -> Learner:
        """The learner; imports the training libraries."""
        from dwcp.training.extra import training_extra

        with training_extra():
            from dwcp.tasks.consensus.model import ConsensusLearner

            return ConsensusLearner()

    def cases(self, table: Path) -> list[ConsensusCase]:
        """Every second of a recording; the table is its ``cluster.csv``, compressed or not.

        Raises:
            InputError: a file is missing or cannot be read.
            SchemaError: it is no recording, or no fault in it was visible to a client.
        """
        from dwcp.tasks.consensus.recorded import recorded_cases

        return recorded_cases(table)

    def judged(self, cases: Sequence[ConsensusCase]) -> Sequence[ConsensusCase]:
        """Themselves."""
        return cases

    def examples(self, count: int, seed: int) -> list[ConsensusCase]:
        """Simulated groups."""
        from dwcp.tasks.consensus.examples import simulated_cases

        return simulated_cases(count, seed)

    def metrics(
        self, cases: Sequence[ConsensusCase], policy: ConsensusPolicy, seed: int
    ) -> Mapping[str, float]:
        """Figures over whole groups."""
        done = replay(cases, policy, cost_rows, seed)
        return {"mean_cost_rows": float(done.cost.mean()), **figures.figures(cases, done.chosen)}

    def card(self) -> str:
        """The model card."""
        return files(__package__).joinpath("card.md").read_text(encoding="utf-8")


TASK = ConsensusTask()
"""What `dwcp.tasks.discover` finds."""
