"""Contexts and measured blocks to test with: plain ones by hand, and any at all by hypothesis."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from dwcp.codecs.facts import BlockFacts, Probe, ReferenceFacts
from dwcp.evaluation.policy import Case
from dwcp.tasks.compression.contract import (
    CANDIDATES,
    STORAGE,
    TRANSFER,
    Action,
    Context,
    CostModel,
    Host,
    Link,
    Objective,
    Outcome,
)
from dwcp.tasks.compression.measure import MeasuredBlock, ReferenceKind

MIB = 1 << 20
REFERENCE = ReferenceFacts(MIB, 0.98, Probe(0.05, 3.0))
PLAIN = tuple(action for action in CANDIDATES if not action.use_reference)

TEXT = BlockFacts(
    block_bytes=MIB,
    entropy_bits=4.8,
    difference_entropy_bits=6.1,
    stride_entropy_bits=6.3,
    zero_share=0.01,
    text_share=0.97,
    repeat_share=0.04,
    lz4_light=Probe(0.45, 1.4),
    lz4=Probe(0.40, 1.5),
    zstd_fast=Probe(0.28, 2.3),
    zstd_strong=Probe(0.24, 13.0),
    zstd_whole=Probe(0.27, 2.2),
    probe_ms=0.4,
)
NOISE = replace(
    TEXT,
    entropy_bits=7.99,
    lz4_light=Probe(1.0, 0.1),
    lz4=Probe(1.0, 0.1),
    zstd_fast=Probe(1.0, 0.2),
    zstd_strong=Probe(1.0, 1.0),
    zstd_whole=Probe(1.0, 0.2),
)


def context(
    bandwidth_mbps: float = 100.0,
    model: CostModel = CostModel.SERIAL,
    facts: BlockFacts = TEXT,
    workers: float = 1.0,
    **changes: Any,
) -> Context:
    return Context(facts, Link(bandwidth_mbps), Host(workers, workers), Objective(model), **changes)


def outcomes(*, deltas: bool = False) -> dict[Action, Outcome]:
    """Stronger candidates store less and take longer, each by its place in the list."""
    return {
        action: Outcome(MIB - 40_000 * place, 0.5 + place**2, 0.5 + place / 2)
        for place, action in enumerate(CANDIDATES)
        if deltas or not action.use_reference
    }


def block(
    kind: ReferenceKind = ReferenceKind.NONE, file: str = "a.txt", offset_bytes: int = 0, **changes: Any
) -> MeasuredBlock:
    reference = None
    if kind is not ReferenceKind.NONE:
        reference = replace(REFERENCE, made_up=kind is ReferenceKind.AGED)
    facts = replace(TEXT, reference=reference)
    measured = outcomes(deltas=reference is not None)
    whole = MeasuredBlock(file, file, offset_bytes, kind, facts, measured, (("lz4", 1.5), ("zstd-1", 2.0)))
    return replace(whole, **changes)


def case(facts: BlockFacts = TEXT, group: str = "a.txt", time_s: float = 0.0) -> Case[Any, Any, Any]:
    measured = outcomes(deltas=facts.reference is not None)
    return Case(context(facts=facts, flow=group), measured, group, time_s)


SHARES = st.floats(0, 1)
BITS = st.floats(0, 8)
PROBES = st.builds(Probe, st.floats(1e-4, 1.1), st.floats(1e-3, 1e4))
REFERENCES = st.builds(ReferenceFacts, st.integers(64, 1 << 40), SHARES, st.none() | PROBES)
FACTS = st.builds(
    BlockFacts,
    block_bytes=st.integers(0, 1 << 40),
    entropy_bits=BITS,
    difference_entropy_bits=BITS,
    stride_entropy_bits=BITS,
    zero_share=SHARES,
    text_share=SHARES,
    repeat_share=SHARES,
    lz4_light=st.none() | PROBES,
    lz4=st.none() | PROBES,
    zstd_fast=st.none() | PROBES,
    zstd_strong=st.none() | PROBES,
    zstd_whole=st.none() | PROBES,
    reference=st.none() | REFERENCES,
    probe_ms=st.floats(0, 1e3),
)
CONTEXTS = st.builds(
    Context,
    FACTS,
    st.builds(Link, st.floats(1e-3, 1e8), st.floats(0, 1e6), st.floats(0, 1e6), SHARES),
    st.builds(Host, st.floats(1e-3, 4096), st.floats(1e-3, 4096)),
    st.builds(Objective, st.sampled_from(CostModel), st.floats(0, 1e6)),
    st.sampled_from([TRANSFER, STORAGE]) | st.frozensets(st.sampled_from(CANDIDATES)),
    st.text(max_size=8),
)
