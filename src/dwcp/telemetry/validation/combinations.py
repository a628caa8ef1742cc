"""Values that cannot be true together, whatever each is alone."""

from dataclasses import dataclass

import polars as pl

from dwcp.telemetry.schema import Kind

__all__ = ["IMPOSSIBLE", "Impossible", "impossible_in"]


@dataclass(frozen=True, slots=True)
class Impossible:
    """One combination. Missing values are never impossible, unless the expression says so.

    Attributes:
        name: for reports.
        columns: what it looks at; it applies to the kinds that have them all.
        broken: true for the rows that cannot be.
        reason: what is wrong with them.
    """

    name: str
    columns: tuple[str, ...]
    broken: pl.Expr
    reason: str


def impossible_in(kind: Kind) -> tuple[Impossible, ...]:
    """The combinations that apply to a kind."""
    return tuple(rule for rule in IMPOSSIBLE if all(column in kind.by_name for column in rule.columns))


def _order(low: str, high: str) -> Impossible:
    reason = f"{low} is above {high}"
    return Impossible(f"{low}_above_{high}", (low, high), pl.col(low) > pl.col(high), reason)


IMPOSSIBLE: tuple[Impossible, ...] = (
    Impossible(
        "clocks_differ",
        ("timestamp", "epoch_time"),
        pl.col("timestamp").dt.epoch("us") != pl.col("epoch_time") // 1000,
        "timestamp is not epoch_time to the microsecond",
    ),
    _order("p50_latency_ms", "p95_latency_ms"),
    _order("p50_latency_ms", "p99_latency_ms"),
    _order("p95_latency_ms", "p99_latency_ms"),
    _order("incident_start", "incident_end"),
    Impossible(
        "stored_without_codec",
        ("stored_bytes", "codec"),
        pl.col("stored_bytes").is_not_null() & pl.col("codec").is_null(),
        "stored_bytes without a codec",
    ),
    Impossible(
        "level_without_codec",
        ("compression_level", "codec"),
        pl.col("compression_level").is_not_null() & pl.col("codec").is_null(),
        "compression_level without a codec",
    ),
    Impossible(
        "none_shrank",
        ("codec", "block_bytes", "stored_bytes"),
        (pl.col("codec") == "none") & (pl.col("stored_bytes") < pl.col("block_bytes")),
        "codec none stored less than the block",
    ),
    Impossible(
        "delta_without_reference",
        ("codec", "has_reference"),
        (pl.col("codec") == "delta") & ~pl.col("has_reference"),
        "codec delta without a reference",
    ),
    Impossible(
        "stream_beyond_count",
        ("stream_index", "amst_streams"),
        pl.col("stream_index") >= pl.col("amst_streams"),
        "stream_index is not below amst_streams",
    ),
    Impossible(
        "child_without_parent",
        ("depth", "parent_count"),
        (pl.col("depth") > 0) & (pl.col("parent_count") == 0),
        "a block below the root without a parent",
    ),
    Impossible(
        "request_without_peer",
        ("event", "peer_id"),
        (pl.col("event") == "peer_request") & pl.col("peer_id").is_null(),
        "event peer_request without a peer_id",
    ),
    Impossible(
        "fanout_beyond_overlay",
        ("fanout", "overlay_size"),
        pl.col("fanout") >= pl.col("overlay_size"),
        "fanout is not below overlay_size",
    ),
    Impossible(
        "bytes_without_messages",
        ("bytes_sent", "messages_sent"),
        (pl.col("bytes_sent") > 0) & (pl.col("messages_sent") == 0),
        "bytes_sent without messages_sent",
    ),
    Impossible(
        "incident_without_anomaly",
        ("incident_id", "is_anomaly"),
        pl.col("incident_id").is_not_null() & ~pl.col("is_anomaly"),
        "an incident_id on a row that is no anomaly",
    ),
    Impossible(
        "anomaly_without_incident",
        ("incident_id", "is_anomaly"),
        pl.col("incident_id").is_null() & pl.col("is_anomaly"),
        "is_anomaly without an incident_id",
    ),
)
"""Every impossible combination."""
