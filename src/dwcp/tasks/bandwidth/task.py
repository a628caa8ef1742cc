"""The bandwidth task, tied together."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from dwcp.errors import SchemaError
from dwcp.evaluation.gates import Gate
from dwcp.evaluation.oracle import OraclePolicy
from dwcp.evaluation.policy import Case, Policy
from dwcp.evaluation.replay import replay
from dwcp.features.spec import InputSpec
from dwcp.task import Arrays, Graph, Learner, LearnerKind, OutputColumn, Verdict
from dwcp.tasks.bandwidth import figures, inputs
from dwcp.tasks.bandwidth.contract import Action, Context, Outcome
from dwcp.tasks.bandwidth.oracle import cost_log
from dwcp.tasks.bandwidth.policy import BlendPolicy
from dwcp.tasks.bandwidth.rules import RulePolicy, fallback_policy
from dwcp.tasks.bandwidth.series import MOST_MBPS
from dwcp.tasks.bandwidth.walks import WALKS

__all__ = ["TASK", "BandwidthTask"]

BandwidthCase = Case[Context, Action, Outcome]
BandwidthPolicy = Policy[Context, Action, Outcome]

_FALLBACK_WALK = "last-value"
_WITHIN = 0.2


class BandwidthTask:
    """What a link will carry."""

    name = "bandwidth"
    kind = LearnerKind.BATCH
    cost_unit = "log"

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
        """What a forecast must reach on unseen links; the benchmark holds it to more, set by set."""
        return (
            Gate("mean_cost_log", 0.15, "at_most", "mean absolute log error of next step and horizon"),
            Gate("skill_next_step", 0.0, "at_least", "error saved against last value, next step"),
            Gate("skill_horizon", 0.0, "at_least", "error saved against last value, horizon"),
            Gate("coverage_error", 0.02, "at_most", "how far 90% intervals are from covering 90%"),
            Gate("within_20_of_surer_half", 0.70, "at_least", "within 20% on the surer half"),
        )

    def arrays(self, contexts: Sequence[Context]) -> Arrays:
        """Contexts as the raw arrays of the input specification."""
        return inputs.arrays(contexts)

    def cost(self, context: Context, outcome: Outcome) -> float:
        """Log error; see `cost_log`."""
        return cost_log(context, outcome)

    def verdict(self, context: Context, action: Action, outcome: Outcome) -> Verdict:
        """Right where the next step came within 20% of the forecast; regret is the forecast's log error."""
        came = outcome.steps[0].throughput_mbps if outcome.steps else None
        if came is None:
            return Verdict()
        regret = cost_log(context, Outcome(outcome.steps, action))
        return Verdict(abs(action.next_step.mid - came) <= _WITHIN * came, regret)

    def admissible(self, context: Context, action: Action) -> bool:  # noqa: ARG002
        """Whether every figure is finite, not negative, and quantiles are in order."""
        numbers = (action.rtt_ms, action.jitter_ms)
        in_order = all(
            0.0 <= told.low <= told.mid <= told.high <= MOST_MBPS
            for told in (action.next_step, action.horizon)
        )
        return (
            in_order
            and all(0.0 <= number < float("inf") for number in numbers)
            and 0.0 <= action.packet_loss <= 1.0
            and 0.0 <= action.confidence <= 1.0
        )

    def fallback(self) -> BandwidthPolicy:
        """Last value, as wide as it was wrong of late."""
        return fallback_policy()

    def baselines(self) -> tuple[BandwidthPolicy, ...]:
        """What forecasts of throughput are usually made by."""
        rules = (RulePolicy(name, walk) for name, walk in WALKS.items() if name != _FALLBACK_WALK)
        return (*rules, BlendPolicy(name="blend-of-rules"))

    def oracle(self) -> BandwidthPolicy:
        """What came."""
        return OraclePolicy[Context, Action, Outcome](cost_log)

    def online(self) -> BandwidthPolicy:
        """The blend of rules: it serves until a model is loaded."""
        return BlendPolicy()

    def learned(self, graph: Graph) -> BandwidthPolicy:
        """The blend with the model as one more expert."""
        return BlendPolicy(graph)

    def learner(self) -> Learner:
        """The learner; imports the training libraries."""
        from dwcp.training.extra import training_extra

        with training_extra():
            from dwcp.tasks.bandwidth.model import BandwidthLearner

            return BandwidthLearner()

    def cases(self, table: Path) -> list[BandwidthCase]:
        """Forecasts to make at every moment of recorded traces; see `dwcp.telemetry.sources.throughput`.

        Raises:
            SchemaError: the table holds no such traces.
        """
        from dwcp.errors import InputError
        from dwcp.tasks.bandwidth.recorded import recorded_cases

        try:
            return recorded_cases(table)
        except InputError as error:
            raise SchemaError(str(error)) from error

    def judged(self, cases: Sequence[BandwidthCase]) -> Sequence[BandwidthCase]:
        """Themselves."""
        return cases

    def examples(self, count: int, seed: int) -> list[BandwidthCase]:
        """Simulated links."""
        from dwcp.tasks.bandwidth.examples import simulated_cases

        return simulated_cases(count, seed)

    def metrics(
        self, cases: Sequence[BandwidthCase], policy: BandwidthPolicy, seed: int
    ) -> Mapping[str, float]:
        """Figures over whole links, each link counting by its steps."""
        done = replay(cases, policy, cost_log, seed)
        return {"mean_cost_log": float(done.cost.mean()), **figures.figures(cases, done.chosen)}

    def card(self) -> str:
        """The model card."""
        return files(__package__).joinpath("card.md").read_text(encoding="utf-8")


TASK = BandwidthTask()
"""What `dwcp.tasks.discover` finds."""
