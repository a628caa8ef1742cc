import json
import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.codecs.names import codec_families
from dwcp.errors import RecordRefusedError, SchemaError
from dwcp.telemetry.record import check_record
from dwcp.telemetry.schema import (
    COLUMNS,
    KINDS,
    Column,
    DType,
    Group,
    arrow_schema,
    as_json_schema,
    as_markdown,
    columns_of,
    kind_named,
    polars_schema,
)
from dwcp.telemetry.schema.examples import example_rows

PUBLISHED = {
    Group.TEMPORAL: "timestamp epoch_time",
    Group.TOPOLOGY: "region az datacenter_id link_type",
    Group.IDENTITY: "node_id peer_id node_role",
    Group.LATENCY: "rtt_ms jitter_ms p50_latency_ms p95_latency_ms p99_latency_ms",
    Group.THROUGHPUT: "throughput_mbps bandwidth_mbps bytes_tx bytes_rx transfer_rate_mbps",
    Group.RELIABILITY: "packet_loss retransmits error_rate timeout_rate connection_failures sla_violations "
    "uptime_pct",
    Group.CONGESTION: "congestion_window queue_depth buffer_utilization",
    Group.PROTOCOL: "mode profile network_tier transport_type",
    Group.COMPRESSION: "codec compression_level block_bytes stored_bytes compress_ms decompress_ms "
    "has_reference entropy_bits sample_ratio hde_compression_ratio hde_delta_hit_rate baseline_ratio",
    Group.STREAMS: "amst_streams amst_transfer_rate_mbps stream_utilization",
    Group.RELIABILITY_BUDGET: "error_budget_burn_rate slo_compliance failure_rate",
    Group.HOST: "cpu_usage memory_usage memory_available_mb disk_io active_transfers",
    Group.CONSENSUS: "queue_depth proposals_pending proposals_committed leader_changes quorum_size "
    "active_nodes consensus_type consensus_latency_ms",
    Group.BLOCK_ACCESS: "block_id depth parent_count event latency_ms",
    Group.GOSSIP: "overlay_size fanout ttl degree message_loss coverage messages_sent bytes_sent",
}


@pytest.mark.parametrize("group", PUBLISHED)
def test_every_published_column_is_there(group: Group) -> None:
    assert set(PUBLISHED[group].split()) <= {column.name for column in columns_of(group)}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("consensus", "queue_depth p50_latency_ms p95_latency_ms p99_latency_ms network_tier profile"),
        ("block_access", "block_bytes peer_id latency_ms"),
    ],
)
def test_groups_that_share_columns_with_others_have_them_in_their_kind(kind: str, names: str) -> None:
    assert set(names.split()) <= set(KINDS[kind].names)


def test_a_name_that_two_groups_have_is_the_same_but_for_its_meaning() -> None:
    by_name: dict[str, list[Column]] = {}
    for column in COLUMNS:
        by_name.setdefault(column.name, []).append(column)
    shared = {name: columns for name, columns in by_name.items() if len(columns) > 1}
    assert set(shared) == {"queue_depth"}
    for columns in shared.values():
        assert len({(column.dtype, column.low, column.high, column.categories) for column in columns}) == 1
        assert len({column.group for column in columns}) == len(columns)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kind_is_consistent(kind) -> None:
    assert len(set(kind.names)) == len(kind.columns)
    assert set(kind.required) | set(kind.keys) <= set(kind.names)
    assert {"timestamp", "epoch_time", "node_id"} <= set(kind.names)
    assert not any(kind.by_name[name].target for name in kind.required)
    assert set(kind.series) <= set(kind.names)


def test_every_column_is_in_some_kind_and_used_by_some_task() -> None:
    used = {column for kind in KINDS.values() for column in kind.columns}
    assert used == set(COLUMNS)
    assert all(column.tasks for column in COLUMNS)


def test_the_two_queue_depths_do_not_meet() -> None:
    assert KINDS["consensus"].by_name["queue_depth"].unit == "requests"
    assert KINDS["link"].by_name["queue_depth"].unit == "packets"


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: f"{column.group}-{column.name}")
def test_a_column_is_well_formed(column: Column) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
    assert column.meaning
    assert "|" not in column.meaning
    assert column.unit
    assert not column.categories or column.dtype is DType.STRING
    if column.low is not None and column.high is not None:
        assert column.low < column.high
    for suffix, unit in {"_ms": "ms", "_mbps": "Mbit/s", "_bytes": "bytes", "_pct": "%", "_mb": "MB"}.items():
        assert not column.name.endswith(suffix) or column.unit == unit


def test_identifiers_are_hashed() -> None:
    named = {column.name for column in COLUMNS if column.name.endswith("_id")}
    assert named - {"incident_id"} == {column.name for column in COLUMNS if column.hashed}


@pytest.mark.parametrize("prefix", ["", "best_"])
def test_the_codecs_are_those_there_are(prefix: str) -> None:
    columns = KINDS["compression"].by_name
    assert set(columns[f"{prefix}codec"].categories) == {family.name for family in codec_families()}
    level = columns["best_level" if prefix else "compression_level"]
    levels = [level for family in codec_families() for level in family.levels]
    assert level.low <= min(levels)
    assert max(levels) <= level.high


def test_unknown_kind() -> None:
    with pytest.raises(SchemaError, match="'letters'; the kinds are transfer, link"):
        kind_named("letters")


def _obeys(schema: dict, value: object) -> bool:
    """As much of JSON Schema as a column uses."""
    python = {"integer": int, "number": (int, float), "boolean": bool, "string": str}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if value is None:
        return "null" in kinds and ("enum" not in schema or None in schema["enum"])
    (kind,) = [kind for kind in kinds if kind != "null"]
    return (
        isinstance(value, python[kind])
        and (kind == "boolean" or not isinstance(value, bool))
        and ("enum" not in schema or value in schema["enum"])
        and ("maxLength" not in schema or len(value) <= schema["maxLength"])
        and ("minimum" not in schema or value >= schema["minimum"])
        and ("maximum" not in schema or value <= schema["maximum"])
    )


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=300),
    st.just("zstd"),
)


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_the_json_schema_and_the_recorder_agree(kind: str, data: st.DataObject) -> None:
    """Two forms of one definition: what one takes, the other takes."""
    names = [
        n for n, c in KINDS[kind].by_name.items() if c.group is not Group.TEMPORAL and c.dtype != "timestamp"
    ]
    name = data.draw(st.sampled_from(names))
    value = data.draw(VALUES)
    row = example_rows(KINDS[kind], 1)[0]
    fields = {name: cell for name, cell in row.items() if name not in ("timestamp", "epoch_time")}
    try:
        check_record(kind, row["epoch_time"], fields | {name: value})
        taken = True
    except RecordRefusedError:
        taken = False
    schema = json.loads(json.dumps(as_json_schema()))
    if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
        return
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        assert not taken
        return
    assert taken == _obeys(schema["$defs"][kind]["properties"][name], value)


def test_the_json_schema_allows_no_other_fields() -> None:
    schema = as_json_schema()
    assert [branch["$ref"] for branch in schema["oneOf"]] == [f"#/$defs/{kind}" for kind in KINDS]
    for kind, definition in schema["$defs"].items():
        assert definition["additionalProperties"] is False
        assert list(definition["properties"]) == ["kind", *KINDS[kind].names]
        assert set(definition["required"]) == {"kind", *KINDS[kind].keys, *KINDS[kind].required}
        assert definition["properties"]["node_id"]["x-identifier"] is True


def test_the_markdown_names_everything() -> None:
    text = as_markdown()
    for kind in KINDS:
        assert f"| `{kind}` |" in text
    for column in COLUMNS:
        assert f"| {column.group.value} | `{column.name}` | {column.dtype.value} | {column.unit} |" in text
    widths = {line.count("|") for line in text.split("## Columns")[1].splitlines() if line}
    assert widths == {9}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_arrow_and_polars_schemas_agree(kind) -> None:
    rows = example_rows(kind, 4)
    table = pa.Table.from_pylist(rows, schema=arrow_schema(kind))
    assert table.to_pylist() == rows
    assert table.schema.names == list(kind.names) == polars_schema(kind).names()
    for field, dtype in zip(table.schema, polars_schema(kind).values(), strict=True):
        assert dtype.to_python() is {"large_string": str}.get(str(field.type), type(rows[0][field.name]))
    assert not table.schema.field("node_id").nullable
    assert table.schema.field("region").nullable
