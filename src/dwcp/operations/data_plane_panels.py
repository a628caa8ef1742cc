"""The dashboard of transfers, stores and the server itself."""

from dwcp.operations.panels import RATE_INTERVAL, Dashboard, Panel, PanelKind, Query, Row

__all__ = ["DATA_PLANE"]

_STREAMS = Row(
    "Streams (AMST), as last recorded in the last 5 minutes",
    (
        Panel(
            "Rate",
            "What all streams carry: bytes on the link, and plain bytes that arrived.",
            "Mbits",
            (
                Query("dwcp_amst_transfer_rate_mbps", "on the link"),
                Query("dwcp_amst_throughput_mbps", "arrived"),
            ),
        ),
        Panel(
            "Streams",
            "TCP streams that are open, and the pairs of nodes they are between.",
            "short",
            (Query("dwcp_amst_streams", "streams"), Query("dwcp_amst_connections", "pairs of nodes")),
        ),
        Panel(
            "Round-trip time",
            "Round-trip time and its variation, mean of the streams.",
            "ms",
            (Query("dwcp_amst_rtt_ms", "round-trip time"), Query("dwcp_amst_jitter_ms", "variation")),
        ),
        Panel(
            "Loss",
            "Share of bytes that were sent again, mean of the streams.",
            "percentunit",
            (Query("dwcp_amst_packet_loss_ratio", "loss"),),
        ),
        Panel(
            "Use",
            "Share of the time in which a stream had something to send, mean of the streams.",
            "percentunit",
            (Query("dwcp_amst_utilization_ratio", "use"),),
        ),
        Panel(
            "Changes",
            "Streams that came or went in the last 5 minutes, and why.",
            "short",
            (Query("dwcp_amst_stream_changes", "{{event}}: {{reason}}"),),
        ),
    ),
)

_ENCODING = Row(
    "Encoding (HDE), in the last 5 minutes",
    (
        Panel(
            "Compression",
            "Plain over stored bytes, of all codecs.",
            "none",
            (Query("dwcp_hde_compression_ratio", "ratio"),),
            span=6,
        ),
        Panel(
            "Bundles",
            "Bundles that were encoded, by codec.",
            "short",
            (Query("dwcp_hde_bundles", "{{codec}}"),),
            span=6,
        ),
        Panel(
            "Bytes",
            "Bytes that went in and came out, by codec.",
            "bytes",
            (
                Query("dwcp_hde_plain_bytes", "{{codec}} in"),
                Query("dwcp_hde_stored_bytes", "{{codec}} out"),
            ),
            span=6,
        ),
        Panel(
            "Deltas",
            "Share of bundles that were encoded as deltas.",
            "percentunit",
            (Query("dwcp_hde_delta_ratio", "deltas"),),
            span=6,
        ),
        Panel(
            "Processor time",
            "Processor time of encoding, by codec.",
            "s",
            (Query("dwcp_hde_compress_seconds", "{{codec}}"),),
            span=24,
        ),
    ),
)

_STORE = Row(
    "Store (Pakit)",
    (
        Panel(
            "Bytes",
            "Plain bytes, each counted once; their frames; and the packs that hold them.",
            "bytes",
            (
                Query("pakit_plain_bytes", "plain"),
                Query("pakit_stored_bytes", "stored"),
                Query("pakit_pack_bytes", "packs"),
            ),
        ),
        Panel(
            "Blocks",
            "Blocks that are kept: of content, nodes, and those of both that are kept as deltas.",
            "short",
            (Query("pakit_blocks", "{{kind}}"), Query("pakit_delta_blocks", "delta")),
        ),
        Panel(
            "Bytes by codec",
            "Plain and stored bytes of the blocks that each codec encoded.",
            "bytes",
            (
                Query("pakit_codec_plain_bytes", "{{codec}} plain"),
                Query("pakit_codec_stored_bytes", "{{codec}} stored"),
            ),
        ),
        Panel(
            "Blocks by codec",
            "Blocks that each codec encoded.",
            "short",
            (Query("pakit_codec_blocks", "{{codec}}"),),
        ),
        Panel(
            "Snapshots",
            "Snapshots that are kept.",
            "short",
            (Query("pakit_snapshots", "snapshots"),),
            PanelKind.STAT,
        ),
        Panel("Packs", "Packs that are there.", "short", (Query("pakit_packs", "packs"),), PanelKind.STAT),
    ),
)

_JOB = "and on (job, instance) dwcp_source_up"

_SERVER = Row(
    "Server",
    (
        Panel(
            "Sources",
            "Whether what metrics are read from could be read.",
            "none",
            (Query("dwcp_source_up", "{{source}}"),),
            PanelKind.STAT,
            names=((0, "down"), (1, "up")),
        ),
        Panel(
            "Memory",
            "Resident memory of the server.",
            "bytes",
            (Query(f"process_resident_memory_bytes {_JOB}", "{{instance}}"),),
        ),
        Panel(
            "Processor",
            "Cores that the server keeps busy.",
            "none",
            (Query(f"rate(process_cpu_seconds_total[{RATE_INTERVAL}]) {_JOB}", "{{instance}}"),),
        ),
    ),
)

DATA_PLANE = Dashboard(
    "dwcp-data-plane",
    "DWCP: transfers and stores",
    "What transfers recorded of themselves, what a store holds, and the server that tells it.",
    (_STREAMS, _ENCODING, _STORE, _SERVER),
)
"""The dashboard."""
