"""A block that may come next, with the reason, whose worth is counted."""

from typing import NamedTuple, TypeAlias

from dwcp.tasks.prefetch.contract import Block

__all__ = ["Candidate", "Ground"]

Ground: TypeAlias = tuple[str, int, int, int]
"""A predictor, and three small numbers of its own that tell how sure it is; there are few of them in all."""


class Candidate(NamedTuple):
    """A block and the ground on which it is expected."""

    block: Block
    ground: Ground
