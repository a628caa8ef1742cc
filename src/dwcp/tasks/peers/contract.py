"""Context, action and outcome of choosing a peer. Standard library only."""

from dataclasses import dataclass

__all__ = ["Action", "Context", "Outcome", "Peer"]


@dataclass(frozen=True, slots=True)
class Peer:
    """A candidate, with what earlier requests to it showed; None where there were none.

    Attributes:
        name: whom to ask.
        latency_ms: exponentially weighted mean of the time to the first byte.
        latency_slope: its change, in ms a second, over the last requests.
        failure_share: exponentially weighted share of requests that failed (0 to 1).
        bandwidth_mbps: exponentially weighted mean of what it delivered.
        idle_s: since its last answer.
        pending_bytes: asked of it by this node and not yet received.
        coordinates_ms: its place in the node's latency space, where there is one.
    """

    name: str
    latency_ms: float | None = None
    latency_slope: float | None = None
    failure_share: float = 0.0
    bandwidth_mbps: float | None = None
    idle_s: float | None = None
    pending_bytes: int = 0
    coordinates_ms: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What is known before one choice.

    Attributes:
        candidates: all of whom have the data; at least one, names differ.
        block_bytes: how much is asked for.
        epoch_s: when, in seconds since 1970 UTC.
        load: requests of this node that are under way.
        timeout_ms: after which a request counts as failed.
    """

    candidates: tuple[Peer, ...]
    block_bytes: int
    epoch_s: float
    load: int = 0
    timeout_ms: float = 10_000.0

    def admissible(self, action: "Action") -> bool:
        """Whether the action names each candidate once, and nobody else."""
        return sorted(action.order) == sorted(peer.name for peer in self.candidates)


@dataclass(frozen=True, slots=True)
class Action:
    """Whom to ask.

    Attributes:
        order: names of all candidates: the first is asked first, the next if that fails, and so on.
    """

    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of asking one peer.

    Attributes:
        peer: who was asked.
        latency_ms: to the first byte; the timeout where it failed.
        elapsed_ms: until everything was there; the timeout where it failed.
        succeeded: the data came, and was what was asked for.
    """

    peer: str
    latency_ms: float
    elapsed_ms: float
    succeeded: bool
