"""Features: always the same, shared by what is alike, and by nothing else."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

import numpy as np
import pytest

from dwcp.tasks.dedup.examples import edited, made_up_block
from dwcp.tasks.dedup.features import short_samples, sketch

PINNED_FEATURES = [4210408853, 4291137008, 4236388358, 4287405885]
PINNED_GRAMS = [168, 109, 66, 118, 103, 182, 43, 40]
BLOCK = made_up_block(60_000, Random(1))


def shared(one: bytes, other: bytes) -> tuple[int, int]:
    left, right = sketch(one), sketch(other)
    assert left is not None
    assert right is not None
    return tuple(int((left[name] == right[name]).sum()) for name in ("features", "grams"))


def test_features_are_pinned() -> None:
    found = sketch(b"".join(b"%d, " % number for number in range(5000)))
    assert found is not None
    assert found["features"].tolist()[:4] == PINNED_FEATURES
    assert found["grams"].tolist()[:8] == PINNED_GRAMS


def test_a_block_too_short_for_a_window_has_none() -> None:
    assert sketch(b"") is None
    assert sketch(bytes(31)) is None
    assert sketch(bytes(32)) is not None
    assert short_samples(bytes(31)) is None


@pytest.mark.parametrize("size_bytes", [32, 33, 100, 5000, 65_536, 65_537, 65_567, 200_000])
def test_every_length_has_features_and_the_same_ones_again(size_bytes: int) -> None:
    block = Random(size_bytes).randbytes(size_bytes)
    assert shared(block, bytearray(block)) == (12, 16)


def test_it_does_not_matter_where_things_lie() -> None:
    assert shared(BLOCK, b"something in front of it " + BLOCK) == (12, 16)


def test_the_more_is_changed_the_less_is_shared() -> None:
    rng = Random(2)
    rows = [shared(BLOCK, edited(BLOCK, share, rng)) for share in (0.01, 0.1, 0.5)]
    assert rows[0] > rows[1] > rows[2]
    assert sum(rows[0]) > 20
    features, grams = shared(BLOCK, Random(3).randbytes(60_000))
    assert features == 0
    assert grams <= 2


def test_repeated_bytes_have_features_too() -> None:
    assert shared(bytes(70_000), bytes(80_000)) == (12, 16)
    assert shared(b"ab" * 20_000, b"ab" * 30_000) == (12, 16)


def test_threads_do_not_disturb_each_other() -> None:
    blocks = [made_up_block(9_000, Random(number)) for number in range(40)]
    alone = [sketch(block) for block in blocks]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(sketch, blocks))
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))
