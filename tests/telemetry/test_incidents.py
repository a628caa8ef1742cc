import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from dwcp.errors import InputError, SchemaError
from dwcp.telemetry import IdentifierHasher
from dwcp.telemetry.incidents import Incident, check_overlap, label_records, load_incidents, parse_incidents
from dwcp.telemetry.schema import KINDS, polars_schema
from dwcp.telemetry.schema.examples import example_rows
from dwcp.telemetry.validation import validate

START = datetime(2026, 1, 1, tzinfo=UTC)
HASHER = IdentifierHasher(bytes(32))


def incident(first_s: float, last_s: float, node: str = "node-0", name: str = "i-1") -> Incident:
    start, end = START + timedelta(seconds=first_s), START + timedelta(seconds=last_s)
    return Incident(id=name, node=node, type="disk stall", severity="high", start=start, end=end)


def records() -> pl.DataFrame:
    return pl.DataFrame(example_rows(KINDS["node"], 20, nodes=2), schema=polars_schema(KINDS["node"]))


def plain(**change: object) -> dict:
    return {
        "id": "i-1",
        "node": "web-1",
        "type": "disk stall",
        "severity": "high",
        "start": "2026-01-01T00:00:00Z",
        "end": 1_767_225_660,
    } | change


def test_incidents_are_read(tmp_path: Path) -> None:
    path = tmp_path / "incidents.json"
    path.write_text(json.dumps([plain(), plain(id="i-2")]))
    first, second = load_incidents(path)
    assert (first.id, second.id, first.node) == ("i-1", "i-2", "web-1")
    assert first.end - first.start == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", "EOF"),
        ("{}", "valid array"),
        (json.dumps([plain(colour="red")]), "0.colour"),
        (json.dumps([{k: v for k, v in plain().items() if k != "node"}]), "0.node: Field required"),
        (json.dumps([plain(severity="bad")]), "0.severity"),
        (json.dumps([plain(start="2026-01-01T00:00:00")]), "0.start: .*timezone"),
        (json.dumps([plain(id="")]), "0.id"),
        (json.dumps([plain(), plain()]), "2 incidents have the id 'i-1'"),
        (json.dumps([plain(end="2025-12-31T00:00:00Z")]), "'i-1' ends before it starts"),
    ],
)
def test_what_is_no_incident(text: str, words: str) -> None:
    with pytest.raises(SchemaError, match=words) as caught:
        parse_incidents(text, "labels.json")
    assert str(caught.value).startswith("labels.json: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json"):
        load_incidents(tmp_path / "none.json")


@pytest.mark.parametrize("times", [(0, 0), (9, 100), (-50, 0), (3.5, 4), (-1, 1000)])
def test_an_incident_that_overlaps(times: tuple[float, float]) -> None:
    check_overlap([incident(*times)], records())


@pytest.mark.parametrize("times", [(9.5, 100), (-50, -1), (3.2, 3.8)])
def test_an_incident_that_overlaps_nothing(times: tuple[float, float]) -> None:
    words = "'i-1' of node 'node-0'.*overlaps no record.*run from 2026-01-01T00:00:00"
    with pytest.raises(SchemaError, match=words):
        check_overlap([incident(0, 5, name="fine"), incident(*times)], records())


def test_another_nodes_records_do_not_count() -> None:
    with pytest.raises(SchemaError, match="of which there is none"):
        check_overlap([incident(0, 5, node="node-9")], records())
    with pytest.raises(SchemaError):
        check_overlap([incident(0, 5)], records().filter(pl.col("node_id") == "node-1"))


def test_names_in_clear_meet_hashed_records() -> None:
    hashed = records().with_columns(
        pl.col("node_id").map_elements(lambda name: HASHER.hash(name, "node"), return_dtype=pl.String)
    )
    check_overlap([incident(0, 5)], hashed, HASHER)
    with pytest.raises(SchemaError):
        check_overlap([incident(0, 5)], hashed)
    assert label_records(hashed, [incident(2, 3)], HASHER)["is_anomaly"].sum() == 2


def test_labels_lie_where_the_incident_was() -> None:
    labelled = label_records(records(), [incident(2, 4), incident(4, 6, name="i-2")])
    anomalous = labelled.filter("is_anomaly").select("node_id", "timestamp", "incident_id")
    assert anomalous.rows() == [
        ("node-0", START + timedelta(seconds=second), "i-1" if second < 4 else "i-2")
        for second in (2, 3, 4, 5, 6)
    ]
    assert labelled["incident_type"].drop_nulls().to_list() == ["disk stall"] * 5
    assert labelled.columns == records().columns
    assert validate(labelled, "node").ok


def test_no_incidents_leave_no_anomaly() -> None:
    labelled = label_records(records(), [])
    assert not labelled["is_anomaly"].any()
    assert labelled["incident_id"].null_count() == 20
    assert validate(labelled, "node").ok
