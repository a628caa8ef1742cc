"""The rules a row can break by itself: ranges, categories, lengths, keys, impossible combinations."""

from collections.abc import Iterator

import polars as pl

from dwcp.telemetry.rule import Rule
from dwcp.telemetry.schema import MAX_TEXT_CHARACTERS, Column, DType, Kind
from dwcp.telemetry.sources import Fault
from dwcp.telemetry.validation.combinations import impossible_in

__all__ = ["CellRules"]

_NUMBERS = (DType.INT64, DType.FLOAT64)


class CellRules:
    """The rules of one kind, as expressions over its frame."""

    def __init__(self, kind: Kind) -> None:
        self._rules = tuple(_rules(kind))

    def faults(self, frame: pl.DataFrame) -> list[Fault]:
        """The rules that some row breaks.

        Args:
            frame: rows in the kind's columns and types.
        """
        broken = frame.select(
            expression.fill_null(value=False).alias(str(place))
            for place, (_, _, expression, _) in enumerate(self._rules)
        )
        return [
            Fault(rule, column, rows, reason)
            for (rule, column, _, reason), rows in zip(self._rules, broken.get_columns(), strict=True)
            if rows.any()
        ]


_CellRule = tuple[Rule, str, pl.Expr, str]


def _rules(kind: Kind) -> Iterator[_CellRule]:
    for name in kind.keys:
        yield Rule.MISSING_KEY, name, pl.col(name).is_null(), f"{name} is missing"
    for column in kind.columns:
        yield from _column_rules(column)
    for rule in impossible_in(kind):
        yield Rule.IMPOSSIBLE, rule.name, rule.broken, rule.reason


def _column_rules(column: Column) -> Iterator[_CellRule]:
    cell = pl.col(column.name)
    if column.dtype in _NUMBERS:
        if column.low is not None:
            yield Rule.RANGE, column.name, cell < column.low, f"{column.name} is under {column.low:,}"
        if column.high is not None:
            yield Rule.RANGE, column.name, cell > column.high, f"{column.name} is over {column.high:,}"
    elif column.categories:
        reason = f"{column.name} is none of {', '.join(column.categories)}"
        yield Rule.CATEGORY, column.name, ~cell.is_in(column.categories), reason
    elif column.dtype is DType.STRING:
        reason = f"{column.name} is over {MAX_TEXT_CHARACTERS} characters"
        yield Rule.TOO_LONG, column.name, cell.str.len_chars() > MAX_TEXT_CHARACTERS, reason
