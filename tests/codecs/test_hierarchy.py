from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.codecs import (
    BlockKind,
    Delta,
    DictionaryHealth,
    DictionaryZstd,
    Hierarchy,
    Reference,
    ReferenceStore,
    Zstd,
    decode,
    read_header,
    train_dictionary,
)
from dwcp.codecs.zstd import plain_exceeds

RNG = Random(5)
NOISE = RNG.randbytes(300_000)
WORDS = [RNG.randbytes(4).hex().encode() for _ in range(500)]
PROSE = b" ".join(RNG.choices(WORDS, k=60_000))


def edited(plain: bytes) -> bytes:
    third = len(plain) // 3
    return plain[:third] + b"an insertion" + plain[third : 2 * third] + plain[2 * third + 7 :]


def kind_of(stored: bytes) -> BlockKind:
    return read_header(stored).kind


def records(seed: int, count: int) -> list[bytes]:
    """Small blocks of one class of data: much structure in common, little within each."""
    rng = Random(seed)
    line = '{{"user": "{}", "status": "active", "address": {{"city": "{}", "country": "{}"}}, "n": {}}}\n'
    return [
        "".join(
            line.format(rng.randrange(10**6), rng.randrange(50), rng.choice("ABCDEF") * 3, rng.random())
            for _ in range(12)
        ).encode()
        for _ in range(count)
    ]


def test_what_the_receiver_has_is_sent_as_its_id() -> None:
    store = ReferenceStore(1 << 20)
    store.add(NOISE)
    hierarchy = Hierarchy(3, receiver_has=lambda plain_id: plain_id in store)
    stored = hierarchy.encode(NOISE)
    assert (kind_of(stored), len(stored)) == (BlockKind.KNOWN, 53)
    assert decode(stored, len(NOISE), store) == NOISE
    assert kind_of(hierarchy.encode(NOISE + b"!")) is BlockKind.ZSTD


@pytest.mark.parametrize("plain", [NOISE, PROSE, bytes(100_000) + NOISE])
def test_a_good_reference_gives_a_delta(plain: bytes) -> None:
    store = ReferenceStore(1 << 20)
    reference = store.add(edited(plain))
    stored = Hierarchy(3).encode(plain, reference)
    assert kind_of(stored) is BlockKind.DELTA
    assert len(stored) < len(Zstd(3).encode(plain)) / 20
    assert decode(stored, len(plain), store) == plain


@pytest.mark.parametrize("reference", [b"", b"short", b"nothing in common with it", NOISE[::-1]])
@pytest.mark.parametrize("plain", [PROSE, NOISE, bytes(400_000), b"x" * 63, b"x" * 64, b""])
def test_a_useless_reference_gives_no_delta_larger_than_plain(plain: bytes, reference: bytes) -> None:
    stored = Hierarchy(3).encode(plain, Reference.of(reference))
    assert len(stored) <= len(Zstd(3).encode(plain))


@settings(max_examples=150)
@given(
    plain=st.binary(max_size=300).map(lambda part: part * 3),
    reference=st.binary(max_size=300),
    level=st.sampled_from([-3, 1, 3, 9]),
)
def test_a_delta_is_never_larger_than_plain_zstd_3(plain: bytes, reference: bytes, level: int) -> None:
    store = ReferenceStore(1 << 20)
    stored = Hierarchy(level).encode(plain, store.add(reference))
    if kind_of(stored) is BlockKind.DELTA:
        assert len(stored) <= len(Zstd(3).encode(plain))
    assert decode(stored, len(plain), store) == plain


def test_a_window_is_used_as_a_window() -> None:
    from dwcp.codecs import Window

    store = ReferenceStore(1 << 20)
    reference = store.add(PROSE).part(Window(1000, 200_000))
    stored = Hierarchy(1).encode(PROSE[5000:105_000], reference)
    assert read_header(stored).window == Window(1000, 200_000)
    assert decode(stored, 100_000, store) == PROSE[5000:105_000]


def test_small_blocks_use_the_dictionary_and_large_ones_do_not() -> None:
    dictionary = train_dictionary("records", records(1, 200))
    store = ReferenceStore(1 << 20)
    store.add(dictionary.content)
    hierarchy = Hierarchy(3, dictionary=DictionaryZstd(dictionary, 3))
    small, large = records(2, 1)[0], b"".join(records(2, 100))
    stored = hierarchy.encode(small)
    assert kind_of(stored) is BlockKind.DICTIONARY
    assert len(stored) < len(Zstd(3).encode(small))
    assert decode(stored, len(small), store) == small
    assert len(large) > 65_536
    assert kind_of(hierarchy.encode(large)) is BlockKind.ZSTD


def test_a_block_the_dictionary_does_not_fit_is_plain() -> None:
    hierarchy = Hierarchy(3, dictionary=DictionaryZstd(train_dictionary("records", records(1, 200)), 3))
    assert kind_of(hierarchy.encode(NOISE[:5000])) is BlockKind.ZSTD


def test_a_stale_dictionary_is_found_out_and_left() -> None:
    dictionary = train_dictionary("records", records(1, 200))
    health = DictionaryHealth(dictionary.gain, half_life_blocks=8)
    hierarchy = Hierarchy(3, dictionary=DictionaryZstd(dictionary, 3), health=health)
    for block in records(2, 30):
        hierarchy.encode(block)
    assert not health.stale
    for start in range(0, 60_000, 2000):
        hierarchy.encode(PROSE[start : start + 2000])
    assert health.stale
    assert kind_of(hierarchy.encode(records(3, 1)[0])) is BlockKind.ZSTD


def test_without_anything_it_is_plain_zstd_at_its_level() -> None:
    assert Hierarchy(9).encode(PROSE) == Zstd(9).encode(PROSE)


@pytest.mark.parametrize("plain", [PROSE, NOISE, bytes(500_000), PROSE[:70_000] * 5, b""])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.8, 1.0, 1.5])
def test_the_race_says_exceeds_only_when_it_is_so(plain: bytes, share: float) -> None:
    whole_bytes = len(Zstd(3).encode(plain)) - 21
    limit_bytes = int(whole_bytes * share)
    exceeds = plain_exceeds(memoryview(plain), limit_bytes, 3)
    assert not exceeds or whole_bytes > limit_bytes
    assert exceeds or limit_bytes + limit_bytes // 8 >= whole_bytes * 0.98


def test_the_hierarchy_is_the_delta_where_that_pays() -> None:
    reference = Reference.of(edited(PROSE))
    assert Hierarchy(1).encode(PROSE, reference) == Delta(1).encode(PROSE, reference)
