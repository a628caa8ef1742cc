"""Drift of one model: recent rows beside what it was trained on, and the regret of late.

A column is called drifted only where the difference is both *beyond chance* and *large*: the p-value,
corrected for the number of columns (Holm), must lie below `DriftSettings.alpha`, so that a few rows don't
alarm; and the PSI or the Kolmogorov-Smirnov distance must reach a limit, so that a million rows don't alarm
for a difference nobody would notice. Rows of one link resemble each other, which makes p-values too small:
the second condition is what holds then.

For a number the p-value is the smaller one, doubled, of the Kolmogorov-Smirnov test and of the chi-square
test over its bins, which alone sees missing values; for a category that of the chi-square test.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from dwcp.errors import InputError, SettingsError
from dwcp.evaluation.policy import State
from dwcp.safety.drift.level import DriftLevel
from dwcp.safety.drift.page_hinkley import RegretDetector
from dwcp.safety.drift.report import ColumnDrift, DriftReport, OutcomeDrift
from dwcp.safety.drift.sketch import Categories, Quantiles, Reference, Value
from dwcp.safety.drift.statistics import (
    chi_square_homogeneity,
    holm,
    kolmogorov_p_value,
    population_stability,
)
from dwcp.safety.drift.window import RecentRows

__all__ = ["DriftMonitor", "DriftSettings"]


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """How many rows are looked at, and what counts as drift."""

    every: int = 10
    """Of how many rows offered one is kept."""
    rows: int = 2000
    """Kept at most."""
    least_rows: int = 300
    """Fewer are too little data."""
    alpha: float = 0.01
    """Chance, over all columns of a report, of a difference where there is none."""
    psi_watch: float = 0.1
    """Population stability index from which a column is watched."""
    psi_drift: float = 0.25
    """From which it has drifted."""
    ks_watch: float = 0.1
    """Kolmogorov-Smirnov distance from which a column of numbers is watched."""
    ks_drift: float = 0.2
    """From which it has drifted."""

    def __post_init__(self) -> None:
        for name in ("every", "rows", "least_rows"):
            if getattr(self, name) < 1:
                raise SettingsError(f"drift setting {name} must be at least 1, not {getattr(self, name)}")
        if self.least_rows > self.rows:
            raise SettingsError("drift setting least_rows must not be above rows")
        if not 0 < self.alpha < 1:
            raise SettingsError(f"drift setting alpha must lie inside (0, 1), not at {self.alpha}")
        if not 0 < self.psi_watch <= self.psi_drift or not 0 < self.ks_watch <= self.ks_drift:
            raise SettingsError("drift limits must be above 0, and to watch comes before to drift")


class DriftMonitor:
    """Watches one model. Its threads may share it.

    Args:
        reference: of the rows it was trained on.
        settings: the defaults when None.
    """

    def __init__(self, reference: Reference, settings: DriftSettings | None = None) -> None:
        self.reference = reference
        self.settings = settings or DriftSettings()
        self._recent = RecentRows(tuple(reference.columns), self.settings.rows, self.settings.every)
        self._regret = RegretDetector()

    def offer(self, row: Mapping[str, Value]) -> None:
        """Take in what the model was fed and what it answered, if it is this row's turn.

        Args:
            row: value by column, not to be changed afterwards.
        """
        self._recent.offer(row)

    def observe(self, regret: float) -> None:
        """Take in the regret of a decision, once its outcome is known."""
        self._regret.update(regret)

    def report(self, now: float) -> DriftReport:
        """What is told now; it compares some thousands of rows, so it is not for the asking path.

        Args:
            now: seconds, for `DriftReport.when_s`.
        """
        recent = self._recent.columns()
        differences = {
            name: _difference(column, recent[name]) for name, column in self.reference.columns.items()
        }
        corrected = holm([difference.p_value for difference in differences.values()])
        columns = tuple(
            self._column(name, differences[name], p_value)
            for name, p_value in zip(differences, corrected, strict=True)
        )
        found = self._regret
        return DriftReport(now, columns, OutcomeDrift(found.level, found.regrets, found.mean, found.score))

    def clear(self) -> None:
        """Begin anew, as after a new model of the same reference took over."""
        self._recent.clear()
        self._regret.clear()

    def snapshot(self) -> State:
        """What must survive a restart, as JSON values."""
        return {"rows": self._recent.snapshot(), "regret": self._regret.snapshot()}

    def restore(self, state: State) -> None:
        """Continue from a snapshot.

        Raises:
            InputError: it is none of a monitor's.
        """
        rows, regret = state.get("rows"), state.get("regret")
        if not isinstance(rows, Mapping) or not isinstance(regret, Mapping):
            raise InputError("the saved state for drift cannot be used: it lacks rows or regret; delete it")
        self._regret.restore(regret)
        self._recent.restore(rows)

    def _column(self, name: str, difference: "_Difference", p_value: float) -> ColumnDrift:
        column = self.reference.columns[name]
        kind = "numeric" if isinstance(column, Quantiles) else "categorical"
        if difference.rows < self.settings.least_rows:
            return ColumnDrift(
                name, column.role, kind, DriftLevel.TOO_LITTLE, difference.rows, difference.missing
            )
        return ColumnDrift(
            name,
            column.role,
            kind,
            self._level(difference, p_value),
            difference.rows,
            difference.missing,
            difference.psi,
            difference.ks,
            p_value,
        )

    def _level(self, difference: "_Difference", p_value: float) -> DriftLevel:
        limits, ks = self.settings, difference.ks or 0.0
        if p_value >= limits.alpha:
            return DriftLevel.NONE
        if difference.psi >= limits.psi_drift or ks >= limits.ks_drift:
            return DriftLevel.DRIFT
        if difference.psi >= limits.psi_watch or ks >= limits.ks_watch:
            return DriftLevel.WATCH
        return DriftLevel.NONE


class _Difference(NamedTuple):
    rows: int
    missing: float
    psi: float
    ks: float | None
    p_value: float


def _difference(column: Quantiles | Categories, values: list[Value]) -> _Difference:
    if not values:
        return _Difference(0, 0.0, 0.0, None, 1.0)
    reference, recent = column.counts(), column.bin_counts(values)
    psi, p_value = population_stability(reference, recent), chi_square_homogeneity(reference, recent)
    missing = float(recent[-1] / len(values))
    if isinstance(column, Categories):
        return _Difference(len(values), missing, psi, None, p_value)
    ks, numbers = column.distance(values)
    present = column.rows * (1 - column.missing)
    if numbers and present:
        p_value = min(1.0, 2 * min(p_value, kolmogorov_p_value(ks, present, numbers)))
    return _Difference(len(values), missing, psi, ks, p_value)
