"""The methods of the hints API: which task each asks, and the records it takes and gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dwcp.serving.hint import Reason
from dwcp.serving.hints import block_fields as block
from dwcp.serving.hints import cluster_fields as cluster
from dwcp.serving.hints import link_fields as link
from dwcp.serving.hints import network_fields as network
from dwcp.serving.hints.records import REQUIRED, Member, Record
from dwcp.serving.hints.strings import Choice, Text
from dwcp.serving.hints.units import MS, SHARE, TEXT

__all__ = ["ANSWERS", "METHODS", "RECORD_OUTCOME", "REPORT", "REQUESTS", "Ask", "Method", "Report"]

_BUCKETED = Text(0, 128)
_ID = Text(1, 64)
REASON = Choice(tuple(reason.value for reason in Reason))
RECORD_OUTCOME = "RecordOutcome"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for a hint, read.

    Attributes:
        context: the contract's.
        unit: what sticks to one arm of an experiment or one side of a rollout.
        region: whose stage of a rollout counts.
    """

    context: Any
    unit: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to ask one task.

    Attributes:
        name: of the RPC, and the last part of the path.
        task: which is asked.
        meaning: one line.
        context: what is known.
        action: what is answered.
        outcome: what is reported afterwards.
        differs: whether a caller may report the outcome of another action than the hint's.
        refusal: why a report does not fit its context and action; empty where it does.
    """

    name: str
    task: str
    meaning: str
    context: Record
    action: Record
    outcome: Record
    differs: bool = False
    refusal: Callable[[Any, Any, Any], str] = lambda context, action, outcome: ""  # noqa: ARG005


def _nothing() -> None:
    return None


_BUCKETS = (
    Member("unit", _BUCKETED, str, "Sticks to one arm of an experiment and one side of a rollout."),
    Member("region", _BUCKETED, str, "Whose stage of a rollout counts."),
)
_MODEL = Record(
    "ModelVersion",
    (
        Member("task", TEXT, meaning="that it was trained for."),
        Member("version", TEXT, meaning="of the registry."),
        Member("digest", TEXT, meaning="of the model; empty where it learned while it served."),
    ),
    dict,
)
_ENVELOPE = (
    Member("hint_id", _ID, meaning="To report the outcome under."),
    Member("reason", REASON, meaning="Why the action is what it is."),
    Member("confidence", SHARE, meaning="Between 0 and 1."),
    Member("model", _MODEL, _nothing, "That answered, or would have; absent where there is none."),
    Member("latency_ms", MS, meaning="How long the asking took in the server."),
    Member("detail", Text(0, 4096), meaning="A few words on a fallback; empty for a model's answer."),
)


def _not_admissible(context: Any, action: Any, outcome: Any) -> str:  # noqa: ARG001
    return "" if context.admissible(action) else "what was done could not be done under the hint's context"


def _not_asked(context: Any, action: Any, outcome: Any) -> str:  # noqa: ARG001
    known = {peer.name for peer in context.candidates}
    return "" if outcome.peer in known else f"peer {outcome.peer!r} is none of the hint's candidates"


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "PredictBandwidth",
            "bandwidth",
            "Forecast the throughput, round trip and loss of a link.",
            link.BANDWIDTH_CONTEXT,
            link.BANDWIDTH_ACTION,
            link.BANDWIDTH_OUTCOME,
        ),
        Method(
            "SelectCompression",
            "compression",
            "Choose a codec and its level for a block.",
            link.COMPRESSION_CONTEXT,
            link.COMPRESSION_ACTION,
            link.COMPRESSION_OUTCOME,
            differs=True,
            refusal=_not_admissible,
        ),
        Method(
            "DetectAnomaly",
            "reliability",
            "Say whether a node behaves as it should.",
            cluster.RELIABILITY_CONTEXT,
            cluster.RELIABILITY_ACTION,
            cluster.RELIABILITY_OUTCOME,
        ),
        Method(
            "DetectHighLatency",
            "consensus",
            "Say whether a consensus group behaves as it should.",
            cluster.CONSENSUS_CONTEXT,
            cluster.CONSENSUS_ACTION,
            cluster.CONSENSUS_OUTCOME,
        ),
        Method(
            "FindSimilarBlocks",
            "dedup",
            "Choose blocks to try as the base of a block's delta.",
            block.DEDUP_CONTEXT,
            block.DEDUP_ACTION,
            block.DEDUP_OUTCOME,
            differs=True,
            refusal=_not_admissible,
        ),
        Method(
            "PrefetchBlocks",
            "prefetch",
            "Choose blocks to fetch before anybody asks for them.",
            block.PREFETCH_CONTEXT,
            block.PREFETCH_ACTION,
            block.PREFETCH_OUTCOME,
        ),
        Method(
            "SelectPeer",
            "peers",
            "Choose in which order peers are asked for a block.",
            network.PEERS_CONTEXT,
            network.PEERS_ACTION,
            network.PEERS_OUTCOME,
            refusal=_not_asked,
        ),
        Method(
            "TuneGossip",
            "gossip",
            "Choose how a message is spread over many nodes.",
            network.GOSSIP_CONTEXT,
            network.GOSSIP_ACTION,
            network.GOSSIP_OUTCOME,
            differs=True,
        ),
    )
}
"""By name, in the order of the protocol."""

REQUESTS = {
    name: Record(f"{name}Request", (*_BUCKETS, Member("context", one.context)), Ask)
    for name, one in METHODS.items()
}
"""What each takes."""

ANSWERS = {
    name: Record(f"{name}Response", (*_ENVELOPE, Member("action", one.action, meaning="What to do.")), dict)
    for name, one in METHODS.items()
}
"""What each gives."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a hint, read.

    Attributes:
        hint_id: of the hint.
        outcome: the task whose this is, and the contract's outcome.
        taken: what was done where that was not the hint's action: the task, and the contract's action.
    """

    hint_id: str
    outcome: tuple[str, Any]
    taken: tuple[str, Any] | None = None


def _named(**given: Any) -> tuple[str, Any]:
    return next(iter(given.items()))


OUTCOMES = Record(
    "HintOutcome", tuple(Member(one.task, one.outcome) for one in METHODS.values()), _named, one_of=True
)
"""What came, under the name of the task that gave the hint."""

TAKEN = Record(
    "HintAction",
    tuple(Member(one.task, one.action) for one in METHODS.values() if one.differs),
    _named,
    one_of=True,
)
"""What was done, under the name of the task that gave the hint."""

REPORT = Record(
    f"{RECORD_OUTCOME}Request",
    (
        Member("hint_id", _ID, REQUIRED, "Of the answer that gave the hint."),
        Member("outcome", OUTCOMES, REQUIRED, "What came, under the name of the task."),
        Member("taken", TAKEN, _nothing, "What was done, where that was not the hint's action."),
    ),
    Report,
)
"""A report of what came of a hint."""
