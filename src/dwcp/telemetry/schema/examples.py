"""Valid rows of every kind, to try sinks, sources and rules on; never to learn from."""

from datetime import UTC, datetime, timedelta

from dwcp.telemetry.schema.column import Column, DType, Row, Value
from dwcp.telemetry.schema.kinds import Kind

__all__ = ["example_rows"]

_START_NS = 1_767_225_600 * 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPECIAL: dict[str, Value] = {"is_anomaly": True, "has_reference": True, "fanout": 0, "stream_index": 0}
"""Where any value of the column would not do, beside the others of the row."""


def example_rows(kind: Kind, count: int, step_s: float = 1.0, nodes: int = 1) -> list[Row]:
    """Rows that break no rule, every column filled, ``step_s`` apart in each of ``nodes`` series."""
    return [_row(kind, number // nodes, number % nodes, step_s) for number in range(count)]


def _row(kind: Kind, number: int, node: int, step_s: float) -> Row:
    epoch_time = _START_NS + round(number * step_s * 10**9)
    row: Row = {column.name: _value(column, number) for column in kind.columns}
    times: Row = {
        "timestamp": _EPOCH + timedelta(microseconds=epoch_time // 1000),
        "epoch_time": epoch_time,
        "incident_start": _EPOCH,
        "incident_end": _EPOCH + timedelta(days=1),
    }
    series: Row = {"node_id": f"node-{node}", "peer_id": "peer"}
    return row | {name: value for name, value in (times | series).items() if name in row}


def _value(column: Column, number: int) -> Value:
    if column.name in _SPECIAL:
        return _SPECIAL[column.name]
    if column.categories:
        return column.categories[number % len(column.categories)]
    if column.dtype is DType.STRING:
        return f"{column.name}-{number % 3}"
    if column.dtype is DType.BOOL:
        return number % 2 == 0
    low = 0 if column.low is None else max(column.low, 0)
    return int(low) + 2 if column.dtype is DType.INT64 else low + 0.5
