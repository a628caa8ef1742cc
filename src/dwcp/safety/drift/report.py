"""What is told of drift: a line for each column, one for the outcome, and whether to train again."""

from dataclasses import asdict, dataclass

from dwcp.errors import InputError
from dwcp.safety.drift.level import DriftLevel, worst
from dwcp.safety.drift.sketch import Role

__all__ = ["ColumnDrift", "DriftReport", "OutcomeDrift", "Retraining", "RetrainingRule", "retraining_wanted"]


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """One column, recent rows beside the reference.

    Attributes:
        name: its name.
        role: input or prediction.
        kind: ``numeric`` or ``categorical``.
        level: in one word.
        rows: recent ones looked at.
        missing: share of them without a value.
        psi: population stability index; None where there are too few rows.
        ks: Kolmogorov-Smirnov distance; None for categories too.
        p_value: of the difference, corrected for the number of columns.
    """

    name: str
    role: Role
    kind: str
    level: DriftLevel
    rows: int
    missing: float
    psi: float | None = None
    ks: float | None = None
    p_value: float | None = None

    def line(self) -> str:
        """The column in one line."""
        head = f"{self.role} {self.name}: {self.level}"
        if self.psi is None:
            return f"{head} ({self.rows} rows)"
        distance = "" if self.ks is None else f", KS {self.ks:.3f}"
        return f"{head} (PSI {self.psi:.3f}{distance}, p {self.p_value:.2g}, missing {self.missing:.1%})"


@dataclass(frozen=True, slots=True)
class OutcomeDrift:
    """The regret of late.

    Attributes:
        level: in one word.
        regrets: taken in.
        mean: of them.
        score: of the detector; 1 is an alarm.
    """

    level: DriftLevel
    regrets: int
    mean: float
    score: float

    def line(self) -> str:
        """The outcome in one line."""
        told = f"{self.regrets} regrets, mean {self.mean:.4g}, score {self.score:.2f}"
        return f"outcome regret: {self.level} ({told})"


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What is told of drift at one moment.

    Attributes:
        when_s: the moment.
        columns: in the reference's order.
        outcome: the regret of late.
    """

    when_s: float
    columns: tuple[ColumnDrift, ...]
    outcome: OutcomeDrift

    @property
    def level(self) -> DriftLevel:
        """The worst of all."""
        return worst(self.outcome.level, *(column.level for column in self.columns))

    def level_of(self, role: Role) -> DriftLevel:
        """The worst of the inputs, or of the predictions."""
        return worst(*(column.level for column in self.columns if column.role is role))

    def lines(self) -> tuple[str, ...]:
        """The report as text, a line each."""
        return (*(column.line() for column in self.columns), self.outcome.line())

    def as_json(self) -> dict[str, object]:
        """The report as JSON values."""
        return {
            "when_s": self.when_s,
            "level": self.level.value,
            "columns": [asdict(column) for column in self.columns],
            "outcome": asdict(self.outcome),
        }


@dataclass(frozen=True, slots=True)
class RetrainingRule:
    """When to train again."""

    least_age_s: float = 86_400.0
    """A younger model is left alone: its successor would learn from the same days."""
    input_share: float = 0.25
    """Share of the inputs that must have drifted where neither predictions nor regret have."""

    def __post_init__(self) -> None:
        if not self.least_age_s >= 0 or not 0 < self.input_share <= 1:
            raise InputError("a retraining rule takes an age from 0 and a share above 0 and at most 1")


@dataclass(frozen=True, slots=True)
class Retraining:
    """Whether to train again.

    Attributes:
        wanted: whether.
        why: one sentence either way.
    """

    wanted: bool
    why: str


def retraining_wanted(
    report: DriftReport, model_age_s: float, rule: RetrainingRule | None = None
) -> Retraining:
    """Decide from a report whether to train again; nothing but its arguments counts.

    Regret alone suffices: it is what matters. Predictions suffice together with an input, as then there is
    something new to learn from; many inputs suffice by themselves; a single one does not.

    Args:
        report: of the model that serves.
        model_age_s: seconds since it was trained.
        rule: the default one when None.
    """
    known = rule or RetrainingRule()
    inputs = [column for column in report.columns if column.role is Role.INPUT]
    drifted = [column.name for column in inputs if column.level is DriftLevel.DRIFT]
    reason = ""
    if report.outcome.level is DriftLevel.DRIFT:
        reason = f"the regret rose to a mean of {report.outcome.mean:.4g}"
    elif drifted and report.level_of(Role.PREDICTION) is DriftLevel.DRIFT:
        reason = f"the predictions drifted with {', '.join(drifted)}"
    elif drifted and len(drifted) >= known.input_share * len(inputs):
        reason = f"{len(drifted)} of {len(inputs)} inputs drifted: {', '.join(drifted)}"
    if not reason:
        return Retraining(False, f"nothing that calls for it: the worst level is {report.level}")
    if model_age_s < known.least_age_s:
        return Retraining(False, f"{reason}, but the model is only {model_age_s / 3600:.1f} h old")
    return Retraining(True, reason)
