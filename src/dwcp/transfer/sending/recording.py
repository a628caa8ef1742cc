"""Telemetry of encoding: one record a bundle, nothing of its content."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from dwcp.tasks.compression.contract import Link
from dwcp.transfer.sending.choice import Choice, Timing

if TYPE_CHECKING:
    from dwcp.telemetry import RecordTaker
    from dwcp.telemetry.schema import Value

__all__ = ["BundleRecorder"]

_WITH_LEVEL = ("lz4hc", "zstd", "delta")


class BundleRecorder:
    """Records what codecs came to; from any thread.

    Args:
        recorder: takes the records.
        node_id: who sends.
        peer_id: to whom; empty where that is not known.
        link: gives the link as it is expected to be.
        now_ns: nanoseconds since 1970.
    """

    def __init__(
        self,
        recorder: "RecordTaker",
        node_id: str,
        peer_id: str,
        link: Callable[[], Link],
        now_ns: Callable[[], int],
    ) -> None:
        self._recorder = recorder
        self._node_id, self._peer_id = node_id, peer_id
        self._link, self._now_ns = link, now_ns

    def record(self, choice: Choice, plain_bytes: int, stored_bytes: int, timing: Timing) -> None:
        """One bundle was encoded."""
        link, action = self._link(), choice.action
        facts = None if choice.context is None else choice.context.facts
        fields: dict[str, Value] = {
            "node_id": self._node_id,
            "peer_id": self._peer_id or None,
            "codec": action.codec,
            "compression_level": action.level if action.codec in _WITH_LEVEL else None,
            "block_bytes": plain_bytes,
            "stored_bytes": stored_bytes,
            "compress_ms": timing.cpu_ms,
            "has_reference": action.use_reference,
            "rtt_ms": link.rtt_ms,
            "jitter_ms": link.jitter_ms,
            "packet_loss": link.packet_loss,
            "bandwidth_mbps": link.bandwidth_mbps,
            "entropy_bits": None if facts is None else facts.entropy_bits,
        }
        self._recorder.record("compression", self._now_ns(), fields)
