"""Fields of what is asked about blocks of a store: similar blocks, and blocks to fetch early."""

from typing import Any

from dwcp.serving.hints.records import Member, Record, record
from dwcp.serving.hints.shapes import Count, ListOf
from dwcp.serving.hints.strings import Octets
from dwcp.serving.hints.units import BYTES, COUNT, FLAG, NAME
from dwcp.tasks.dedup import contract as dedup
from dwcp.tasks.prefetch import contract as prefetch

__all__ = [
    "DEDUP_ACTION",
    "DEDUP_CONTEXT",
    "DEDUP_OUTCOME",
    "PREFETCH_ACTION",
    "PREFETCH_CONTEXT",
    "PREFETCH_OUTCOME",
]

_BLOCK_ID = Octets(64)
_MOST_BLOCKS = 64
_CANDIDATE = record(
    "DedupCandidate",
    dedup.Candidate,
    base=_BLOCK_ID,
    size_bytes=Count(1, 2**53),
    shared_features=Count(0, dedup.FEATURES),
    shared_grams=Count(0, dedup.GRAMS),
    is_direct=FLAG,
    is_next=FLAG,
)

DEDUP_CONTEXT = record(
    "DedupContext",
    dedup.Context,
    block_id=_BLOCK_ID,
    is_node=FLAG,
    size_bytes=Count(1, 2**53),
    alone_bytes=Count(1, 2**53),
    candidates=ListOf(_CANDIDATE, most=dedup.MOST_CANDIDATES),
)
DEDUP_ACTION = record("DedupAction", dedup.Action, bases=ListOf(_BLOCK_ID, most=dedup.MOST_TRIALS))
DEDUP_OUTCOME = record(
    "DedupOutcome", dedup.Outcome, alone_bytes=Count(1, 2**53), delta_bytes=BYTES, tried=COUNT, useless=COUNT
)


def _number_or_name(block: prefetch.Block, member: Member) -> Any:
    return block if isinstance(block, int) == (member.name == "number") else None


_BLOCK = Record(
    "Block",
    (
        Member("number", Count(), meaning="where blocks with neighbouring numbers lie beside each other."),
        Member("name", NAME, meaning="else, such as the hexadecimal digits of a hash."),
    ),
    lambda **given: next(iter(given.values())),
    one_of=True,
    parts=_number_or_name,
)

PREFETCH_CONTEXT = record(
    "PrefetchContext",
    prefetch.Context,
    recent=ListOf(_BLOCK, least=1, most=prefetch.HISTORY),
    parent=_BLOCK,
    child_position=COUNT,
    next_children=ListOf(_BLOCK, most=_MOST_BLOCKS),
    cache_blocks=COUNT,
)
PREFETCH_ACTION = record("PrefetchAction", prefetch.Action, blocks=ListOf(_BLOCK, most=prefetch.MOST_BLOCKS))
PREFETCH_OUTCOME = record(
    "PrefetchOutcome",
    prefetch.Outcome,
    accessed=ListOf(_BLOCK, least=1, most=_MOST_BLOCKS),
    fetched=ListOf(_BLOCK, most=prefetch.MOST_BLOCKS),
)
