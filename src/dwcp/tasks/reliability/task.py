"""The reliability task, tied together."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from dwcp.evaluation.gates import Gate
from dwcp.evaluation.oracle import OraclePolicy
from dwcp.evaluation.policy import Policy
from dwcp.evaluation.replay import replay
from dwcp.features.spec import InputSpec
from dwcp.task import Arrays, Graph, Learner, LearnerKind, OutputColumn, Verdict
from dwcp.tasks.reliability import figures, inputs
from dwcp.tasks.reliability.contract import Action, Context, Outcome
from dwcp.tasks.reliability.oracle import cost_rows
from dwcp.tasks.reliability.policy import DetectorPolicy
from dwcp.tasks.reliability.rules import RandomPolicy, RulePolicy, limits_ratio, pca_residual, robust_z
from dwcp.tasks.reliability.series import ReliabilityCase

__all__ = ["TASK", "ReliabilityTask"]

ReliabilityPolicy = Policy[Context, Action, Outcome]


class ReliabilityTask:
    """Whether a node is failing."""

    name = "reliability"
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
        """What a detector must reach on fleets it never saw."""
        return (
            Gate("pr_auc", 0.90, "at_least", "area under precision and recall of rows, nothing adjusted"),
            Gate("recall_at_5pct_fpr", 0.98, "at_least", "faulty rows found where 5% of others are flagged"),
            Gate("quiet_fpr", 0.01, "at_most", "quiet rows flagged at the threshold that ships"),
            Gate("benign_fpr", 0.05, "at_most", "rows of benign events flagged at that threshold"),
        )

    def arrays(self, contexts: Sequence[Context]) -> Arrays:
        """Contexts as the raw arrays of the input specification."""
        return inputs.arrays(contexts)

    def cost(self, context: Context, outcome: Outcome) -> float:
        """Rows flagged wrongly or not at all; see `cost_rows`."""
        return cost_rows(context, outcome)

    def verdict(self, context: Context, action: Action, outcome: Outcome) -> Verdict:  # noqa: ARG002
        """Right where a flag stands in a fault and none where all was well; nothing where nobody can tell."""
        if outcome.kind not in ("quiet", "benign", "fault"):
            return Verdict()
        wrong = action.anomalous != (outcome.kind == "fault")
        return Verdict(not wrong, float(wrong))

    def admissible(self, context: Context, action: Action) -> bool:  # noqa: ARG002
        """Whether score and novelty are shares."""
        return 0.0 <= action.score <= 1.0 and 0.0 <= action.novelty <= 1.0

    def fallback(self) -> ReliabilityPolicy:
        """Hard limits."""
        return RulePolicy("fallback", limits_ratio)

    def baselines(self) -> tuple[ReliabilityPolicy, ...]:
        """What needs no training: deviations within the window, its components, and chance."""
        return RulePolicy("robust-z", robust_z), RulePolicy("pca", pca_residual), RandomPolicy()

    def oracle(self) -> ReliabilityPolicy:
        """The labels."""
        return OraclePolicy[Context, Action, Outcome](cost_rows)

    def learned(self, graph: Graph) -> ReliabilityPolicy:
        """The detector."""
        return DetectorPolicy(graph)

    def learner(self) -> Learner:
        """The learner; imports the training libraries."""
        from dwcp.training.extra import training_extra

        with training_extra():
            from dwcp.tasks.reliability.model import ReliabilityLearner

            return ReliabilityLearner()

    def cases(self, table: Path) -> list[ReliabilityCase]:
        """Every interval of every node of a table of ``node`` records with labelled incidents.

        Raises:
            InputError: the table cannot be read.
            SchemaError: it holds no such records, or nothing in it is labelled.
        """
        from dwcp.tasks.reliability.recorded import recorded_cases

        return recorded_cases(table)

    def judged(self, cases: Sequence[ReliabilityCase]) -> Sequence[ReliabilityCase]:
        """Themselves."""
        return cases

    def examples(self, count: int, seed: int) -> list[ReliabilityCase]:
        """Simulated fleets."""
        from dwcp.tasks.reliability.examples import simulated_cases

        return simulated_cases(count, seed)

    def metrics(
        self, cases: Sequence[ReliabilityCase], policy: ReliabilityPolicy, seed: int
    ) -> Mapping[str, float]:
        """Figures over whole fleets."""
        done = replay(cases, policy, cost_rows, seed)
        return {"mean_cost_rows": float(done.cost.mean()), **figures.figures(cases, done.chosen)}

    def card(self) -> str:
        """The model card."""
        return files(__package__).joinpath("card.md").read_text(encoding="utf-8")


TASK = ReliabilityTask()
"""What `dwcp.tasks.discover` finds."""
