"""Contexts as arrays: what speaks for each candidate. A place that no candidate takes is -1."""

from collections.abc import Sequence

import numpy as np

from dwcp.features.spec import InputColumn, InputSpec
from dwcp.task import Arrays
from dwcp.tasks.dedup.contract import FEATURES, GRAMS, MOST_CANDIDATES, Candidate, Context

__all__ = ["EVIDENCE", "MISSING", "SPEC", "arrays"]

MISSING = -1.0
EVIDENCE = ("size_bytes", "shared_features", "shared_grams", "is_direct", "is_next")
"""Positions of the last axis of ``candidates``."""
_MOST_BYTES = 8 * 1024 * 1024

SPEC = InputSpec(
    task="dedup",
    columns=(
        InputColumn("size_bytes", "float32", (), "B", "length of the block", 0.0, _MOST_BYTES),
        InputColumn("alone_bytes", "float32", (), "B", "what it takes by itself", 1.0, 2.0 * _MOST_BYTES),
        InputColumn(
            "candidates",
            "float32",
            (MOST_CANDIDATES, len(EVIDENCE)),
            "mixed",
            "what speaks for each candidate; -1: there is none",
            MISSING,
            _MOST_BYTES,
        ),
    ),
    vocabularies=(
        ("evidence", EVIDENCE),
        ("counts", (f"{FEATURES} features of 32-byte windows", f"{GRAMS} of 8-byte windows")),
    ),
)
"""What a ranker is fed."""


def arrays(contexts: Sequence[Context]) -> Arrays:
    """Contexts to arrays."""
    given = np.full((len(contexts), MOST_CANDIDATES, len(EVIDENCE)), MISSING, np.float32)
    for row, context in enumerate(contexts):
        for place, candidate in enumerate(context.candidates[:MOST_CANDIDATES]):
            given[row, place] = _evidence(candidate)
    return {
        "size_bytes": np.array([context.size_bytes for context in contexts], np.float32),
        "alone_bytes": np.array([context.alone_bytes for context in contexts], np.float32),
        "candidates": given,
    }


def _evidence(candidate: Candidate) -> tuple[float, ...]:
    return (
        candidate.size_bytes,
        candidate.shared_features,
        candidate.shared_grams,
        candidate.is_direct,
        candidate.is_next,
    )
