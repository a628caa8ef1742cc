"""Fields of what is asked about other nodes: whom to fetch from, and how to spread a message."""

from typing import get_args

from dwcp.errors import InputError
from dwcp.serving.hints import gossip
from dwcp.serving.hints.records import record
from dwcp.serving.hints.shapes import Amount, Count, ListOf
from dwcp.serving.hints.strings import Choice
from dwcp.serving.hints.units import ANY, BYTES, COUNT, EPOCH_S, FLAG, MBPS, MS, NAME, SECONDS, SHARE
from dwcp.tasks.peers import contract as peers

__all__ = [
    "GOSSIP_ACTION",
    "GOSSIP_CONTEXT",
    "GOSSIP_OUTCOME",
    "PEERS_ACTION",
    "PEERS_CONTEXT",
    "PEERS_OUTCOME",
]

_MOST_PEERS = 256
_PEER = record(
    "Peer",
    peers.Peer,
    name=NAME,
    latency_ms=MS,
    latency_slope=ANY,
    failure_share=SHARE,
    bandwidth_mbps=MBPS,
    idle_s=SECONDS,
    pending_bytes=BYTES,
    coordinates_ms=ListOf(ANY, most=16),
)


def _distinct(candidates: list[peers.Peer]) -> tuple[peers.Peer, ...]:
    names = [peer.name for peer in candidates]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"candidates name {twice!r} more than once; name each peer once")
    return tuple(candidates)


PEERS_CONTEXT = record(
    "PeersContext",
    peers.Context,
    candidates=ListOf(_PEER, least=1, most=_MOST_PEERS, build=_distinct),
    block_bytes=BYTES,
    epoch_s=EPOCH_S,
    load=COUNT,
    timeout_ms=Amount(1e-3, 1e9),
)
PEERS_ACTION = record("PeersAction", peers.Action, order=ListOf(NAME, least=1, most=_MOST_PEERS))
PEERS_OUTCOME = record("PeersOutcome", peers.Outcome, peer=NAME, latency_ms=MS, elapsed_ms=MS, succeeded=FLAG)

GOSSIP_CONTEXT = record(
    "GossipContext",
    gossip.Context,
    nodes=Count(1, 10_000_000),
    loss_share=SHARE,
    message_bytes=Count(1, 2**53),
    target_share=SHARE,
    dead_share=SHARE,
    churn_share=SHARE,
    rtt_ms=MS,
)
GOSSIP_ACTION = record(
    "GossipAction",
    gossip.Action,
    fanout=Count(0, 10_000),
    ttl=Count(0, 10_000),
    degree=Count(0, 10_000),
    push=Choice(get_args(gossip.Push)),
    retry_ms=MS,
)
GOSSIP_OUTCOME = record(
    "GossipOutcome", gossip.Outcome, coverage_share=SHARE, sent_bytes=BYTES, latency_ms=MS
)
