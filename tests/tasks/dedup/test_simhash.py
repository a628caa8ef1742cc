"""SimHash: near for what is alike, and found by its bands."""

from random import Random

import numpy as np

from dwcp.tasks.dedup.examples import edited, made_up_block
from dwcp.tasks.dedup.simhash import BANDS, BITS, SimHashIndex, simhash

BLOCKS = [made_up_block(8000, Random(number)) for number in range(1100)]


def test_what_is_alike_is_near() -> None:
    first, second = simhash(BLOCKS[0]), simhash(edited(BLOCKS[0], 0.02, Random(1)))
    assert first is not None
    assert second is not None
    assert len(first) == BANDS
    assert int(np.bitwise_count(first ^ second).sum()) < BITS // 8
    assert simhash(bytes(10)) is None


def test_it_is_found_by_a_band() -> None:
    index = SimHashIndex()
    for number, block in enumerate(BLOCKS):
        bands = simhash(block)
        assert bands is not None
        assert index.add(bands) == number
    hits = 0
    for number in range(50):
        looked_for = simhash(edited(BLOCKS[number], 0.02, Random(number)))
        assert looked_for is not None
        found, held = index.find(looked_for, 4)
        hits += number in found
        assert len(found) <= 4 <= max(held, 4)
    assert hits >= 45
    assert index.find(np.arange(BANDS, dtype=np.uint16) + 40_000, 4)[1] < 10
    assert index.size_bytes > 1100 * 16
