"""Fields of what is asked about nodes and groups of them: anomalies, and high latency of consensus."""

from typing import Any, get_args

from dwcp.serving.hints.records import Member, Record, record
from dwcp.serving.hints.shapes import Amount, ListOf
from dwcp.serving.hints.strings import Choice, Word
from dwcp.serving.hints.units import ANY, FLAG, NAME, NUMBER, SHARE, TEXT
from dwcp.tasks.consensus import contract as consensus
from dwcp.tasks.reliability import contract as reliability

__all__ = [
    "CONSENSUS_ACTION",
    "CONSENSUS_CONTEXT",
    "CONSENSUS_OUTCOME",
    "RELIABILITY_ACTION",
    "RELIABILITY_CONTEXT",
    "RELIABILITY_OUTCOME",
]

_UNKNOWN = -1.0
"""The contract's word for a level that was never measured."""


def _first(value: str, kind: Any) -> tuple[str, ...]:
    """An enumeration's values with one of them first."""
    return (value, *(one for one in get_args(kind) if one != value))


_LEVEL = Record(
    "MeasureLevel",
    (
        Member("measure", Word(consensus.MEASURES), meaning="which."),
        Member("median", NUMBER, meaning="in quiet seconds."),
        Member("deviation", NUMBER, meaning="robust, in quiet seconds."),
    ),
    lambda measure, median, deviation: (measure, (median, deviation)),
)


def _in_order(levels: list[tuple[str, consensus.Level]]) -> tuple[consensus.Level, ...]:
    """Levels in the order of the measures."""
    known = dict(levels)
    nothing = (_UNKNOWN, _UNKNOWN)
    return tuple(known.get(measure, nothing) for measure in consensus.MEASURES) if known else ()


_SECOND: Any = dict.fromkeys(consensus.MEASURES, NUMBER)
CONSENSUS_CONTEXT = record(
    "ConsensusContext",
    consensus.Context,
    group=NAME,
    steps=ListOf(record("ConsensusStep", consensus.Step, **_SECOND), least=1, most=consensus.STEPS),
    usual=ListOf(_LEVEL, most=len(consensus.MEASURES), build=_in_order),
    slo_ms=Amount(1e-3, 1e9),
)
_EVIDENCE = record("Evidence", consensus.Evidence, feature=NAME, value=ANY, deviation=ANY)
CONSENSUS_ACTION = record(
    "ConsensusAction",
    consensus.Action,
    anomalous=FLAG,
    probability=SHARE,
    alarm=FLAG,
    since_s=ANY,
    state=Choice(_first("steady", consensus.State)),
    rules=ListOf(TEXT),
    evidence=ListOf(_EVIDENCE),
    margin=ANY,
)
CONSENSUS_OUTCOME = record(
    "ConsensusOutcome",
    consensus.Outcome,
    alarmed=FLAG,
    kind=Choice(_first("unknown", consensus.Kind)),
    event=TEXT,
)

_SAMPLE = record(
    "ReliabilitySample",
    reliability.Sample,
    error_rate=SHARE,
    timeout_rate=SHARE,
    p50_latency_ms=NUMBER,
    p99_latency_ms=NUMBER,
    sla_violations=NUMBER,
    connection_failures=NUMBER,
    packet_loss=SHARE,
    cpu_usage=SHARE,
    memory_usage=SHARE,
    disk_io=SHARE,
)
RELIABILITY_CONTEXT = record(
    "ReliabilityContext",
    reliability.Context,
    node=NAME,
    steps=ListOf(_SAMPLE, least=1, most=reliability.STEPS),
    peers=ListOf(_SAMPLE, most=reliability.STEPS),
    objective=SHARE,
)
_CONTRIBUTION = record("Contribution", reliability.Contribution, feature=NAME, deviation=ANY)
_BUDGET = record("ErrorBudget", reliability.Budget, burn_short=Amount(), burn_long=Amount())
RELIABILITY_ACTION = record(
    "ReliabilityAction",
    reliability.Action,
    anomalous=FLAG,
    score=SHARE,
    alarm=FLAG,
    novelty=SHARE,
    margin=ANY,
    contributions=ListOf(_CONTRIBUTION),
    budget=_BUDGET,
)
RELIABILITY_OUTCOME = record(
    "ReliabilityOutcome",
    reliability.Outcome,
    alarmed=FLAG,
    kind=Choice(_first("unknown", reliability.Kind)),
    event=TEXT,
)
