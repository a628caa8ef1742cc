from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice, pairwise

import numpy as np
import pytest

from dwcp.errors import InputError
from dwcp.simulate.access import (
    Read,
    cold_reads,
    drifting_popularity,
    grow_tree,
    interleaved_streams,
    partial_reads,
    random_reads,
    repeated_builds,
    repeated_loop,
    restore,
)

MAKERS: list[Callable[[np.random.Generator], Iterator[Read]]] = [
    lambda rng: cold_reads(500, rng),
    lambda rng: random_reads(500, 50, rng),
    lambda rng: repeated_loop(500, 50, rng),
    lambda rng: drifting_popularity(500, 50, 1.0, 0.1, rng),
    lambda rng: interleaved_streams(500, 4, 0.1, rng),
    lambda rng: restore(grow_tree(20, rng)),
    lambda rng: partial_reads(grow_tree(20, rng), 500, rng),
    lambda rng: repeated_builds(grow_tree(20, rng), 3, rng),
]


@pytest.mark.parametrize("make", MAKERS)
def test_a_seed_tells_all(make: Callable[[np.random.Generator], Iterator[Read]]) -> None:
    first, again, other = (list(make(np.random.default_rng(seed))) for seed in (1, 1, 2))
    assert first == again != other


def test_a_restore_reads_each_node_once_parents_first_children_in_order() -> None:
    tree = grow_tree(50, np.random.default_rng(3))
    reads = list(restore(tree))
    everything = {tree.root, *tree.children, *(child for held in tree.children.values() for child in held)}
    assert Counter(read.block for read in reads) == Counter(everything)
    seen = set()
    for read in reads:
        assert read.parent is None or read.parent in seen
        seen.add(read.block)
        if read.parent is not None and read.child_position is not None:
            children = tree.children[read.parent]
            assert children[read.child_position :] == (read.block, *read.next_children)


def test_a_tree_has_the_files_it_was_asked_for_and_blocks_in_all() -> None:
    tree = grow_tree(200, np.random.default_rng(3))
    assert len(set(tree.files)) == 200
    sizes = sorted(len(tree.children[file]) for file in tree.files)
    assert sizes[0] >= 1
    assert 2 <= sizes[100] <= 5, "half of the files have three blocks or fewer"
    with pytest.raises(InputError, match="one file"):
        grow_tree(0, np.random.default_rng(3))


def test_parts_of_files_are_runs_of_their_blocks() -> None:
    tree = grow_tree(30, np.random.default_rng(4))
    reads = list(partial_reads(tree, 1000, np.random.default_rng(5)))
    assert len(reads) == 1000
    for before, after in pairwise(reads):
        if after.parent is not None and before.parent == after.parent:
            assert before.child_position is not None
            assert after.child_position == before.child_position + 1


def test_builds_read_nearly_the_same_each_time() -> None:
    tree = grow_tree(100, np.random.default_rng(6))
    times = Counter(read.block for read in repeated_builds(tree, 50, np.random.default_rng(7)))
    assert np.mean([times[file] for file in tree.files]) == pytest.approx(45, abs=1)


def test_a_loop_goes_round_and_skips_one_in_fifty() -> None:
    reads = [read.block for read in repeated_loop(10_000, 100, np.random.default_rng(8))]
    successor = dict(pairwise(reads[:200]))
    again = sum(successor.get(before) == after for before, after in pairwise(reads[200:]))
    assert again / 9_800 > 0.9
    assert len(set(reads)) == 100


def test_popularity_follows_zipf_and_drifts() -> None:
    still = [r.block for r in drifting_popularity(20_000, 100, 1.0, 0.0, np.random.default_rng(9))]
    ranked = Counter(still).most_common()
    assert ranked[0][1] / ranked[9][1] == pytest.approx(10, rel=0.25)
    moving = [r.block for r in drifting_popularity(20_000, 100, 1.0, 0.5, np.random.default_rng(9))]
    halves = [Counter(part).most_common(1)[0][0] for part in (moving[:2000], moving[-2000:])]
    assert halves[0] != halves[1]


def test_streams_go_on_by_one() -> None:
    reads = [r.block for r in interleaved_streams(5_000, 4, 0.1, np.random.default_rng(10))]
    seen, continued = set(), 0
    for block in reads:
        assert isinstance(block, int)
        continued += block - 1 in seen
        seen.add(block)
    assert continued / len(reads) == pytest.approx(0.9 * 63 / 64, abs=0.02)


def test_cold_and_random_reads() -> None:
    cold = [r.block for r in cold_reads(1000, np.random.default_rng(11))]
    assert len(set(cold)) == 1000
    assert {r.block for r in islice(random_reads(5000, 20, np.random.default_rng(12)), 5000)} == set(
        range(20)
    )
