from collections.abc import Callable
from functools import lru_cache
from random import Random

import pytest

from dwcp.codecs import (
    Buffer,
    DictionaryZstd,
    Header,
    Hierarchy,
    Reference,
    ReferenceStore,
    TrainedDictionary,
    Uncompressed,
    Zstd,
    codec_named,
    conformance,
    decode,
    decoding,
    train_dictionary,
)
from dwcp.codecs.conformance import (
    CHECKS,
    CodecFactory,
    check_bit_flips,
    check_declared_size_lies,
    check_large,
    check_max_bytes,
    check_round_trip,
    plaintexts,
)

NAMES = (
    "none",
    "lz4",
    "lz4hc-1",
    "lz4hc-4",
    "lz4hc-9",
    "snappy",
    "zstd--5",
    "zstd-1",
    "zstd-3",
    "zstd-9",
    "delta-1",
    "delta-3",
)
SLOW_NAMES = ("lz4hc-12", "zstd-19", "zstd-22", "delta-19")


@lru_cache
def trained() -> TrainedDictionary:
    text, rng = plaintexts()["text"], Random(3)
    starts = [rng.randrange(len(text) - 2048) for _ in range(200)]
    return train_dictionary("text", [text[start : start + 2048] for start in starts], 16_384)


def dictionary_codec(store: ReferenceStore) -> DictionaryZstd:
    store.add(trained().content)
    return DictionaryZstd(trained(), 3)


def hierarchy(store: ReferenceStore) -> Hierarchy:
    return Hierarchy(3, receiver_has=lambda plain_id: plain_id in store, dictionary=dictionary_codec(store))


def named(name: str) -> CodecFactory:
    return lambda _: codec_named(name)


FACTORIES: dict[str, CodecFactory] = {
    **{name: named(name) for name in NAMES},
    "dictionary-3": dictionary_codec,
    "hde-3": hierarchy,
}


SMALL_CHECKS = [check for check in CHECKS if check is not check_large]


@pytest.mark.parametrize(
    "name", ["none", "lz4", "lz4hc-4", "snappy", "zstd-3", "delta-1", "dictionary-3", "hde-3"]
)
def test_64_mib_come_back(name: str) -> None:
    check_large(FACTORIES[name])


@pytest.mark.parametrize("check", SMALL_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("factory", FACTORIES.values(), ids=FACTORIES.keys())
def test_codec_conforms(factory: CodecFactory, check: Callable[[CodecFactory], None]) -> None:
    check(factory)


@pytest.mark.parametrize("check", SMALL_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SLOW_NAMES)
def test_slow_levels_conform(name: str, check: Callable[[CodecFactory], None]) -> None:
    check(named(name))


class Truncating(Uncompressed):
    """Loses the last byte, and frames what is left as if it were all."""

    def encode(self, plain: Buffer, reference: Reference | None = None) -> bytes:
        return super().encode(bytes(plain)[:-1], reference)


def test_the_suite_catches_a_codec_that_loses_bytes() -> None:
    with pytest.raises(AssertionError, match="does not come back"):
        check_round_trip(lambda _: Truncating())


def accept_anything(header: Header, plain: bytes) -> None:
    """A check that checks nothing."""


@pytest.mark.parametrize(
    ("check", "words"),
    [(check_bit_flips, "gives other bytes"), (check_declared_size_lies, "is not refused")],
)
def test_the_suite_catches_a_decoder_that_does_not_verify(
    monkeypatch: pytest.MonkeyPatch, check: Callable[[CodecFactory], None], words: str
) -> None:
    monkeypatch.setattr(decoding, "verify", accept_anything)
    with pytest.raises(AssertionError, match=words):
        check(lambda _: Zstd(3))


def test_the_suite_catches_a_decoder_without_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    def unbounded(stored: Buffer, max_bytes: int, references: ReferenceStore) -> bytes:
        return decode(stored, 2**64, references)

    monkeypatch.setattr(conformance, "decode", unbounded)
    with pytest.raises(AssertionError, match="longer than accepted"):
        check_max_bytes(lambda _: Zstd(3))
