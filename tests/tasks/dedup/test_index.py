"""The index: what is alike, what stands for what, what lies behind what, and a bound on it all."""

from random import Random

import numpy as np
import pytest

from dwcp.codecs import plaintext_id
from dwcp.tasks.dedup.contract import MOST_CANDIDATES
from dwcp.tasks.dedup.examples import edited, made_up_block
from dwcp.tasks.dedup.features import Sketch, sketch
from dwcp.tasks.dedup.index import SuperFeatureIndex


def looks(block: bytes) -> Sketch:
    found = sketch(block)
    assert found is not None
    return found


def blocks(count: int, size_bytes: int = 6000) -> list[bytes]:
    return [made_up_block(size_bytes, Random(number)) for number in range(count)]


def add(index: SuperFeatureIndex, block: bytes, base: bytes = b"") -> bytes:
    block_id = plaintext_id(block)
    index.add(block_id, looks(block), len(block), base)
    return block_id


def test_an_edited_block_is_found_among_many() -> None:
    index = SuperFeatureIndex()
    ids = [add(index, block) for block in blocks(60)]
    for number, block in enumerate(blocks(60)):
        found = index.find(looks(edited(block, 0.03, Random(number))))
        assert found[0].base == ids[number]
        assert (found[0].is_direct, found[0].is_next, found[0].size_bytes) == (True, False, 6000)
    assert index.find(looks(made_up_block(6000, Random(99)))) == ()


def test_a_delta_stands_for_its_base() -> None:
    index = SuperFeatureIndex()
    first, second, third = blocks(3)
    base_id = add(index, first)
    add(index, second, base_id)
    [candidate] = index.find(looks(second))
    assert (candidate.base, candidate.is_direct, candidate.size_bytes) == (base_id, False, 6000)
    add(index, third, b"?" * 32)
    assert index.find(looks(third)) == ()


def test_the_likest_comes_first_and_there_are_not_too_many() -> None:
    index, rng = SuperFeatureIndex(), Random(5)
    [block] = blocks(1, 60_000)
    shares = (0.2, 0.02, 0.1, 0.05, 0.15, 0.08)
    ids = {share: add(index, edited(block, share, rng)) for share in shares}
    found = index.find(looks(block))
    assert found[0].base == ids[0.02]
    assert len(found) == MOST_CANDIDATES
    likeness = [one.shared_features + one.shared_grams for one in found]
    assert likeness == sorted(likeness, reverse=True)


def test_what_was_stored_behind_is_found_behind() -> None:
    index = SuperFeatureIndex()
    first, second, third, other = (made_up_block(6000, Random(number)) for number in range(4))
    first_id, second_id = add(index, first), add(index, second)
    [candidate] = index.find(looks(third), after=first_id)
    assert (candidate.base, candidate.is_next) == (second_id, True)
    delta_id = add(index, edited(first, 0.1, Random(1)), first_id)
    assert second_id in {one.base for one in index.find(looks(other), after=delta_id)}
    assert index.find(looks(other), after=b"?" * 32) == ()


def test_the_older_half_is_forgotten() -> None:
    index = SuperFeatureIndex(most_blocks=20)
    every = blocks(35)
    ids = [add(index, block) for block in every]
    delta_id = add(index, edited(every[34], 0.1, Random(1)), ids[34])
    assert len(index) <= 20
    assert index.find(looks(every[0])) == ()
    assert [index.find(looks(every[number]))[0].base for number in (30, 34)] == [ids[30], ids[34]]
    assert index.find(looks(every[20]), after=delta_id)[0].base == ids[20]
    assert index.size_bytes > 0


def test_a_base_that_was_forgotten_is_no_candidate() -> None:
    index = SuperFeatureIndex(most_blocks=4)
    every = blocks(5)
    base_id = add(index, every[0])
    for block in every[1:3]:
        add(index, block)
    add(index, every[3], base_id)
    add(index, every[4])
    assert index.find(looks(every[3])) == ()
    assert index.find(looks(every[2])) != ()
    for number in range(10, 14):
        add(index, made_up_block(6000, Random(number)))
    assert all(len(one.base) == 32 for block in every for one in index.find(looks(block)))


@pytest.mark.parametrize("count", [1, 3000])
def test_memory_is_bounded_by_the_count(count: int) -> None:
    index = SuperFeatureIndex()
    rng = np.random.default_rng(1)
    [row] = [looks(block) for block in blocks(1)]
    for number in range(count):
        row["features"] = rng.integers(0, 1 << 32, 12, np.uint32)
        index.add(number.to_bytes(32, "big"), row, 6000)
    index.keys.entries()
    assert index.size_bytes <= 84 * max(1024, 1.5 * count) + 7 * 8 * count
