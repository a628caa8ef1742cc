"""What every source must do; run each of `CHECKS` on a function that opens a table of given rows."""

from collections.abc import Callable, Sequence
from typing import Protocol

import polars as pl

from dwcp.errors import SchemaError
from dwcp.telemetry.rule import Rule
from dwcp.telemetry.schema import KINDS, polars_schema
from dwcp.telemetry.schema.examples import example_rows
from dwcp.telemetry.sources.source import Source, Unknown

__all__ = ["CHECKS", "OpenTable"]


class OpenTable(Protocol):
    """Stores a table where the source can read it, and opens it."""

    def __call__(self, table: pl.DataFrame, kind: str | None, unknown: Unknown = "refuse") -> Source:
        """A source over this table."""
        ...


def check_gives_every_row_once(open_table: OpenTable) -> None:
    """Rows come in order, numbered from 1, in the kind's columns and types, without faults; every time."""
    for kind in KINDS.values():
        table = _example(kind.name, 150)
        source = open_table(table, kind.name)
        assert source.kind == kind
        for _ in range(2):
            batches = list(source.batches())
            frame = pl.concat([batch.frame for batch in batches])
            assert frame.schema == polars_schema(kind), f"{kind.name}: other columns or types"
            assert frame.equals(table), f"{kind.name}: other values"
            assert not any(batch.faults for batch in batches), f"{kind.name}: faults in sound rows"
            numbers = [number for batch in batches for number in batch.numbers]
            assert numbers == list(range(1, table.height + 1)), f"{kind.name}: rows are not numbered from 1"


def check_batch_parts_agree(open_table: OpenTable) -> None:
    """Numbers, rows as found, rows as typed and faults are of one length."""
    table = _example("link", 50).with_columns(pl.lit("x").alias("letter"))
    for batch in open_table(table, "link", "quarantine").batches():
        height = batch.frame.height
        assert len(batch.numbers) == batch.found.height == height
        assert all(len(fault.rows) == height for fault in batch.faults)
        assert "letter" in batch.found.columns


def check_tells_the_kind(open_table: OpenTable) -> None:
    """The columns of a kind tell the kind."""
    for kind in KINDS.values():
        assert open_table(_example(kind.name, 2), None).kind == kind


def check_absent_columns_are_missing(open_table: OpenTable) -> None:
    """A column that may be missing may be left out; one of the two times gives the other."""
    kind = KINDS["node"]
    table = _example("node", 5)
    for time in ("timestamp", "epoch_time"):
        needed = [name for name in (*kind.keys, *kind.required) if name != "epoch_time"]
        source = open_table(table.select(time, *needed), "node")
        frame = pl.concat([batch.frame for batch in source.batches()])
        assert frame.select("timestamp", "epoch_time", *needed).equals(
            table.select("timestamp", "epoch_time", *needed)
        )
        assert frame["region"].null_count() == 5


def check_refuses_other_columns(open_table: OpenTable) -> None:
    """An unknown column, a required one that is not there, and an unknown kind are errors."""
    table = _example("gossip", 3)
    tables = (table.with_columns(pl.lit(1).alias("body")), table.drop("ttl"), table.drop("node_id"))
    for kind, wrong in (*(("gossip", wrong) for wrong in tables), ("letters", table)):
        _expect_refusal(open_table, wrong, kind)


def check_unknown_columns_can_be_set_aside(open_table: OpenTable) -> None:
    """Told to, the source gives a fault for each row with a value in an unknown column."""
    body = pl.Series("body", ["text", None, "more"])
    source = open_table(_example("gossip", 3).with_columns(body), "gossip", "quarantine")
    faults = [fault for batch in source.batches() for fault in batch.faults]
    assert [(fault.rule, fault.column) for fault in faults] == [(Rule.UNKNOWN_COLUMN, "body")]
    assert faults[0].rows.to_list() == [True, False, True]


CHECKS: tuple[Callable[[OpenTable], None], ...] = (
    check_gives_every_row_once,
    check_batch_parts_agree,
    check_tells_the_kind,
    check_absent_columns_are_missing,
    check_refuses_other_columns,
    check_unknown_columns_can_be_set_aside,
)
"""Every check; each takes a function that opens a table, and raises AssertionError."""


def _example(kind: str, count: int) -> pl.DataFrame:
    rows: Sequence[object] = example_rows(KINDS[kind], count)
    return pl.DataFrame(rows, schema=polars_schema(KINDS[kind]))


def _expect_refusal(open_table: OpenTable, table: pl.DataFrame, kind: str) -> None:
    try:
        open_table(table, kind)
    except SchemaError:
        return
    raise AssertionError(f"a {kind} table with columns {table.columns} was taken")
