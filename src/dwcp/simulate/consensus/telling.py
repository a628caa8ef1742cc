"""What a group's state looks like from outside: the measures of a second, by name."""

import numpy as np
from numpy.typing import NDArray

from dwcp.simulate.consensus.effects import Effects
from dwcp.simulate.consensus.traits import PROTOCOLS, Traits

__all__ = ["told_by_group", "told_by_members"]

Floats = NDArray[np.float64]
State = dict[str, Floats]

_TAILS = {"latency_p50_ms": 0.0, "latency_p95_ms": 0.6, "latency_p99_ms": 1.0}
_LATE_MS = 100.0
_MOST_MS = 6000.0


def told_by_group(traits: Traits, state: State) -> dict[str, Floats]:
    """The published features, and what the clients see."""
    length = len(state["queue"])
    wait_ms = 1e3 * state["oldest_s"]
    base = np.where(state["served"] > 0, state["commit_ms"], wait_ms)
    told = {
        name: np.minimum(base * np.exp(tail) + wait_ms * (0.5 + tail / 2), _MOST_MS)
        for name, tail in _TAILS.items()
    }
    return {
        "queue_depth": np.round(state["queue"]),
        "proposals_pending": np.round(state["queue"] * 0.5),
        "proposals_committed": np.round(state["served"]),
        **told,
        "leader_changes": state["changed"],
        "quorum_size": np.full(length, float(traits.quorum)),
        "network_tier": np.full(length, float(traits.tier)),
        "profile": np.full(length, float(traits.profile)),
        "consensus_type": np.full(length, float(PROTOCOLS[traits.protocol].number)),
        "requests_issued": state["arrived"],
        "requests_ok": np.round(state["served"]),
        "requests_failed": np.round(state["failed"]),
        "oldest_ms": wait_ms,
        "leader_known": state["led"],
    }


def told_by_members(
    traits: Traits, effects: Effects, state: State, rng: np.random.Generator
) -> dict[str, Floats]:
    """What comes from inside the members, aggregated; a member that cannot be reached tells nothing."""
    reach = effects.reach > 0
    up = reach.sum(axis=1).astype(np.float64)
    length, members = reach.shape
    shares = np.exp(rng.normal(0.0, 0.05, (length, members)))
    load = state["load"] / traits.load_hz
    processor = 0.1 * load[:, None] * np.sqrt(effects.processor) * shares
    retransmits = np.clip(effects.loss + rng.exponential(0.001, (length, members)), 0.0, 1.0)
    reply = np.minimum(state["reply"] + 1e3 * state["oldest_s"][:, None] / 2, _MOST_MS)
    traffic = np.where(reach, load[:, None] * shares * (1 - 2 * effects.loss), 0.05)
    slow = (state["reply"] > 5 * np.median(state["reply"], axis=1)[:, None]) & reach
    lying = effects.lies.max(axis=1)
    lost = members - up
    return {
        "active_nodes": up * state["led"],
        "members": np.full(length, float(members)),
        "members_up": up,
        "leaderless": up * (1 - state["led"]),
        "restarts": np.zeros(length),
        "follower_lag": np.round(lost * state["served"] * 0.5 + 5 * slow.sum(axis=1)),
        "apply_gap": np.round(np.maximum(0.0, state["queue"] - state["load"])),
        **_worst("retransmit_share", retransmits, reach),
        **_worst("fsync_ms", state["fsync"], reach),
        **_worst("commit_ms", 1.5 * state["fsync"] * effects.compaction, reach),
        **_worst("peer_rtt_ms", state["rtt"], reach),
        **_worst("member_p99_ms", 2.5 * reply, reach),
        **_worst("cpu_cores", processor, reach),
        **_worst("scrape_ms", 3.0 * effects.processor * shares, reach),
        "member_p50_ms_spread": _spread(reply, reach),
        "cpu_cores_least_share": _least(processor, reach),
        "error_share_max": np.clip(np.maximum(lost > 0, lying), 0.0, 1.0),
        "timeout_share_max": (lost > 0).astype(np.float64),
        "peers_min": np.where(up > 0, up - 1, 0.0),
        "peers_spread": np.minimum(lost, 1.0),
        "peer_rx_least_share": _least(traffic, reach),
        "peer_tx_least_share": _least(traffic, reach),
        "fsyncs_least_share": _least(np.where(reach, load[:, None] * shares, 0.0), reach),
        "disk_io_least_share": _least(np.where(reach, load[:, None] * shares, 0.0), reach),
        "heartbeats_failed": rng.poisson(0.02 + 2 * slow.sum(axis=1)).astype(np.float64),
        "sends_failed": rng.poisson(20.0 * lost).astype(np.float64),
        "slow_applies": rng.poisson(0.02 + 3 * slow.sum(axis=1)).astype(np.float64),
        "proposals_failed": np.round(state["failed"] * 0.3 + 5 * lying),
        "connections_failed": rng.poisson(5.0 * lost).astype(np.float64),
        "late_requests": np.round(np.where(reply.max(axis=1) > _LATE_MS, 0.3 * state["served"], 0.0)),
        "host_busy": np.clip(0.3 * load + rng.normal(0.0, 0.05, length), 0.0, 1.0),
        "loop_lag_ms": rng.exponential(0.5, length),
    }


def _worst(name: str, values: Floats, reach: NDArray[np.bool_]) -> dict[str, Floats]:
    return {f"{name}_max": np.where(reach, values, 0.0).max(axis=1), f"{name}_spread": _spread(values, reach)}


def _spread(values: Floats, reach: NDArray[np.bool_]) -> Floats:
    return np.asarray(np.maximum(np.where(reach, values, 0.0).max(axis=1) - _middle(values, reach), 0.0))


def _least(values: Floats, reach: NDArray[np.bool_]) -> Floats:
    least = np.where(reach, values, np.inf).min(axis=1, initial=1e9)
    return np.asarray(least / np.maximum(_middle(values, reach), 1e-9))


def _middle(values: Floats, reach: NDArray[np.bool_]) -> Floats:
    """Of the members that can be reached; 0 where there is none."""
    ordered = np.sort(np.where(reach, values, np.inf), axis=1)
    place = np.maximum(reach.sum(axis=1) - 1, 0) // 2
    return np.where(reach.any(axis=1), np.take_along_axis(ordered, place[:, None], axis=1)[:, 0], 0.0)
