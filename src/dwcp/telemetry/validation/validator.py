"""Holding a table against the schema and the quality rules, batch by batch."""

import dataclasses
from collections import Counter

import polars as pl

from dwcp.telemetry.rule import Rule
from dwcp.telemetry.schema import Kind
from dwcp.telemetry.sources import Batch, Fault
from dwcp.telemetry.validation.cells import CellRules
from dwcp.telemetry.validation.quarantine import QuarantineWriter
from dwcp.telemetry.validation.report import Finding, ValidationReport
from dwcp.telemetry.validation.series import GAP_INTERVALS, Gap, SeriesRules

__all__ = ["MAX_MISSING_SHARE", "Validator"]

MAX_MISSING_SHARE = 0.05
"""Most of a required column that may be missing."""


class Validator:
    """Checks the batches of one table in order; for ingest, where the good rows go on.

    Memory is bounded by the batch and the number of series, not by the table.
    """

    def __init__(
        self,
        table: str,
        kind: Kind,
        quarantine: QuarantineWriter | None = None,
        interval_s: float | None = None,
    ) -> None:
        """Begin with an empty table.

        Args:
            table: what to call the table in the report.
            kind: the kind of its records.
            quarantine: takes the bad rows; None to count them only.
            interval_s: the sampling interval, for gaps; None to take each series' own.
        """
        self._table = table
        self._kind = kind
        self._quarantine = quarantine
        self._cells = CellRules(kind)
        self._series = SeriesRules(kind, interval_s)
        self._findings: dict[tuple[Rule, str, str], Finding] = {}
        self._missing: Counter[str] = Counter()
        self._rows = 0
        self._quarantined = 0

    def check(self, batch: Batch) -> pl.DataFrame:
        """Check the next batch.

        Returns:
            The rows that break no rule about rows, in the kind's columns and types.

        Raises:
            StorageError: the quarantine file cannot be written.
        """
        faults = [*batch.faults, *self._cells.faults(batch.frame)]
        sound = ~_any(faults, batch.frame.height)
        late, gaps = self._series.check(batch.frame.filter(sound), batch.numbers.filter(sound))
        faults += [dataclasses.replace(fault, rows=_spread(fault.rows, sound)) for fault in late]
        bad = _any(faults, batch.frame.height)
        if self._quarantine is not None and bad.any():
            self._quarantine.add(batch.found, batch.numbers, faults)
        good = batch.frame.filter(~bad)
        self._count(batch, faults, gaps, good)
        return good

    def report(self) -> ValidationReport:
        """What was found in all batches so far."""
        accepted = self._rows - self._quarantined
        shares = {name: count / accepted for name, count in self._missing.items() if count}
        findings = (*self._findings.values(), *self._missing_findings(shares))
        order = list(Rule)
        written = None if self._quarantine is None else self._quarantine.written
        return ValidationReport(
            table=self._table,
            kind=self._kind.name,
            rows=self._rows,
            quarantined=self._quarantined,
            missing=shares,
            findings=tuple(sorted(findings, key=lambda finding: order.index(finding.rule))),
            quarantine=written,
        )

    def _count(self, batch: Batch, faults: list[Fault], gaps: list[Gap], good: pl.DataFrame) -> None:
        self._rows += batch.frame.height
        self._quarantined += batch.frame.height - good.height
        for name in self._kind.required:
            self._missing[name] += good[name].null_count()
        for fault in faults:
            numbers = batch.numbers.filter(fault.rows)
            found = Finding(fault.rule, fault.column, len(numbers), numbers[0], fault.reason)
            self._find(fault.reason, found)
        if gaps:
            self._find("", Finding(Rule.GAP, "epoch_time", len(gaps), gaps[0].number, _reason(gaps[0])))

    def _find(self, key: str, found: Finding) -> None:
        known = self._findings.get((found.rule, found.column, key))
        both = found if known is None else dataclasses.replace(known, count=known.count + found.count)
        self._findings[found.rule, found.column, key] = both

    def _missing_findings(self, shares: dict[str, float]) -> list[Finding]:
        return [
            Finding(
                *(Rule.MISSING_SHARE, name, self._missing[name], None),
                f"{share:.1%} of {name} is missing; at most {MAX_MISSING_SHARE:.0%} may be",
            )
            for name, share in shares.items()
            if share > MAX_MISSING_SHARE
        ]


def _reason(gap: Gap) -> str:
    return (
        f"{gap.length_s:g} s without a record where one comes every {gap.interval_s:g} s;"
        f" at most {GAP_INTERVALS} intervals may pass"
    )


def _any(faults: list[Fault], height: int) -> pl.Series:
    bad = pl.repeat(value=False, n=height, eager=True, dtype=pl.Boolean)
    for fault in faults:
        bad |= fault.rows
    return bad


def _spread(rows: pl.Series, sound: pl.Series) -> pl.Series:
    """A mask over the sound rows as one over all rows."""
    places = sound.arg_true().filter(rows)
    return pl.repeat(value=False, n=len(sound), eager=True, dtype=pl.Boolean).scatter(places, values=True)
