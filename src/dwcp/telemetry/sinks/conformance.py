"""What every sink must do; run each of `CHECKS` on a fresh `SinkCase`."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from dwcp.errors import SchemaError
from dwcp.telemetry.schema import KINDS, Row
from dwcp.telemetry.schema.examples import example_rows
from dwcp.telemetry.sinks.sink import Sink

__all__ = ["CHECKS", "SinkCase"]


@dataclass(frozen=True, slots=True)
class SinkCase:
    """A sink with nothing in it.

    Attributes:
        sink: the sink.
        read: the rows it holds of a kind, in any order; None for a sink that holds none.
    """

    sink: Sink
    read: Callable[[str], list[Row]] | None


def check_keeps_every_kind(case: SinkCase) -> None:
    """Rows come back as they went in, types and missing values included."""
    for kind in KINDS.values():
        rows = example_rows(kind, 5)
        sparse: Row = {name: rows[0][name] if name in kind.keys else None for name in kind.names}
        sparse["timestamp"] = rows[0]["timestamp"]
        case.sink.write(kind.name, [*rows, sparse])
        _expect(case, kind.name, [*rows, sparse])


def check_no_rows_are_no_work(case: SinkCase) -> None:
    """An empty batch is taken and leaves nothing."""
    case.sink.write("link", [])
    _expect(case, "link", [])


def check_batches_add_up(case: SinkCase) -> None:
    """A batch leaves the batches before it as they were, over a change of date too."""
    rows = example_rows(KINDS["node"], 6, step_s=43_200)
    case.sink.write("node", rows[:4])
    case.sink.write("node", rows[4:])
    _expect(case, "node", rows)


def check_refuses_other_columns(case: SinkCase) -> None:
    """A batch with a row of the wrong columns, or of no kind, is refused whole."""
    good, wrong = example_rows(KINDS["gossip"], 2)
    odd_rows: list[tuple[str, Row]] = [
        ("gossip", wrong | {"body": "text"}),
        ("gossip", {"ttl": 3}),
        ("letters", wrong),
    ]
    for kind, odd in odd_rows:
        try:
            case.sink.write(kind, [good, odd])
        except SchemaError:
            continue
        raise AssertionError(f"a {kind} row with columns {list(odd)} was taken")
    _expect(case, "gossip", [])


def check_leaves_the_rows_alone(case: SinkCase) -> None:
    """The sink neither changes the caller's rows nor follows later changes to them."""
    rows = example_rows(KINDS["link"], 3)
    before = [row.copy() for row in rows]
    case.sink.write("link", rows)
    assert rows == before, "the caller's rows were changed"
    rows[0]["rtt_ms"] = 9999.0
    _expect(case, "link", before)


def check_threads_may_write_at_once(case: SinkCase) -> None:
    """Nothing is lost or doubled with several writers."""
    rows = example_rows(KINDS["block_access"], 40)
    threads = [
        threading.Thread(target=case.sink.write, args=("block_access", rows[start : start + 10]))
        for start in range(0, 40, 10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _expect(case, "block_access", rows)


CHECKS: tuple[Callable[[SinkCase], None], ...] = (
    check_keeps_every_kind,
    check_no_rows_are_no_work,
    check_batches_add_up,
    check_refuses_other_columns,
    check_leaves_the_rows_alone,
    check_threads_may_write_at_once,
)
"""Every check; each takes a case and raises AssertionError."""


def _expect(case: SinkCase, kind: str, rows: list[Row]) -> None:
    if case.read is None:
        return
    held = sorted(map(_sortable, case.read(kind)))
    assert held == sorted(map(_sortable, rows)), f"the sink does not hold the {kind} rows it was given"


def _sortable(row: Row) -> list[tuple[str, str]]:
    return [
        (name, repr(value) if value is None else f"{type(value).__name__} {value}")
        for name, value in row.items()
    ]
