"""Every column of telemetry: the one definition that all other forms of the schema derive from.

A name stands in several groups only where the published schema has it twice: ``queue_depth`` counts
packets in the congestion group and requests in the consensus group, with the same type and range; no
record kind holds both. The consensus group's ``latency p50/p95/p99`` are the latency group's columns,
of proposals; the block access group's ``block_bytes`` and ``peer_id`` are those of the compression and
identity groups.
"""

from collections.abc import Callable
from functools import partial

from dwcp.telemetry.schema.column import Column, DType, Group

__all__ = ["COLUMNS", "columns_of"]

_ALL_TASKS = ("bandwidth", "compression", "consensus", "reliability", "dedup", "prefetch", "peers", "gossip")
_TIERS = "tier1 is under 10 ms and over 10 Gbit/s, tier2 under 50 ms and over 1 Gbit/s, tier3 the rest"
_CODECS = ("none", "lz4", "lz4hc", "snappy", "zstd", "delta")
_STREAM_REASONS = ("start", "probing", "no_gain", "congestion", "failure", "finished")
_YEAR_2000_NS = 946_684_800 * 10**9
_YEAR_2100_NS = 4_102_444_800 * 10**9


def _of(group: Group, *tasks: str) -> Callable[..., Column]:
    return partial(Column, group, tasks=tasks)


def _ms(column: Callable[..., Column], name: str, meaning: str) -> Column:
    return column(name, DType.FLOAT64, "ms", meaning, 0, 86_400_000)


def _mbps(column: Callable[..., Column], name: str, meaning: str) -> Column:
    return column(name, DType.FLOAT64, "Mbit/s", meaning, 0, 10_000_000)


def _share(column: Callable[..., Column], name: str, meaning: str) -> Column:
    return column(name, DType.FLOAT64, "1", meaning, 0, 1)


def _count(column: Callable[..., Column], name: str, unit: str, meaning: str, low: int = 0) -> Column:
    return column(name, DType.INT64, unit, meaning, low=low)


def _category(column: Callable[..., Column], name: str, meaning: str, *categories: str) -> Column:
    return column(name, DType.STRING, "-", meaning, categories=categories)


def _ratio(column: Callable[..., Column], name: str, meaning: str) -> Column:
    return column(name, DType.FLOAT64, "1", meaning, 0, 1e9)


def _level(column: Callable[..., Column], name: str, meaning: str) -> Column:
    return column(name, DType.INT64, "1", meaning, -131_072, 22)


def _text(column: Callable[..., Column], name: str, meaning: str, **more: object) -> Column:
    return column(name, DType.STRING, "-", meaning, **more)


def _temporal() -> tuple[Column, ...]:
    new = _of(Group.TEMPORAL, *_ALL_TASKS)
    return (
        new("timestamp", DType.TIMESTAMP, "UTC", "epoch_time to the microsecond, to be read by people"),
        new("epoch_time", DType.INT64, "ns", "when, since 1970-01-01 UTC", _YEAR_2000_NS, _YEAR_2100_NS),
    )


def _topology() -> tuple[Column, ...]:
    new = partial(_of(Group.TOPOLOGY, "bandwidth", "compression", "peers"), quasi_identifier=True)
    return (
        _text(new, "region", "region of the node"),
        _text(new, "az", "availability zone of the node"),
        _text(new, "datacenter_id", "data centre of the node", hashed="datacenter"),
        _category(new, "link_type", "what the link runs over", "dc", "metro", "wan", "edge"),
    )


def _identity() -> tuple[Column, ...]:
    new = _of(Group.IDENTITY, "bandwidth", "consensus", "reliability", "prefetch", "peers", "gossip")
    quasi = partial(new, quasi_identifier=True)
    return (
        _text(new, "node_id", "the node that recorded this", hashed="node"),
        _text(new, "peer_id", "the node at the other end", hashed="node"),
        _category(quasi, "node_role", "what the node does", "coordinator", "worker", "edge"),
    )


def _latency() -> tuple[Column, ...]:
    path = _of(Group.LATENCY, "bandwidth", "compression", "peers")
    request = _of(Group.LATENCY, "consensus", "reliability")
    return (
        _ms(path, "rtt_ms", "round-trip time, smoothed"),
        _ms(path, "jitter_ms", "variation of the round-trip time"),
        _ms(path, "min_rtt_ms", "smallest round-trip time seen: the path without its queues"),
        _ms(request, "p50_latency_ms", "median latency of the requests of this interval"),
        _ms(request, "p95_latency_ms", "95th percentile of the latency of the requests of this interval"),
        _ms(request, "p99_latency_ms", "99th percentile of the latency of the requests of this interval"),
    )


def _throughput() -> tuple[Column, ...]:
    new = _of(Group.THROUGHPUT, "bandwidth", "compression", "peers")
    return (
        _mbps(new, "throughput_mbps", "plain bytes that arrived, a second; the regression target"),
        _mbps(new, "bandwidth_mbps", "what the link could carry, as estimated"),
        _count(new, "bytes_tx", "bytes", "bytes sent on the link in this interval"),
        _count(new, "bytes_rx", "bytes", "bytes received on the link in this interval"),
        _mbps(new, "transfer_rate_mbps", "bytes on the link, a second"),
        _mbps(new, "delivery_rate_mbps", "rate at which the last segments arrived, as TCP measured it"),
        new("app_limited", DType.BOOL, "-", "the sender had too little to send: no measure of capacity"),
    )


def _reliability() -> tuple[Column, ...]:
    path = _of(Group.RELIABILITY, "bandwidth", "compression", "reliability", "gossip")
    node = _of(Group.RELIABILITY, "reliability")
    return (
        _share(path, "packet_loss", "share of packets lost"),
        _count(path, "retransmits", "segments", "segments sent again in this interval"),
        _share(node, "error_rate", "share of requests that failed"),
        _share(node, "timeout_rate", "share of requests that timed out"),
        _count(node, "connection_failures", "connections", "connections that failed in this interval"),
        _count(node, "sla_violations", "requests", "requests over the latency objective in this interval"),
        node("uptime_pct", DType.FLOAT64, "%", "share of the time the node was up", 0, 100),
    )


def _congestion() -> tuple[Column, ...]:
    new = _of(Group.CONGESTION, "bandwidth")
    return (
        _count(new, "congestion_window", "segments", "congestion window"),
        _count(new, "queue_depth", "packets", "packets waiting to be sent"),
        _share(new, "buffer_utilization", "share of the send buffer in use"),
        _count(new, "segment_bytes", "bytes", "plain bytes of a full segment", low=1),
        _mbps(new, "pacing_rate_mbps", "rate that TCP paces itself to"),
        _share(new, "receiver_limited", "share of the interval in which the receiver's window was full"),
        _share(new, "buffer_limited", "share of the interval in which the send buffer was too small"),
    )


def _protocol() -> tuple[Column, ...]:
    new = _of(Group.PROTOCOL, "bandwidth", "compression", "consensus")
    return (
        _category(new, "mode", "network conditions, detected", "datacenter", "internet", "hybrid"),
        _category(new, "profile", "protocol profile, a setting", "standard", "optimized", "resilient"),
        _category(new, "network_tier", _TIERS, "tier1", "tier2", "tier3"),
        _category(new, "transport_type", "transport protocol", "tcp", "udp", "quic"),
    )


def _compression() -> tuple[Column, ...]:
    new = _of(Group.COMPRESSION, "compression", "dedup")
    return (
        _category(new, "codec", "codec that was run", *_CODECS),
        _level(new, "compression_level", "level of the codec; missing where it has none"),
        _count(new, "block_bytes", "bytes", "plain size of the block"),
        _count(new, "stored_bytes", "bytes", "size of the block as the codec wrote it"),
        _ms(new, "compress_ms", "processor time of compressing, one thread"),
        _ms(new, "decompress_ms", "processor time of decompressing, one thread"),
        new("has_reference", DType.BOOL, "-", "a reference for a delta was at hand"),
        new("entropy_bits", DType.FLOAT64, "bits/byte", "byte entropy of a sample of the block", 0, 8),
        _ratio(new, "sample_ratio", "plain over compressed size of a sample, by a fast probe"),
        _ratio(new, "hde_compression_ratio", "plain over stored size of the flow's earlier deltas"),
        _share(new, "hde_delta_hit_rate", "share of the flow's earlier blocks that a delta paid for"),
        _ratio(new, "baseline_ratio", "plain over stored size with zstd level 3"),
        _text(new, "data_type", "what kind of content, by its form, never by its name"),
    )


def _streams() -> tuple[Column, ...]:
    new = _of(Group.STREAMS, "bandwidth")
    return (
        _count(new, "amst_streams", "streams", "streams open"),
        _mbps(new, "amst_transfer_rate_mbps", "bytes on the link over all streams, a second"),
        _share(new, "stream_utilization", "share of the time the streams had something to send"),
        _count(new, "stream_index", "1", "which of the streams, from 0"),
        _category(new, "stream_event", "what became of a stream", "opened", "closed", "lost"),
        _category(new, "stream_reason", "why the number of streams changed", *_STREAM_REASONS),
    )


def _reliability_budget() -> tuple[Column, ...]:
    new = _of(Group.RELIABILITY_BUDGET, "reliability")
    return (
        _ratio(new, "error_budget_burn_rate", "error budget spent over what the period allows; 1 is even"),
        _share(new, "slo_compliance", "share of requests within the objective"),
        _share(new, "failure_rate", "share of attempts that failed for good"),
    )


def _host() -> tuple[Column, ...]:
    new = _of(Group.HOST, "compression", "reliability")
    return (
        _share(new, "cpu_usage", "share of all cores in use"),
        _share(new, "memory_usage", "share of the memory in use"),
        new("memory_available_mb", DType.FLOAT64, "MB", "memory that can be had", 0, 1e9),
        _share(new, "disk_io", "share of the time the disk was busy"),
        _count(new, "active_transfers", "transfers", "transfers running on the node"),
    )


def _consensus() -> tuple[Column, ...]:
    new = _of(Group.CONSENSUS, "consensus")
    return (
        _count(new, "queue_depth", "requests", "requests waiting for an answer"),
        _count(new, "proposals_pending", "proposals", "proposals not yet committed"),
        _count(new, "proposals_committed", "proposals", "proposals committed in this interval"),
        _count(new, "leader_changes", "changes", "changes of leader in this interval"),
        _count(new, "quorum_size", "nodes", "members that must agree", low=1),
        _count(new, "active_nodes", "nodes", "members that answer"),
        _category(new, "consensus_type", "consensus protocol", "raft", "pbft", "hotstuff"),
        _ms(new, "consensus_latency_ms", "mean latency of the proposals committed in this interval"),
    )


def _block_access() -> tuple[Column, ...]:
    new = _of(Group.BLOCK_ACCESS, "prefetch", "dedup", "peers")
    events = ("stored", "retrieved", "compressed", "dedup_check", "peer_request")
    return (
        _text(new, "block_id", "the block", hashed="block"),
        _count(new, "depth", "links", "links between the block and its root"),
        _count(new, "parent_count", "blocks", "blocks that link to it"),
        _category(new, "event", "what was done with the block", *events, "prefetch_hit", "prefetch_miss"),
        _ms(new, "latency_ms", "how long it took"),
    )


def _gossip() -> tuple[Column, ...]:
    new = _of(Group.GOSSIP, "gossip")
    return (
        _count(new, "overlay_size", "nodes", "nodes of the overlay", low=1),
        _count(new, "fanout", "nodes", "nodes a message is passed on to"),
        _count(new, "ttl", "hops", "hops a message may take"),
        _count(new, "degree", "links", "links of a node in the overlay"),
        _share(new, "message_loss", "share of messages lost"),
        _share(new, "coverage", "share of nodes the message reached"),
        _count(new, "messages_sent", "messages", "messages sent for this broadcast"),
        _count(new, "bytes_sent", "bytes", "bytes sent for this broadcast"),
    )


def _targets() -> tuple[Column, ...]:
    def new(*tasks: str) -> Callable[..., Column]:
        return partial(_of(Group.TARGETS, *tasks), target=True)

    detectors = new("consensus", "reliability")
    best = new("compression")
    return (
        _category(new("bandwidth"), "bandwidth_class", "how the link did", "good", "degraded", "bad"),
        _category(best, "best_codec", "cheapest codec of all measured", *_CODECS),
        _level(best, "best_level", "level of the cheapest codec"),
        detectors("is_anomaly", DType.BOOL, "-", "the row lies within a labelled incident"),
        _text(detectors, "incident_id", "the incident"),
        _text(detectors, "incident_type", "what kind of incident"),
        detectors("incident_start", DType.TIMESTAMP, "UTC", "when the incident began"),
        detectors("incident_end", DType.TIMESTAMP, "UTC", "when the incident was over"),
        _count(new("consensus"), "consensus_episode", "1", "number of the recorded episode"),
    )


COLUMNS: tuple[Column, ...] = (
    *_temporal(),
    *_topology(),
    *_identity(),
    *_latency(),
    *_throughput(),
    *_reliability(),
    *_congestion(),
    *_protocol(),
    *_compression(),
    *_streams(),
    *_reliability_budget(),
    *_host(),
    *_consensus(),
    *_block_access(),
    *_gossip(),
    *_targets(),
)
"""Every column, group by group, in the published order."""


def columns_of(*groups: Group) -> tuple[Column, ...]:
    """The columns of these groups, in the schema's order."""
    return tuple(column for column in COLUMNS if column.group in groups)
