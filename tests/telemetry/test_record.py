from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.errors import RecordRefusedError
from dwcp.telemetry import IdentifierHasher, Rule, check_record
from dwcp.telemetry.record import Refusal, admit
from dwcp.telemetry.schema import KINDS
from dwcp.telemetry.schema.examples import example_rows

HASHER = IdentifierHasher(bytes(32))
TIME = 1_767_225_600_123_456_789
LINK = {"node_id": "web-1", "peer_id": "web-2", "rtt_ms": 1.5, "throughput_mbps": 10}


def test_a_record_becomes_a_row_with_every_column() -> None:
    row = admit("link", TIME, LINK, HASHER)
    assert isinstance(row, dict)
    assert tuple(row) == KINDS["link"].names
    assert row["timestamp"] == datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    assert row["epoch_time"] == TIME
    assert row["region"] is None
    assert row["throughput_mbps"] == 10.0
    assert isinstance(row["throughput_mbps"], float)


def test_identifiers_are_hashed_and_nothing_else_is() -> None:
    row = admit("link", TIME, LINK | {"region": "north", "datacenter_id": "dc-7"}, HASHER)
    assert isinstance(row, dict)
    assert row["node_id"] == HASHER.hash("web-1", "node")
    assert row["peer_id"] == HASHER.hash("web-2", "node")
    assert row["datacenter_id"] == HASHER.hash("dc-7", "datacenter")
    assert row["region"] == "north"


def test_times_are_stored_in_utc() -> None:
    start = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    base = next(iter(example_rows(KINDS["node"], 1)))
    fields = {name: base[name] for name in ("node_id", "error_rate")} | {"incident_start": start}
    row = admit("node", TIME, fields, HASHER)
    assert isinstance(row, dict)
    assert row["incident_start"] == start
    assert row["incident_start"].utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"body": "text"}, Rule.UNKNOWN_COLUMN),
        ({"epoch_time": TIME}, Rule.UNKNOWN_COLUMN),
        ({"timestamp": None}, Rule.UNKNOWN_COLUMN),
        ({5: 1.0}, Rule.UNKNOWN_COLUMN),
        ({"region": b"secret"}, Rule.TYPE),
        ({"region": "\ud800"}, Rule.TYPE),
        ({"rtt_ms": "1.5"}, Rule.TYPE),
        ({"rtt_ms": True}, Rule.TYPE),
        ({"rtt_ms": [1.5]}, Rule.TYPE),
        ({"retransmits": 1.0}, Rule.TYPE),
        ({"retransmits": 2**63}, Rule.TYPE),
        ({"app_limited": 1}, Rule.TYPE),
        ({"region": "x" * 257}, Rule.TOO_LONG),
        ({"node_id": "x" * 257}, Rule.TOO_LONG),
        ({"packet_loss": 1.01}, Rule.RANGE),
        ({"packet_loss": float("nan")}, Rule.RANGE),
        ({"rtt_ms": float("inf")}, Rule.RANGE),
        ({"retransmits": -1}, Rule.RANGE),
        ({"mode": "standard"}, Rule.CATEGORY),
        ({"node_id": None}, Rule.MISSING_KEY),
    ],
)
def test_what_is_refused(change: dict, rule: Rule) -> None:
    refusal = admit("link", TIME, LINK | change, HASHER)
    assert isinstance(refusal, Refusal)
    assert refusal.rule is rule
    with pytest.raises(RecordRefusedError, match="a link record is refused"):
        check_record("link", TIME, LINK | change)


@pytest.mark.parametrize(
    ("kind", "time", "fields", "rule"),
    [
        ("letters", TIME, LINK, Rule.UNKNOWN_KIND),
        (None, TIME, LINK, Rule.UNKNOWN_KIND),
        ("link", TIME, None, Rule.TYPE),
        ("link", float(TIME), LINK, Rule.TYPE),
        ("link", 5, LINK, Rule.RANGE),
    ],
)
def test_records_that_are_no_records(kind, time, fields, rule: Rule) -> None:
    refusal = admit(kind, time, fields, HASHER)
    assert isinstance(refusal, Refusal)
    assert refusal.rule is rule


@given(st.text(max_size=400), st.binary(max_size=400))
def test_a_refusal_does_not_tell_the_value(text: str, content: bytes) -> None:
    for value in (f"<{text}>" * 200, content):
        refusal = admit("link", TIME, LINK | {"region": value}, HASHER)
        assert isinstance(refusal, Refusal)
        assert refusal.sentence in (
            "a link record is refused: field 'region' is over 256 characters",
            "a link record is refused: field 'region' is not of type string",
        )


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_valid_rows_of_every_kind_are_admitted(kind) -> None:
    for row in example_rows(kind, 10):
        fields = {name: value for name, value in row.items() if name not in ("timestamp", "epoch_time")}
        check_record(kind.name, row["epoch_time"], fields)
        admitted = admit(kind.name, row["epoch_time"], fields, HASHER)
        assert isinstance(admitted, dict)
        assert {n: v for n, v in admitted.items() if n not in kind.hashed} == {
            n: v for n, v in row.items() if n not in kind.hashed
        }
