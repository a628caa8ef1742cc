"""What validation found."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dwcp.telemetry.rule import Rule

__all__ = ["Finding", "ValidationReport"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that was broken in one place, however often.

    Attributes:
        rule: the rule.
        column: the column or combination it is about; empty when it is about rows.
        count: rows that break it (cells for a missing share, gaps for a gap).
        first_row: number of the first such row, from 1; None for a finding about the whole table.
        reason: what is wrong.
    """

    rule: Rule
    column: str
    count: int
    first_row: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """The outcome for one table.

    Attributes:
        table: what was checked.
        kind: as what kind of records.
        rows: how many rows there were.
        quarantined: how many of them break a rule about rows; the others are accepted.
        missing: share of missing values among accepted rows, for each required column that has any.
        findings: every rule that was broken, in the order of the rules.
        quarantine: the file with the quarantined rows; None if there is none.
    """

    table: str
    kind: str
    rows: int
    quarantined: int
    missing: Mapping[str, float]
    findings: tuple[Finding, ...]
    quarantine: Path | None = None

    @property
    def ok(self) -> bool:
        """No rule was broken; decides the exit code."""
        return not self.findings

    @property
    def accepted(self) -> int:
        """Rows that break no rule about rows."""
        return self.rows - self.quarantined

    def counts(self) -> dict[Rule, int]:
        """How often each rule was broken."""
        return {
            rule: sum(finding.count for finding in self.findings if finding.rule is rule)
            for rule in Rule
            if any(finding.rule is rule for finding in self.findings)
        }

    def as_json(self) -> dict[str, object]:
        """The report as plain JSON values."""
        return {
            "table": self.table,
            "kind": self.kind,
            "ok": self.ok,
            "rows": self.rows,
            "accepted": self.accepted,
            "quarantined": self.quarantined,
            "quarantine": None if self.quarantine is None else str(self.quarantine),
            "missing": dict(self.missing),
            "counts": {rule.value: count for rule, count in self.counts().items()},
            "findings": [
                {
                    "rule": finding.rule.value,
                    "column": finding.column,
                    "count": finding.count,
                    "first_row": finding.first_row,
                    "reason": finding.reason,
                }
                for finding in self.findings
            ],
        }

    def lines(self) -> list[str]:
        """The report in short lines for people."""
        verdict = "ok" if self.ok else "not ok"
        head = f"{self.table}: {verdict}, {self.rows:,} {self.kind} rows, {self.quarantined:,} quarantined"
        place = [] if self.quarantine is None else [f"  bad rows and reasons: {self.quarantine}"]
        return [head, *(f"  {_line(finding)}" for finding in self.findings), *place]


def _line(finding: Finding) -> str:
    where = "" if finding.first_row is None else f", first in row {finding.first_row:,}"
    return f"{finding.rule} ({finding.count:,}{where}): {finding.reason}"
