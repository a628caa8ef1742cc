"""Names of features, in the order in which the graph makes them, and what belongs together."""

from dwcp.tasks.consensus.contract import INTERNALS, MEASURES, PUBLISHED

__all__ = ["CHANNELS", "CONSTANT", "DERIVED", "FEATURES", "FLOORS", "MOVING", "VIEWS", "feature_group"]

CONSTANT = ("quorum_size", "network_tier", "profile", "consensus_type")
"""Published features that do not move within a group: they condition."""

MOVING = tuple(name for name in PUBLISHED if name not in CONSTANT)
"""Published features that move: they are reconstructed."""

DERIVED = ("nodes_missing", "members_missing", "unanswered_share", "rules_broken")
"""Made in the graph.

Members that know no leader or do not answer, those that do not answer, requests that fell due and did not end
well, over those that fell due, and how many hard rules are broken.
"""

CHANNELS = (*MEASURES, *DERIVED)
"""What features are made of, a second."""

VIEWS = ("now", "off", "off_mean_3", "off_peak_3", "off_mean_5", "off_mean_10", "change", "beside_3")
"""What is made of each channel.

Its newest value; how far that is off the usual; the mean, and the value furthest off, of the latest three;
longer means; how far the newest is off the mean of the seconds before; and how far the mean of the latest
three is off the twenty seconds before those, in their own mean deviation: in a busy hour the usual is wide.
"""

FEATURES = tuple(f"{view}:{channel}" for view in VIEWS for channel in CHANNELS)
"""In the order of the table that the trees are given."""

_FLOORS = (("_share", 0.02), ("_ms", 1.0), ("_cores", 0.02), ("host_busy", 0.05))


def _floor(channel: str) -> float:
    """What a deviation of next to nothing is measured in."""
    if "share" in channel:
        return _FLOORS[0][1]
    return next((floor for word, floor in _FLOORS if word in channel), 0.5)


FLOORS = tuple(_floor(channel) for channel in CHANNELS)
"""The least deviation that counts, in each channel's own unit."""

_GROUPS = (
    ("members", ("members", "active_nodes", "nodes_missing", "leader", "restarts", "peers_")),
    ("disk", ("fsync", "commit_ms", "disk_io", "slow_applies", "apply_gap")),
    ("network", ("retransmit", "peer_", "heartbeats", "sends_failed")),
    ("requests", ("requests_", "oldest_ms", "unanswered", "late_", "connections_", "_share_max", "member_p")),
    ("host", ("host_busy", "loop_lag", "cpu_", "scrape_")),
)


def feature_group(channel: str) -> str:
    """What it tells of: ``published``, ``members``, ``disk``, ``network``, ``requests`` or ``host``."""
    if channel in PUBLISHED:
        return "published"
    known = (group for group, words in _GROUPS if any(word in channel for word in words))
    return next(known, "requests" if channel in INTERNALS else "members")
