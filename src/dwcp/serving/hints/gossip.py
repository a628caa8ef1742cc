"""Context, action and outcome of tuning a gossip overlay, as the hints API words them."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Action", "Context", "Outcome", "Push"]

Push: TypeAlias = Literal["eager", "lazy"]
"""Whether neighbours are sent the message itself, or are told that there is one and ask for it."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known before a message is spread, or before the overlay is set up.

    Attributes:
        nodes: how many should be reached, the dead among them.
        loss_share: share of packets lost on the way between two nodes (0 to 1).
        message_bytes: of one message.
        target_share: share of the living nodes that should be reached (0 to 1).
        dead_share: share of nodes that do not answer (0 to 1).
        churn_share: share of nodes that come or go in a second (0 to 1).
        rtt_ms: mean round trip between two nodes; None where not known.
    """

    nodes: int
    loss_share: float
    message_bytes: int
    target_share: float = 0.995
    dead_share: float = 0.0
    churn_share: float = 0.0
    rtt_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """How to spread.

    Attributes:
        fanout: nodes that each node sends to in a round.
        ttl: how many hops a message lives.
        degree: neighbours of a node in the overlay; 0 where there is none, and nodes are drawn anew.
        push: how neighbours that are not in the tree are told.
        retry_ms: after which a message that was announced and did not come is asked for; None for never.
    """

    fanout: int = 6
    ttl: int = 10
    degree: int = 0
    push: Push = "eager"
    retry_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of spreading one message.

    Attributes:
        coverage_share: share of the living nodes that were reached (0 to 1).
        sent_bytes: by all nodes, announcements and repairs included.
        latency_ms: until the last node that was reached had it; None where nobody measured it.
    """

    coverage_share: float
    sent_bytes: int
    latency_ms: float | None = None
