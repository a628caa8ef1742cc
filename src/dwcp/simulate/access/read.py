"""One read of a block, with what a reader of a DAG knows at that moment."""

from typing import NamedTuple

__all__ = ["Read"]


class Read(NamedTuple):
    """A block that is read.

    Attributes:
        block: a number that tells where it lies, or a name.
        parent: the node that links to it; None where there is none, or nobody knows.
        child_position: which of the parent's children it is.
        next_children: the parent's children after it, in order.
    """

    block: int | str
    parent: str | None = None
    child_position: int | None = None
    next_children: tuple[str, ...] = ()
