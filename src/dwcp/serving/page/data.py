"""What the page shows, before it is drawn."""

from collections.abc import Sequence

from msgspec import Struct

from dwcp.serving.metrics import ExperimentView, ForecastPoint, RolloutView

__all__ = ["Course", "DecisionView", "LatencyView", "ModelView", "PageData", "TaskView"]


class ModelView(Struct, frozen=True):
    """A model of a task.

    Attributes:
        role: ``champion``, ``challenger``, ``shadow``, ``in service`` or ``beside``.
        version: its number.
        digest: the first digits of its digest; empty for what learns while it serves.
        age_s: since it was published; None where nobody knows.
        gates: which gates it met when it was made, in words.
        breaker: state of its breaker; empty where it is not loaded.
        accuracy: share of its answers of the last day that were right; None where none was judged.
    """

    role: str
    version: str
    digest: str
    age_s: float | None
    gates: str
    breaker: str
    accuracy: float | None


class DecisionView(Struct, frozen=True):
    """How many hints had a reason.

    Attributes:
        reason: in words.
        by_model: whether a model answered.
        count: hints.
        share: of all hints of the task.
    """

    reason: str
    by_model: bool
    count: int
    share: float


class LatencyView(Struct, frozen=True):
    """How long hints took.

    Attributes:
        p50_ms: the median; infinite where it lies above the last bucket.
        p99_ms: the 99th percentile, likewise.
        counts: hints in each bucket, the last being all above.
    """

    p50_ms: float
    p99_ms: float
    counts: Sequence[int]


class Course(Struct, frozen=True):
    """A figure over the last 24 hours.

    Attributes:
        model: of what the model answered, oldest first; None where nothing was told.
        control: of what the rule answered.
        model_day: of the whole day.
        control_day: of the whole day.
    """

    model: Sequence[float | None]
    control: Sequence[float | None]
    model_day: float | None
    control_day: float | None

    @property
    def told(self) -> bool:
        """Whether there is anything to show."""
        return self.model_day is not None or self.control_day is not None


class TaskView(Struct, frozen=True):
    """One task.

    Attributes:
        name: its name.
        cost_unit: of its regret.
        models: its models, the champion first.
        serving: what answers now, in words.
        hints: how many were given.
        by_model: share of them that a model answered; None where there were none.
        decisions: by reason, the most frequent first.
        latency: None where nothing was asked.
        accuracy: share of right answers.
        regret: mean regret.
        gain_pct: how much more was moved with the model than with the rule; None where unknown.
        rollouts: of its candidates.
        drifted: what drifted, in words.
    """

    name: str
    cost_unit: str
    models: Sequence[ModelView]
    serving: str
    hints: int
    by_model: float | None
    decisions: Sequence[DecisionView]
    latency: LatencyView | None
    accuracy: Course
    regret: Course
    gain_pct: float | None
    rollouts: Sequence[RolloutView]
    drifted: Sequence[str]


class PageData(Struct, frozen=True):
    """All of it.

    Attributes:
        now_s: when this was so, in seconds since 1970.
        tasks: by name.
        path: the link whose forecasts are shown.
        forecasts: beside what came, oldest first.
        experiments: None where none are kept here.
        problems: what could not be read, in sentences.
    """

    now_s: float
    tasks: Sequence[TaskView]
    path: str
    forecasts: Sequence[ForecastPoint]
    experiments: Sequence[ExperimentView] | None
    problems: Sequence[str]
