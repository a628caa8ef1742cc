"""Which blocks are read, one after the other: walks over trees of files, loops, streams, popularity."""

from dwcp.simulate.access.patterns import (
    cold_reads,
    drifting_popularity,
    interleaved_streams,
    random_reads,
    repeated_loop,
)
from dwcp.simulate.access.read import Read
from dwcp.simulate.access.tree import Tree, grow_tree
from dwcp.simulate.access.walks import partial_reads, repeated_builds, restore

__all__ = [
    "Read",
    "Tree",
    "cold_reads",
    "drifting_popularity",
    "grow_tree",
    "interleaved_streams",
    "partial_reads",
    "random_reads",
    "repeated_builds",
    "repeated_loop",
    "restore",
]
