"""Contexts as the raw arrays the network is fed; differences and vocabularies are made in the graph."""

import hashlib
from collections.abc import Sequence

import numpy as np

from dwcp.features.spec import InputColumn, InputSpec
from dwcp.task import Arrays, OutputColumn
from dwcp.tasks.prefetch.contract import HISTORY, MOST_BLOCKS, Block, Context

__all__ = ["MISSING", "OUTPUTS", "SPEC", "arrays", "number_of"]

MISSING = -1
_MASK = (1 << 62) - 1

SPEC = InputSpec(
    task="prefetch",
    columns=(
        InputColumn(
            "recent",
            "int64",
            (HISTORY,),
            "1",
            "numbers of the last blocks read, or hashes of their names; -1: there were fewer",
            MISSING,
            _MASK,
        ),
    ),
)
"""What the graph is fed."""

OUTPUTS = (
    OutputColumn("block", "int64", (MOST_BLOCKS,), "1", "number or hash of the blocks likely next"),
    OutputColumn("probability", "float32", (MOST_BLOCKS,), "1", "that the next block is this one"),
)
"""What the graph answers."""


def arrays(contexts: Sequence[Context]) -> Arrays:
    """Contexts to arrays."""
    rows = [[number_of(block) for block in context.recent[-HISTORY:]] for context in contexts]
    padded = [[MISSING] * (HISTORY - len(row)) + row for row in rows]
    return {"recent": np.array(padded, np.int64).reshape(len(contexts), HISTORY)}


def number_of(block: Block) -> int:
    """A block's number, or 62 bits of a hash of its name."""
    if isinstance(block, int):
        return block & _MASK
    digest = hashlib.blake2b(block.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") & _MASK
