"""The kinds of record: each a subset of the columns, with its required ones and its series."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from dwcp.errors import SchemaError
from dwcp.telemetry.schema.column import Column, Group
from dwcp.telemetry.schema.columns import columns_of

__all__ = ["KINDS", "Kind", "kind_named"]


@dataclass(frozen=True)
class Kind:
    """One kind of record.

    Attributes:
        name: the kind's name, also its partition and its measurement.
        meaning: one line for the documentation.
        columns: its columns, in order; names are unique.
        required: columns that must be there, at most 5% of their values missing.
        series: the columns that name a series; time is monotone within one. Never missing.
        sampled: recorded at a steady interval, so that a gap means something; otherwise as things happen.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    required: tuple[str, ...]
    series: tuple[str, ...]
    sampled: bool

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """The columns by name."""
        return MappingProxyType({column.name: column for column in self.columns})

    @cached_property
    def hashed(self) -> Mapping[str, str]:
        """The identifier columns, with the namespace each is hashed in."""
        return MappingProxyType({column.name: column.hashed for column in self.columns if column.hashed})

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self.by_name)

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns without which a record cannot be placed: never missing, not even once."""
        return ("epoch_time", *self.series)


def kind_named(name: str) -> Kind:
    """The kind of this name.

    Raises:
        SchemaError: there is none.
    """
    if name not in KINDS:
        raise SchemaError(f"there is no record kind {name!r}; the kinds are {', '.join(KINDS)}")
    return KINDS[name]


_BASE = (Group.TEMPORAL, Group.TOPOLOGY, Group.IDENTITY)
_PERCENTILES = ("p50_latency_ms", "p95_latency_ms", "p99_latency_ms")
_ONE_STREAM = ("stream_index", "stream_event", "stream_reason")
_INCIDENT = ("is_anomaly", "incident_id", "incident_type", "incident_start", "incident_end")


def _columns(*groups: Group, also: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """The columns of the groups and those named beside them, in the schema's order."""
    return tuple(
        column
        for column in columns_of(*Group)
        if (column.group in groups or column.name in also) and column.name not in without
    )


def _transfer() -> Kind:
    flow = ("codec", "compression_level", "stored_bytes", "data_type", "baseline_ratio")
    return Kind(
        name="transfer",
        meaning="one finished transfer, or one finished part of it",
        columns=_columns(
            *(*_BASE, Group.LATENCY, Group.THROUGHPUT, Group.RELIABILITY, Group.PROTOCOL, Group.STREAMS),
            Group.HOST,
            also=(*flow, "hde_compression_ratio", "hde_delta_hit_rate"),
            without=_ONE_STREAM,
        ),
        required=("bytes_tx", "bytes_rx", "throughput_mbps"),
        series=("node_id", "peer_id"),
        sampled=False,
    )


def _link() -> Kind:
    return Kind(
        name="link",
        meaning="the state of the path to a peer, at a steady interval",
        columns=_columns(
            *(*_BASE, Group.LATENCY, Group.THROUGHPUT, Group.RELIABILITY, Group.CONGESTION, Group.PROTOCOL),
            *(Group.STREAMS, Group.HOST),
            also=("bandwidth_class",),
            without=_ONE_STREAM,
        ),
        required=("rtt_ms", "throughput_mbps"),
        series=("node_id", "peer_id"),
        sampled=True,
    )


def _stream() -> Kind:
    return Kind(
        name="stream",
        meaning="the state of one TCP stream to a peer, at a steady interval",
        columns=_columns(
            *(*_BASE, Group.THROUGHPUT, Group.CONGESTION),
            also=(
                *("rtt_ms", "jitter_ms", "min_rtt_ms", "packet_loss", "retransmits"),
                *("transport_type", "amst_streams", "stream_utilization", "stream_index"),
            ),
        ),
        required=("rtt_ms", "retransmits", "congestion_window", "transfer_rate_mbps"),
        series=("node_id", "peer_id", "stream_index"),
        sampled=True,
    )


def _stream_change() -> Kind:
    return Kind(
        name="stream_change",
        meaning="one stream to a peer that came or went",
        columns=_columns(
            *_BASE,
            also=(
                *("rtt_ms", "min_rtt_ms", "packet_loss", "amst_streams", "amst_transfer_rate_mbps"),
                *("stream_event", "stream_reason"),
            ),
        ),
        required=("amst_streams", "stream_event", "stream_reason"),
        series=("node_id", "peer_id"),
        sampled=False,
    )


def _compression() -> Kind:
    return Kind(
        name="compression",
        meaning="one run of one codec on one block, with the link and the host as they were",
        columns=_columns(
            *(*_BASE, Group.PROTOCOL, Group.COMPRESSION, Group.HOST),
            also=(
                *("rtt_ms", "jitter_ms", "packet_loss", "throughput_mbps", "bandwidth_mbps"),
                *("block_id", "best_codec", "best_level"),
            ),
        ),
        required=("codec", "block_bytes", "stored_bytes", "compress_ms"),
        series=("node_id",),
        sampled=False,
    )


def _consensus() -> Kind:
    own = columns_of(Group.CONSENSUS)
    return Kind(
        name="consensus",
        meaning="the state of a consensus group as a member sees it, at a steady interval",
        columns=_columns(
            *(*_BASE, Group.CONSENSUS),
            also=(*_PERCENTILES, "network_tier", "profile", "retransmits", *_INCIDENT, "consensus_episode"),
        ),
        required=(
            *(column.name for column in own if column.name != "consensus_latency_ms"),
            *(*_PERCENTILES, "network_tier", "profile"),
        ),
        series=("node_id",),
        sampled=True,
    )


def _node() -> Kind:
    return Kind(
        name="node",
        meaning="the health of a node, at a steady interval",
        columns=_columns(
            *(*_BASE, Group.RELIABILITY, Group.RELIABILITY_BUDGET, Group.HOST),
            also=(*_PERCENTILES, *_INCIDENT),
        ),
        required=(
            *("error_rate", "timeout_rate", "p50_latency_ms", "p99_latency_ms", "sla_violations"),
            *("connection_failures", "packet_loss", "cpu_usage", "memory_usage", "disk_io"),
        ),
        series=("node_id",),
        sampled=True,
    )


def _host() -> Kind:
    return Kind(
        name="host",
        meaning="the load of a node's machine, at a steady interval",
        columns=_columns(*_BASE, Group.HOST),
        required=("cpu_usage", "memory_usage", "memory_available_mb"),
        series=("node_id",),
        sampled=True,
    )


def _block_access() -> Kind:
    return Kind(
        name="block_access",
        meaning="one thing done with one block",
        columns=_columns(*_BASE, Group.BLOCK_ACCESS, also=("block_bytes",)),
        required=("block_id", "event"),
        series=("node_id",),
        sampled=False,
    )


def _gossip() -> Kind:
    return Kind(
        name="gossip",
        meaning="one broadcast through the overlay",
        columns=_columns(*_BASE, Group.GOSSIP),
        required=("overlay_size", "fanout", "ttl", "coverage", "messages_sent", "bytes_sent"),
        series=("node_id",),
        sampled=False,
    )


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            *(_transfer(), _link(), _stream(), _stream_change(), _compression()),
            *(_consensus(), _node(), _host(), _block_access(), _gossip()),
        )
    }
)
"""Every kind of record by name."""
