"""``dwcp_amst_*``, ``dwcp_hde_*`` and ``pakit_*``: transfers as they recorded themselves, and a store."""

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric

from dwcp.serving.metrics.families import gauge, gauges
from dwcp.serving.metrics.observed import Observed
from dwcp.serving.metrics.traffic import WINDOW_S, StreamTraffic, Traffic
from dwcp.serving.metrics.views import StoreFigures

__all__ = ["store_metrics", "transfer_metrics"]

_LATELY = f"in the last {WINDOW_S / 60:g} minutes"
_DELTA = "delta"


def transfer_metrics(observed: Observed) -> Iterator[Metric]:
    """Streams and encoding; none where nothing was recorded lately.

    Args:
        observed: what is looked at.
    """
    traffic = observed.traffic and observed.traffic.get()
    if not traffic:
        return
    if traffic.streams is not None:
        yield from _streams(traffic.streams)
    yield gauge(
        "dwcp_amst_stream_changes",
        f"Streams that came or went {_LATELY}",
        ("event", "reason"),
        ((key, float(count)) for key, count in traffic.changes.items()),
    )
    yield from _codecs(traffic)


def store_metrics(observed: Observed) -> Iterator[Metric]:
    """What a store holds; none where there is no store.

    Args:
        observed: what is looked at.
    """
    figures = observed.stored and observed.stored.get()
    if not figures:
        return
    yield from gauges(
        "pakit_",
        {
            "snapshots": (figures.snapshot_count, "Snapshots that are kept"),
            "packs": (figures.pack_count, "Packs that are there"),
            "pack_bytes": (figures.pack_bytes, "Bytes of all packs, directories and trailers included"),
            "delta_blocks": (figures.delta_count, "Blocks that are kept as deltas"),
            "plain_bytes": (figures.plain_bytes, "Bytes of all blocks' plaintexts, each counted once"),
            "stored_bytes": (figures.stored_bytes, "Bytes of their frames"),
        },
    )
    yield gauge(
        "pakit_blocks",
        "Blocks that are kept: of content, or nodes",
        ("kind",),
        [(("chunk",), float(figures.chunk_count)), (("node",), float(figures.node_count))],
    )
    yield from _stored_by_codec(figures)


def _streams(streams: StreamTraffic) -> Iterator[Metric]:
    last = f"as last recorded {_LATELY}"
    yield from gauges(
        "dwcp_amst_",
        {
            "connections": (streams.connections, f"Pairs of nodes with a stream, {last}"),
            "streams": (streams.streams, f"TCP streams that were open, {last}"),
            "transfer_rate_mbps": (streams.transfer_rate_mbps, f"Mbit/s on the link, all streams, {last}"),
            "throughput_mbps": (streams.throughput_mbps, f"Mbit/s that arrived, all streams, {last}"),
            "rtt_ms": (streams.rtt_ms, f"Round-trip time in ms, mean of the streams, {last}"),
            "jitter_ms": (streams.jitter_ms, f"Its variation in ms, mean of the streams, {last}"),
            "packet_loss_ratio": (
                streams.packet_loss_ratio,
                f"Share of bytes sent again (0 to 1), mean of the streams, {last}",
            ),
            "utilization_ratio": (
                streams.utilization_ratio,
                f"Share of the time with something to send (0 to 1), mean of the streams, {last}",
            ),
        },
    )


def _codecs(traffic: Traffic) -> Iterator[Metric]:
    codecs = traffic.codecs
    if not codecs:
        return
    plain = sum(one.plain_bytes for one in codecs.values())
    stored = sum(one.stored_bytes for one in codecs.values())
    bundles = sum(one.bundles for one in codecs.values())
    deltas = codecs[_DELTA].bundles if _DELTA in codecs else 0
    yield from gauges(
        "dwcp_hde_",
        {
            "compression_ratio": (plain / stored if stored else None, f"Plain over stored bytes {_LATELY}"),
            "delta_ratio": (
                deltas / bundles if bundles else None,
                f"Share of bundles encoded as deltas (0 to 1) {_LATELY}",
            ),
        },
    )
    for name, meaning, figures in (
        ("bundles", "Bundles that were encoded", {one: told.bundles for one, told in codecs.items()}),
        ("plain_bytes", "Bytes that went in", {one: told.plain_bytes for one, told in codecs.items()}),
        ("stored_bytes", "Bytes that came out", {one: told.stored_bytes for one, told in codecs.items()}),
        ("compress_seconds", "Processor time in s", {one: told.compress_s for one, told in codecs.items()}),
    ):
        samples = (((codec,), float(figure)) for codec, figure in figures.items())
        yield gauge(f"dwcp_hde_{name}", f"{meaning}, by codec, {_LATELY}", ("codec",), samples)


def _stored_by_codec(figures: StoreFigures) -> Iterator[Metric]:
    for name, meaning, told in (
        ("blocks", "Blocks", {one.codec: one.block_count for one in figures.codecs}),
        ("plain_bytes", "Bytes of plaintexts", {one.codec: one.plain_bytes for one in figures.codecs}),
        ("stored_bytes", "Bytes of frames", {one.codec: one.stored_bytes for one in figures.codecs}),
    ):
        samples = (((codec,), float(figure)) for codec, figure in told.items())
        yield gauge(f"pakit_codec_{name}", f"{meaning} that a codec encoded", ("codec",), samples)
