"""What transfers recorded in the last minutes: streams (AMST) and encoding (HDE).

Read from the telemetry folder, whose layout `dwcp.telemetry.sinks.parquet` describes: the names of files
tell the times of their rows, so only the last minutes' files are opened.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from msgspec import Struct

from dwcp.errors import StorageError
from dwcp.telemetry.schema import kind_named, polars_schema

__all__ = ["WINDOW_S", "CodecTraffic", "StreamTraffic", "Traffic", "read_traffic"]

WINDOW_S = 300.0
"""How far back records are looked at."""
_FILES = 64
"""Most files of a kind that are opened, the latest."""
_NS = 10**9


class StreamTraffic(Struct, frozen=True):
    """TCP streams, each as last recorded; None for what no record told.

    Attributes:
        connections: pairs of nodes.
        streams: that were open.
        transfer_rate_mbps: bytes on the link, of all together.
        throughput_mbps: plain bytes that arrived, of all together.
        rtt_ms: mean of the streams.
        jitter_ms: mean of the streams.
        packet_loss_ratio: mean of the streams.
        utilization_ratio: mean share of the time in which a stream had something to send.
    """

    connections: int
    streams: int
    transfer_rate_mbps: float | None
    throughput_mbps: float | None
    rtt_ms: float | None
    jitter_ms: float | None
    packet_loss_ratio: float | None
    utilization_ratio: float | None


class CodecTraffic(Struct, frozen=True):
    """What one codec came to in the last minutes.

    Attributes:
        bundles: that it encoded.
        plain_bytes: that went in.
        stored_bytes: that came out.
        compress_s: processor time.
    """

    bundles: int
    plain_bytes: int
    stored_bytes: int
    compress_s: float


class Traffic(Struct, frozen=True):
    """What transfers recorded in the last `WINDOW_S` seconds.

    Attributes:
        streams: None where none was recorded.
        changes: streams that came or went, by event and reason.
        codecs: encoding, by codec.
    """

    streams: StreamTraffic | None
    changes: Mapping[tuple[str, str], int]
    codecs: Mapping[str, CodecTraffic]


def read_traffic(folder: Path, now: float) -> Traffic:
    """Read the last minutes' records; none are there where nothing was recorded.

    Args:
        folder: where `dwcp.telemetry.sinks.ParquetSink` writes.
        now: seconds since 1970.

    Raises:
        StorageError: a file cannot be read.
    """
    try:
        streams, changes, encoded = (_rows(folder, kind, now) for kind in _COLUMNS)
    except (OSError, pl.exceptions.PolarsError) as error:
        first = str(error).partition("\n")[0]
        raise StorageError(f"telemetry in {folder} cannot be read ({first}); mend or remove it") from error
    return Traffic(_streams(streams), _changes(changes), _codecs(encoded))


_COLUMNS: Mapping[str, Sequence[str]] = {
    "stream": (
        *("node_id", "peer_id", "stream_index", "amst_streams", "transfer_rate_mbps", "throughput_mbps"),
        *("rtt_ms", "jitter_ms", "packet_loss", "stream_utilization"),
    ),
    "stream_change": ("stream_event", "stream_reason"),
    "compression": ("codec", "block_bytes", "stored_bytes", "compress_ms"),
}


def _rows(folder: Path, kind: str, now: float) -> pl.DataFrame:
    since_ns = int((now - WINDOW_S) * _NS)
    schema = polars_schema(kind_named(kind))
    paths = _parts(folder, kind, since_ns, now)
    columns = ["epoch_time", *_COLUMNS[kind]]
    if not paths:
        return pl.DataFrame(schema={name: schema[name] for name in columns})
    rows = pl.scan_parquet(
        paths, schema=schema, hive_partitioning=False, missing_columns="insert", extra_columns="ignore"
    )
    return rows.filter(pl.col("epoch_time") >= since_ns).select(columns).sort("epoch_time").collect()


def _parts(folder: Path, kind: str, since_ns: int, now: float) -> list[Path]:
    dates = {datetime.fromtimestamp(time_s, UTC).date() for time_s in (now - WINDOW_S, now)}
    found = [
        (last_ns, path)
        for date in dates
        for path in folder.glob(f"date={date}/kind={kind}/part-*.parquet")
        if (last_ns := _last_ns(path)) >= since_ns
    ]
    return [path for _, path in sorted(found)[-_FILES:]]


def _last_ns(path: Path) -> int:
    """Time of a file's latest row; before all times where no sink gave the name."""
    parts = path.name.split("-")
    return int(parts[2]) if len(parts) > 3 and parts[2].isdecimal() else -1


def _streams(rows: pl.DataFrame) -> StreamTraffic | None:
    if rows.is_empty():
        return None
    last = rows.group_by("node_id", "peer_id", "stream_index").last()
    pairs = rows.group_by("node_id", "peer_id").last()
    return StreamTraffic(
        len(pairs),
        int(pairs["amst_streams"].sum() or 0),
        _sum(last["transfer_rate_mbps"]),
        _sum(last["throughput_mbps"]),
        *(_mean(last[name]) for name in ("rtt_ms", "jitter_ms", "packet_loss", "stream_utilization")),
    )


def _changes(rows: pl.DataFrame) -> Mapping[tuple[str, str], int]:
    counted = rows.drop_nulls().group_by("stream_event", "stream_reason").len().sort(pl.all())
    return {(event, reason): count for event, reason, count in counted.iter_rows()}


def _codecs(rows: pl.DataFrame) -> Mapping[str, CodecTraffic]:
    sums = pl.col("block_bytes").sum(), pl.col("stored_bytes").sum(), pl.col("compress_ms").sum() / 1e3
    added = rows.drop_nulls("codec").group_by("codec").agg(pl.len(), *sums).sort("codec")
    return {codec: CodecTraffic(*figures) for codec, *figures in added.iter_rows()}


def _sum(column: pl.Series) -> float | None:
    return float(column.sum()) if column.count() else None


def _mean(column: pl.Series) -> float | None:
    told = column.mean()
    return float(told) if isinstance(told, int | float) else None
