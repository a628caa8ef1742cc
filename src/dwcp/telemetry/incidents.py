"""Labelled incidents: read from JSON, held against the records, laid over them as targets."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dwcp.errors import InputError, SchemaError
from dwcp.telemetry.privacy import IdentifierHasher
from dwcp.telemetry.schema import MAX_TEXT_CHARACTERS

__all__ = ["Incident", "Severity", "check_overlap", "label_records", "load_incidents", "parse_incidents"]

Severity = Literal["low", "medium", "high", "critical"]

_Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)]
_TARGETS = {
    "incident_id": pl.String(),
    "incident_type": pl.String(),
    "incident_start": pl.Datetime("us", "UTC"),
    "incident_end": pl.Datetime("us", "UTC"),
}


class Incident(BaseModel):
    """One labelled incident of one node.

    ``start`` and ``end``, both inclusive, are ISO 8601 with a zone, or seconds since 1970-01-01 UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: _Text
    node: _Text
    type: _Text
    severity: Severity
    start: AwareDatetime
    end: AwareDatetime


_INCIDENTS = TypeAdapter(list[Incident])


def load_incidents(path: Path) -> tuple[Incident, ...]:
    """The incidents in a JSON file: a list of objects with ``id, node, type, severity, start, end``.

    Raises:
        InputError: the file cannot be read.
        SchemaError: it does not hold such incidents.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(f"incidents file {path} cannot be read: {error.strerror}") from error
    return parse_incidents(text, str(path))


def parse_incidents(text: str | bytes, source: str = "the incidents") -> tuple[Incident, ...]:
    """The incidents in a JSON text.

    Args:
        text: the JSON text.
        source: what to call it in messages.

    Raises:
        SchemaError: it does not hold such incidents, two have one id, or one ends before it starts.
    """
    try:
        incidents = _INCIDENTS.validate_json(text)
    except ValidationError as error:
        raise SchemaError(_sentence(error, source)) from error
    for name, count in Counter(incident.id for incident in incidents).items():
        if count > 1:
            raise SchemaError(f"{source}: {count} incidents have the id {name!r}; give each its own")
    for incident in incidents:
        if incident.end < incident.start:
            raise SchemaError(f"{source}: incident {incident.id!r} ends before it starts")
    return tuple(incidents)


def check_overlap(
    incidents: Sequence[Incident], records: pl.DataFrame, hasher: IdentifierHasher | None = None
) -> None:
    """Hold every incident against its node's records.

    Args:
        incidents: the labels.
        records: rows with ``node_id`` and ``epoch_time``.
        hasher: hashes the incidents' node names as the recorder hashed those of the records; None if the
            incidents name nodes as the records do.

    Raises:
        SchemaError: an incident overlaps no record of its node.
    """
    for incident in incidents:
        if not records.select(_covers(incident, hasher).any()).item():
            own = records.filter(pl.col("node_id") == _node(incident, hasher))["epoch_time"]
            raise SchemaError(
                f"incident {incident.id!r} of node {incident.node!r}, from {incident.start.isoformat()} to"
                f" {incident.end.isoformat()}, overlaps no record of that node, {_extent(own)};"
                " mend the label, or leave it out"
            )


def label_records(
    records: pl.DataFrame, incidents: Sequence[Incident], hasher: IdentifierHasher | None = None
) -> pl.DataFrame:
    """The records with the incident targets filled in: ``is_anomaly``, ``incident_id`` and so on.

    Where two incidents of a node overlap, a record belongs to the one that starts later.

    Args:
        records: rows of a kind that has these targets, e.g. ``node``.
        incidents: the labels.
        hasher: see `check_overlap`.

    Raises:
        SchemaError: an incident overlaps no record of its node.
    """
    check_overlap(incidents, records, hasher)
    ordered = sorted(incidents, key=lambda incident: incident.start)
    places = pl.repeat(None, records.height, dtype=pl.Int64, eager=True)
    for place, incident in enumerate(ordered):
        places = places.set(records.select(_covers(incident, hasher)).to_series(), place)
    rows = [
        (incident.id, incident.type, incident.start.astimezone(UTC), incident.end.astimezone(UTC))
        for incident in ordered
    ]
    targets = pl.DataFrame(rows, schema=_TARGETS, orient="row")
    laid = [column.gather(places) for column in targets.get_columns()]
    return records.with_columns(places.is_not_null().alias("is_anomaly"), *laid)


def _node(incident: Incident, hasher: IdentifierHasher | None) -> str:
    return incident.node if hasher is None else hasher.hash(incident.node, "node")


def _covers(incident: Incident, hasher: IdentifierHasher | None) -> pl.Expr:
    inside = pl.col("epoch_time").is_between(_ns(incident.start), _ns(incident.end))
    return (pl.col("node_id") == _node(incident, hasher)) & inside


def _ns(time: datetime) -> int:
    elapsed = time - datetime(1970, 1, 1, tzinfo=UTC)
    return ((elapsed.days * 86_400 + elapsed.seconds) * 10**6 + elapsed.microseconds) * 1000


def _extent(times: pl.Series) -> str:
    if times.is_empty():
        return "of which there is none"
    first, last = (datetime.fromtimestamp(time // 10**9, UTC).isoformat() for time in times.sort()[[0, -1]])
    return f"whose records run from {first} to {last}"


def _sentence(error: ValidationError, source: str) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{source}: {f'{where}: ' if where else ''}{first['msg']}"
