from random import Random

import pytest

from dwcp.codecs import (
    DictionaryHealth,
    DictionaryZstd,
    ReferenceStore,
    Zstd,
    decode,
    plaintext_id,
    train_dictionary,
)
from dwcp.codecs.dictionary import MAX_DICTIONARY_BYTES
from dwcp.errors import CorruptBlockError, InputError


def samples(count: int, seed: int = 1) -> list[bytes]:
    rng = Random(seed)
    units = [rng_word.hex().encode() for rng_word in (Random(word).randbytes(6) for word in range(400))]
    return [b", ".join(rng.choices(units, k=100)) for _ in range(count)]


def test_a_trained_dictionary_gains_on_what_it_has_not_seen() -> None:
    dictionary = train_dictionary("sensors", samples(100))
    assert dictionary.id == plaintext_id(dictionary.content)
    assert len(dictionary.content) <= MAX_DICTIONARY_BYTES
    assert dictionary.gain > 1.05
    store, codec = ReferenceStore(1 << 20), DictionaryZstd(dictionary, 3)
    store.add(dictionary.content)
    fresh = samples(20, seed=2)
    stored = [codec.encode(block) for block in fresh]
    assert [decode(block, 10_000, store) for block in stored] == fresh
    assert sum(map(len, stored)) < sum(len(Zstd(3).encode(block)) for block in fresh)


def test_training_is_repeatable() -> None:
    assert train_dictionary("sensors", samples(60)) == train_dictionary("sensors", samples(60))


@pytest.mark.parametrize("given", [[], [b"short"] * 500, samples(2), [b"a" * 2000] * 3])
def test_too_little_to_learn_from_is_one_sentence(given: list[bytes]) -> None:
    with pytest.raises(InputError, match="'sensors' can be trained"):
        train_dictionary("sensors", given)


@pytest.mark.parametrize("max_bytes", [0, -1, MAX_DICTIONARY_BYTES + 1])
def test_a_size_out_of_range_is_refused(max_bytes: int) -> None:
    with pytest.raises(InputError, match="131072 bytes"):
        train_dictionary("sensors", samples(100), max_bytes)


def test_a_level_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="dictionary has levels"):
        DictionaryZstd(train_dictionary("sensors", samples(60)), 23)


def test_another_dictionary_is_refused() -> None:
    dictionary, other = (train_dictionary("sensors", samples(60, seed)) for seed in (1, 2))
    plain = samples(1, seed=3)[0]
    stored = bytearray(DictionaryZstd(dictionary, 3).encode(plain))
    store = ReferenceStore(1 << 20)
    stored[21:53] = store.add(other.content).id
    with pytest.raises(CorruptBlockError):
        decode(stored, len(plain), store)


def test_health_says_nothing_without_evidence() -> None:
    health = DictionaryHealth(2.0, half_life_blocks=4)
    assert health.gain == 2.0
    for _ in range(3):
        health.observe(dictionary_bytes=100, plain_bytes=50)
    assert not health.stale


def test_a_dictionary_that_never_gained_is_stale_as_soon_as_there_is_evidence() -> None:
    health = DictionaryHealth(0.9, half_life_blocks=4)
    for _ in range(4):
        health.observe(dictionary_bytes=100, plain_bytes=99)
    assert health.stale


@pytest.mark.parametrize(("plain_bytes", "stale"), [(200, False), (155, False), (145, True), (80, True)])
def test_stale_is_below_half_of_the_trained_gain(plain_bytes: int, stale: bool) -> None:
    health = DictionaryHealth(2.0, half_life_blocks=4)
    for _ in range(10):
        health.observe(dictionary_bytes=100, plain_bytes=plain_bytes)
    assert health.gain == pytest.approx(plain_bytes / 100)
    assert health.stale is stale


def test_recent_blocks_count_more() -> None:
    health = DictionaryHealth(2.0, half_life_blocks=4)
    for plain_bytes in [200] * 100 + [100] * 8:
        health.observe(dictionary_bytes=100, plain_bytes=plain_bytes)
    assert 1.2 < health.gain < 1.3
    assert health.stale
