"""Walks over a tree of files, as a store sees them: a node is read before what it links to."""

from collections.abc import Iterator

import numpy as np

from dwcp.simulate.access.read import Read
from dwcp.simulate.access.tree import Tree

__all__ = ["partial_reads", "repeated_builds", "restore"]

_TOUCHED_AGAIN = 0.9


def restore(tree: Tree) -> Iterator[Read]:
    """The whole tree, depth first, every child in order: a restore, a copy, a backup's check."""
    yield Read(tree.root)
    waiting = [_links(tree, tree.root)]
    while waiting:
        read = next(waiting[-1], None)
        if read is None:
            waiting.pop()
        else:
            yield read
            if read.block in tree.children:
                waiting.append(_links(tree, str(read.block)))


def partial_reads(tree: Tree, reads: int, rng: np.random.Generator) -> Iterator[Read]:
    """Files drawn by popularity (Zipf, exponent 1); of each, some of its blocks from a random place on."""
    order = rng.permutation(len(tree.files))
    weights = 1.0 / np.arange(1, len(tree.files) + 1)
    done = 0
    while done < reads:
        file = tree.files[order[rng.choice(len(order), p=weights / weights.sum())]]
        links = list(_links(tree, file))
        first = int(rng.integers(len(links)))
        stretch = [Read(file), *links[first : first + int(rng.geometric(0.2))]][: reads - done]
        yield from stretch
        done += len(stretch)


def repeated_builds(tree: Tree, builds: int, rng: np.random.Generator) -> Iterator[Read]:
    """The same files in the same order every time, of which each build leaves out one in ten."""
    order = rng.permutation(len(tree.files))
    for _ in range(builds):
        for position in order:
            if rng.random() < _TOUCHED_AGAIN:
                file = tree.files[position]
                yield Read(file)
                yield from _links(tree, file)


def _links(tree: Tree, node: str) -> Iterator[Read]:
    children = tree.children[node]
    for position, child in enumerate(children):
        yield Read(child, node, position, children[position + 1 :])
