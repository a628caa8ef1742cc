"""What a store may ask before it acts: one question a method, each with an answer that needs no model.

The answers are advice. A store checks what comes of them, and works the same, only larger or slower, when
nobody is asked.
"""

from typing import TYPE_CHECKING, Any, Literal, TypeVar

from msgspec import Struct

from dwcp.codecs.facts import BlockFacts
from dwcp.storage.similar import SimilarBlocks
from dwcp.tasks.compression import contract as compression
from dwcp.tasks.dedup import contract as dedup
from dwcp.tasks.peers import contract as peers
from dwcp.tasks.prefetch import contract as prefetch

if TYPE_CHECKING:
    from dwcp.serving import Advisor

__all__ = ["CompressionHint", "NetworkParameters", "StorageHints"]

_INCOMPRESSIBLE_BITS = 7.95
_DISK_MBPS = 1000.0
_UNKNOWN = -1.0
ActionT = TypeVar("ActionT")


class CompressionHint(Struct, frozen=True):
    """How to compress a block.

    Attributes:
        algorithm: ``zstd``, ``lz4``, ``snappy`` or ``none``.
        level: the algorithm's own level; 0 where it has none.
        codec: the codec's name, e.g. ``zstd-3``.
    """

    algorithm: Literal["zstd", "lz4", "snappy", "none"]
    level: int
    codec: str


class NetworkParameters(Struct, frozen=True):
    """How news of blocks is spread among peers.

    Attributes:
        fanout: to how many peers each passes a message on.
        ttl: how many times a message is passed on at most.
    """

    fanout: int = 6
    ttl: int = 10


class StorageHints:
    """Asks the advisor, and answers by rule where there is none, it knows no such task, or learning is off.

    Args:
        advisor: whom to ask; None to ask nobody.
        similar: finds blocks that are alike; None to make no deltas. It is no model, and is used with
            learning off as well.
        enable_ml: False to answer by rule alone.
    """

    def __init__(
        self,
        advisor: "Advisor | None" = None,
        similar: SimilarBlocks | None = None,
        *,
        enable_ml: bool = True,
    ) -> None:
        self.similar = similar
        self._advisor = advisor if enable_ml else None

    @property
    def is_advised(self) -> bool:
        """Whether anybody is asked at all."""
        return self._advisor is not None

    def compression(
        self,
        block_id: bytes,  # noqa: ARG002 - part of the published question
        size_bytes: int,
        depth: int,
        entropy_bits: float,
    ) -> CompressionHint:
        """How to compress a block. By rule: zstd-3, and nothing where the entropy leaves nothing to gain.

        Args:
            block_id: hash of the block.
            size_bytes: of its plaintext.
            depth: of the block in its DAG; what is learned of a depth stays with it.
            entropy_bits: order-0 entropy of its bytes, 0 to 8.
        """
        context = _compression_context(size_bytes, depth, entropy_bits)
        action = self._ask("compression", context, compression.Action)
        if action is None or not context.admissible(action):
            action = compression.action_named("none" if entropy_bits > _INCOMPRESSIBLE_BITS else "zstd-3")
        return CompressionHint(action.storage_algorithm, action.level, action.name)

    def deduplication(self, context: dedup.Context) -> dedup.Action:
        """What to try as the base of a delta, of what was found. By rule: what shares enough."""
        action = self._ask("dedup", context, dedup.Action)
        return action if action is not None and context.admissible(action) else dedup.promising(context)

    def prefetch(self, context: prefetch.Context) -> prefetch.Action:
        """Blocks that are likely read next. By rule: none."""
        action = self._ask("prefetch", context, prefetch.Action)
        return action if action is not None and context.admissible(action) else prefetch.NOTHING

    def best_peer(self, context: peers.Context) -> str:
        """Whom to ask for a block. By rule: whose answers took least time; who never answered comes last."""
        action = self._ask("peers", context, peers.Action)
        if action is not None and context.admissible(action):
            return action.order[0]
        return min(context.candidates, key=_latency_ms).name

    def network_parameters(self) -> NetworkParameters:
        """How to spread news of blocks. By rule: to 6 peers, 10 times."""
        return NetworkParameters()

    def record_compression(
        self, size_bytes: int, depth: int, entropy_bits: float, codec: str, stored_bytes: int, took_ms: float
    ) -> None:
        """Tell what came of compressing a block.

        Args:
            size_bytes: of its plaintext.
            depth: as it was asked for.
            entropy_bits: as it was asked for.
            codec: what compressed it, by name.
            stored_bytes: what it takes now.
            took_ms: thread milliseconds of compressing.

        Raises:
            KeyError: no such codec is ever chosen.
        """
        context = _compression_context(size_bytes, depth, entropy_bits)
        outcome = compression.Outcome(stored_bytes, took_ms)
        self.record("compression", context, compression.action_named(codec), outcome)

    def record_deduplication(
        self, context: dedup.Context, action: dedup.Action, outcome: dedup.Outcome
    ) -> None:
        """Tell what came of trying deltas."""
        self.record("dedup", context, action, outcome)

    def record(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        """Tell what came of any task's action; never raises."""
        if self._advisor is not None:
            self._advisor.observe(task_name, context, action, outcome)

    def save(self) -> None:
        """Keep what is known of similar blocks for the next time."""
        if self.similar is not None:
            self.similar.save()

    def _ask(self, task_name: str, context: Any, kind: type[ActionT]) -> ActionT | None:
        if self._advisor is None:
            return None
        action = self._advisor.ask(task_name, context).action
        return action if isinstance(action, kind) else None


def _compression_context(size_bytes: int, depth: int, entropy_bits: float) -> compression.Context:
    facts = BlockFacts(size_bytes, entropy_bits, *(5 * (_UNKNOWN,)))
    link = compression.Link(_DISK_MBPS)
    return compression.Context(facts, link, candidates=compression.STORAGE, flow=f"store, depth {depth}")


def _latency_ms(peer: peers.Peer) -> tuple[bool, float]:
    return peer.latency_ms is None, peer.latency_ms or 0.0
