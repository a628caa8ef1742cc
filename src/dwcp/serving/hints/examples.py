"""A context for each method as plain values, to try the API with."""

from typing import Any

__all__ = ["EXAMPLES"]

_FACTS = {
    "block_bytes": 65536,
    "entropy_bits": 4.5,
    "difference_entropy_bits": 5.0,
    "stride_entropy_bits": 5.0,
    "zero_share": 0.1,
    "text_share": 0.7,
    "repeat_share": 0.05,
    "lz4": {"ratio": 0.6, "ms_per_mib": 2.5},
}

EXAMPLES: dict[str, dict[str, Any]] = {
    "PredictBandwidth": {
        "steps": [{"throughput_mbps": 90.0, "rtt_ms": 12.0}, {"throughput_mbps": 94.0}],
        "step_s": 1.0,
        "epoch_s": 1.7e9,
        "regime": "INTERNET",
    },
    "SelectCompression": {"facts": _FACTS, "link": {"bandwidth_mbps": 100.0, "rtt_ms": 20.0}},
    "DetectAnomaly": {"node": "n1", "steps": [{"error_rate": 0.5, "cpu_usage": 0.9}]},
    "DetectHighLatency": {
        "group": "g1",
        "steps": [{"latency_p99_ms": 20.0, "members": 3.0, "members_up": 3.0}],
        "usual": [{"measure": "latency_p99_ms", "median": 5.0, "deviation": 1.0}],
    },
    "FindSimilarBlocks": {
        "block_id": b"\x01" * 32,
        "is_node": False,
        "size_bytes": 4096,
        "alone_bytes": 2048,
        "candidates": [{"base": b"\xff" * 32, "size_bytes": 4096, "shared_features": 9, "shared_grams": 12}],
    },
    "PrefetchBlocks": {"recent": [{"name": "a1"}, {"number": 4}], "next_children": [{"name": "b2"}]},
    "SelectPeer": {
        "candidates": [{"name": "p1", "latency_ms": 4.0}, {"name": "p2"}],
        "block_bytes": 4096,
        "epoch_s": 1.7e9,
    },
    "TuneGossip": {"nodes": 500, "loss_share": 0.1, "message_bytes": 1200},
}
