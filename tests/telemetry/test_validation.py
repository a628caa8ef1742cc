import errno
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.errors import InputError, SchemaError, StorageError
from dwcp.telemetry import Rule, parquet_file
from dwcp.telemetry.schema import KINDS, Column, DType, Kind, polars_schema
from dwcp.telemetry.schema.examples import example_rows
from dwcp.telemetry.sources import FrameSource
from dwcp.telemetry.validation import IMPOSSIBLE, validate, validate_file, validate_source

BATCH_SIZES = pytest.mark.parametrize("batch_rows", [1, 2, 3, 5, 50])
START = datetime(2026, 1, 1, tzinfo=UTC)


def table(kind: str, count: int = 40, **how: float) -> pl.DataFrame:
    return pl.DataFrame(example_rows(KINDS[kind], count, **how), schema=polars_schema(KINDS[kind]))


def cell(column: Column) -> st.SearchStrategy:
    """Any valid value of a column."""
    if column.categories:
        return st.sampled_from(column.categories)
    if column.dtype is DType.STRING:
        return st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256).filter(
            lambda text: text == text.strip()
        )
    if column.dtype is DType.BOOL:
        return st.booleans()
    if column.dtype is DType.TIMESTAMP:
        return st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))
    if column.dtype is DType.INT64:
        return st.integers(int(column.low or 0), int(column.high or 2**63 - 1))
    return st.floats(column.low, column.high)


@st.composite
def valid_tables(draw: st.DrawFn) -> tuple[Kind, pl.DataFrame]:
    """Rows whose cells are drawn one by one, as far as none makes another impossible."""
    kind = draw(st.sampled_from(list(KINDS.values())))
    bound = {name for rule in IMPOSSIBLE for name in rule.columns} | {*kind.keys}
    rows = example_rows(kind, draw(st.integers(1, 12)), step_s=draw(st.sampled_from([0.001, 1, 300])))
    for row in rows:
        for column in kind.columns:
            if column.name in bound:
                continue
            values = cell(column) if column.name in kind.required else st.none() | cell(column)
            row[column.name] = draw(values)
    return kind, pl.DataFrame(rows, schema=polars_schema(kind))


@given(valid_tables())
@settings(max_examples=25, deadline=None)
def test_valid_rows_pass(drawn: tuple[Kind, pl.DataFrame]) -> None:
    kind, frame = drawn
    report = validate(frame, kind.name)
    assert report.ok, report.lines()
    assert report.accepted == report.rows == frame.height


def outside(column: Column) -> list[tuple[Rule, object]]:
    """What may not stand in a column."""
    wrong: list[tuple[Rule, object]] = []
    if column.categories:
        wrong.append((Rule.CATEGORY, "letters"))
    elif column.dtype is DType.STRING:
        wrong.append((Rule.TOO_LONG, "x" * 257))
    if column.low is not None:
        wrong.append((Rule.RANGE, column.low - 1))
    if column.high is not None:
        wrong.append((Rule.RANGE, column.high * 2 if column.high < 1e18 else column.high + 1))
    if column.dtype is DType.FLOAT64:
        wrong.append((Rule.RANGE, float("inf")))
    return wrong


VIOLATIONS = [
    (kind.name, column.name, rule, value)
    for kind in KINDS.values()
    for column in kind.columns
    for rule, value in outside(column)
] + [(kind.name, name, Rule.MISSING_KEY, None) for kind in KINDS.values() for name in kind.keys]


@given(st.sampled_from(VIOLATIONS), st.integers(0, 39))
@settings(max_examples=60, deadline=None)
def test_a_seeded_violation_is_caught_and_set_aside(tmp_path_factory, violation: tuple, place: int) -> None:
    kind, name, rule, value = violation
    frame = table(kind)
    changed = frame.with_columns(
        pl.Series(
            name, [value if n == place else v for n, v in enumerate(frame[name])], dtype=frame.schema[name]
        )
    )
    path = tmp_path_factory.mktemp("q") / "bad.parquet"
    report = validate(changed, kind, quarantine=path)
    assert not report.ok
    assert report.quarantined == 1
    (finding,) = [f for f in report.findings if f.rule is rule]
    assert (finding.column, finding.count, finding.first_row) == (name, 1, place + 1)
    bad = pl.read_parquet(path)
    assert bad["row"].to_list() == [place + 1]
    assert finding.reason in bad["reason"][0]
    assert name in finding.reason
    assert bad.drop("row", "reason").equals(changed[place : place + 1])


WRONG_TOGETHER = {
    "clocks_differ": ("link", {"timestamp": START - timedelta(seconds=1)}),
    "p50_latency_ms_above_p95_latency_ms": (
        "node",
        {"p50_latency_ms": 2.0, "p95_latency_ms": 1.0, "p99_latency_ms": None},
    ),
    "p50_latency_ms_above_p99_latency_ms": (
        "node",
        {"p50_latency_ms": 2.0, "p95_latency_ms": None, "p99_latency_ms": 1.0},
    ),
    "p95_latency_ms_above_p99_latency_ms": (
        "node",
        {"p50_latency_ms": None, "p95_latency_ms": 2.0, "p99_latency_ms": 1.0},
    ),
    "incident_start_above_incident_end": ("node", {"incident_end": datetime(1969, 1, 1, tzinfo=UTC)}),
    "stored_without_codec": ("transfer", {"codec": None, "compression_level": None}),
    "level_without_codec": ("transfer", {"codec": None, "stored_bytes": None}),
    "none_shrank": ("compression", {"codec": "none", "block_bytes": 100, "stored_bytes": 99}),
    "delta_without_reference": ("compression", {"codec": "delta", "has_reference": False}),
    "stream_beyond_count": ("stream", {"stream_index": 2, "amst_streams": 2}),
    "child_without_parent": ("block_access", {"depth": 1, "parent_count": 0}),
    "request_without_peer": ("block_access", {"event": "peer_request", "peer_id": None}),
    "fanout_beyond_overlay": ("gossip", {"fanout": 3, "overlay_size": 3}),
    "bytes_without_messages": ("gossip", {"bytes_sent": 1, "messages_sent": 0}),
    "incident_without_anomaly": ("node", {"is_anomaly": False}),
    "anomaly_without_incident": ("node", {"incident_id": None}),
}


def test_every_impossible_combination_has_its_test() -> None:
    assert set(WRONG_TOGETHER) == {rule.name for rule in IMPOSSIBLE}


@pytest.mark.parametrize("name", WRONG_TOGETHER)
def test_an_impossible_combination_is_caught(name: str) -> None:
    kind, change = WRONG_TOGETHER[name]
    frame = table(kind, 1)
    assert validate(frame, kind).ok
    changed = frame.with_columns(pl.lit(v, dtype=frame.schema[k]).alias(k) for k, v in change.items())
    report = validate(changed, kind)
    assert [(f.rule, f.column) for f in report.findings] == [(Rule.IMPOSSIBLE, name)]
    assert report.quarantined == 1


@pytest.mark.parametrize("kind", ["link", "compression"])
@BATCH_SIZES
def test_time_runs_forward_within_a_series(batch_rows: int, kind: str) -> None:
    frame = table(kind, 8)[[0, 1, 4, 2, 3, 5, 6, 7]]
    report = validate_source(FrameSource(frame, kind, batch_rows=batch_rows), interval_s=1)
    (order,) = [f for f in report.findings if f.rule is Rule.TIME_ORDER]
    assert (order.count, order.first_row, report.quarantined) == (2, 4, 2)


@BATCH_SIZES
def test_series_have_a_time_each(batch_rows: int) -> None:
    one, other = table("node", 6), table("node", 6).with_columns(node_id=pl.lit("other"))
    frame = pl.concat([one, other])
    assert validate_source(FrameSource(frame, "node", batch_rows=batch_rows), interval_s=1).ok


@BATCH_SIZES
def test_a_sampled_series_has_one_row_a_time(batch_rows: int) -> None:
    frame = table("node", 6)
    again = frame[2:3].with_columns(cpu_usage=pl.lit(0.9))
    frame = pl.concat([frame[:3], again, frame[3:]])
    report = validate_source(FrameSource(frame, "node", batch_rows=batch_rows), interval_s=1)
    assert [(f.rule, f.count, f.first_row) for f in report.findings] == [(Rule.DUPLICATE, 1, 4)]


@BATCH_SIZES
def test_events_may_share_a_time_but_not_everything(batch_rows: int) -> None:
    frame = table("block_access", 1)
    many = pl.concat([frame.with_columns(block_id=pl.lit(f"b{number}")) for number in (1, 2, 3, 1, 4, 3)])
    report = validate_source(FrameSource(many, "block_access", batch_rows=batch_rows))
    assert [(f.rule, f.count, f.first_row) for f in report.findings] == [(Rule.DUPLICATE, 2, 4)]
    assert report.quarantined == 2


@BATCH_SIZES
def test_a_gap_is_found_and_no_row_is_blamed(batch_rows: int) -> None:
    frame = table("link", 30)
    report = validate_source(
        FrameSource(pl.concat([frame[:10], frame[14:]]), "link", batch_rows=batch_rows), interval_s=1
    )
    assert [(f.rule, f.count, f.first_row) for f in report.findings] == [(Rule.GAP, 1, 11)]
    assert report.quarantined == 0
    assert not report.ok
    short = pl.concat([frame[:10], frame[12:]])
    assert validate_source(FrameSource(short, "link", batch_rows=batch_rows), interval_s=1).ok


def test_the_sampling_interval_is_each_series_own() -> None:
    slow = table("node", 20, step_s=60)
    fast = table("node", 20).with_columns(node_id=pl.lit("fast"))
    assert validate(pl.concat([slow, fast]), "node").ok
    report = validate(pl.concat([slow, fast[:8], fast[12:]]), "node")
    assert [f.first_row for f in report.findings] == [29]
    assert "5 s without a record where one comes every 1 s" in report.findings[0].reason


def test_events_have_no_gaps() -> None:
    frame = table("transfer", 10)
    assert validate(pl.concat([frame[:3], frame[9:]]), "transfer").ok


def test_missing_values_are_counted_and_bounded() -> None:
    frame = table("link", 100)
    few = frame.with_columns(rtt_ms=pl.when(pl.int_range(100) < 5).then(None).otherwise("rtt_ms"))
    report = validate(few, "link")
    assert report.ok
    assert report.missing == {"rtt_ms": 0.05}
    many = frame.with_columns(rtt_ms=pl.when(pl.int_range(100) < 6).then(None).otherwise("rtt_ms"))
    report = validate(many, "link")
    assert [(f.rule, f.column, f.count, f.first_row) for f in report.findings] == [
        (Rule.MISSING_SHARE, "rtt_ms", 6, None)
    ]
    assert report.quarantined == 0


def test_an_empty_table_has_nothing_wrong() -> None:
    assert validate(table("link")[:0], "link").ok


def test_the_report_does_not_depend_on_batches() -> None:
    frame = table("link", 60, nodes=3).with_columns(
        packet_loss=pl.when(pl.int_range(60) % 13 == 0).then(2.0).otherwise("packet_loss"),
        rtt_ms=pl.when(pl.int_range(60) % 7 == 0).then(None).otherwise("rtt_ms"),
    )
    frame = pl.concat([frame, frame[5:9]])
    reports = [
        validate_source(FrameSource(frame, "link", batch_rows=rows), interval_s=1).as_json()
        for rows in (1, 7, 1000)
    ]
    assert reports[0] == reports[1] == reports[2]
    assert reports[0]["counts"] == {"range": 5, "missing_share": 8, "time_order": 4}


def csv_with_faults(folder: Path) -> Path:
    frame = table("gossip", 30)
    lines = frame.write_csv().splitlines()
    lines[3] = lines[3].replace(",0.5,", ",half,", 1)
    lines[5] += ",extra"
    lines[7] = lines[8]
    path = folder / "table.csv"
    path.write_text("\n".join(lines))
    return path


def test_a_file_with_faults(tmp_path: Path) -> None:
    path = csv_with_faults(tmp_path)
    report = validate_file(path)
    assert report.kind == "gossip"
    assert report.counts() == {Rule.SHAPE: 1, Rule.TYPE: 1, Rule.DUPLICATE: 1}
    assert report.quarantine == tmp_path / "table.quarantine.parquet"
    bad = pl.read_parquet(report.quarantine)
    assert bad["row"].to_list() == [3, 5, 8]
    assert bad["reason"].to_list() == [
        "message_loss is not of type float64",
        "the line has too many or too few cells",
        "the series has this record already",
    ]
    assert bad["message_loss"].to_list() == ["half", "0.5", "0.5"]
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]
    assert report.lines() == [
        f"{path}: not ok, 30 gossip rows, 3 quarantined",
        "  shape (1, first in row 5): the line has too many or too few cells",
        "  type (1, first in row 3): message_loss is not of type float64",
        "  duplicate (1, first in row 8): the series has this record already",
        f"  bad rows and reasons: {report.quarantine}",
    ]
    assert json.loads(json.dumps(report.as_json()))["ok"] is False


def test_a_good_file_has_no_quarantine(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    table("link").write_parquet(path)
    report = validate_file(path)
    assert report.ok
    assert report.quarantine is None
    assert report.lines() == [f"{path}: ok, 40 link rows, 0 quarantined"]
    assert [file.name for file in tmp_path.iterdir()] == ["table.parquet"]


def test_unknown_columns_are_an_error_unless_quarantined(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    frame = table("link", 3).with_columns(reason=pl.Series(["because", None, None]), row=pl.lit(None))
    frame.write_parquet(path)
    with pytest.raises(SchemaError, match="unknown columns 'reason', 'row'"):
        validate_file(path, "link")
    report = validate_file(path, "link", quarantine=tmp_path / "out" / "bad.parquet")
    assert report.counts() == {Rule.UNKNOWN_COLUMN: 1}
    bad = pl.read_parquet(tmp_path / "out" / "bad.parquet")
    assert bad["row"].to_list() == [1]
    assert bad["reason"].to_list() == ["column 'reason' is not in the schema"]
    assert bad["found_reason"].to_list() == ["because"]


def test_a_full_disk_leaves_no_half_quarantine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self, table) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = csv_with_faults(tmp_path)
    monkeypatch.setattr(parquet_file.TableWriter, "write", full)
    with pytest.raises(StorageError, match="No space left on device"):
        validate_file(path)
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_a_table_that_ends_in_an_error_leaves_no_half_quarantine(tmp_path: Path) -> None:
    class Breaking(FrameSource):
        def batches(self):
            yield from super().batches()
            raise InputError("cut")

    frame = table("link").with_columns(packet_loss=pl.lit(2.0))
    with pytest.raises(InputError, match="cut"):
        validate_source(Breaking(frame, "link"), quarantine=tmp_path / "bad.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_quarantine_that_cannot_be_made(tmp_path: Path) -> None:
    path = csv_with_faults(tmp_path)
    with pytest.raises(StorageError, match="name another place"):
        validate_file(path, quarantine=path / "bad.parquet")
