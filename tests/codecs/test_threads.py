"""Codecs let other threads run while they work."""

from collections.abc import Callable
from random import Random
from threading import Event, Thread
from time import perf_counter

import pytest

from dwcp.codecs import Reference, codec_named, decode

ATTEMPTS = 5
TEXT = (
    b" ".join(Random(1).choices([Random(i).randbytes(5).hex().encode() for i in range(999)], k=100_000)) * 16
)


def longest_pause_share(work: Callable[[], object]) -> float:
    """Longest time this thread could not run, over the time another thread's work took."""
    ended = Event()
    took_s = 0.0

    def run() -> None:
        nonlocal took_s
        begin = perf_counter()
        work()
        took_s = perf_counter() - begin
        ended.set()

    thread = Thread(target=run)
    longest_s, last = 0.0, perf_counter()
    thread.start()
    while not ended.is_set():
        now = perf_counter()
        longest_s, last = max(longest_s, now - last), now
    thread.join()
    return longest_s / took_s


def lets_others_run(work: Callable[[], object]) -> bool:
    """Whether, in one attempt of several, this thread ran during the work of the other."""
    return any(longest_pause_share(work) < 0.7 for _ in range(ATTEMPTS))


def test_work_that_holds_the_lock_is_found_out() -> None:
    digits = 10**700_000
    assert not lets_others_run(lambda: digits * digits)


@pytest.mark.parametrize("name", ["lz4", "lz4hc-1", "snappy", "zstd-1", "delta-1"])
def test_encoding_lets_others_run(name: str) -> None:
    codec = codec_named(name)
    reference = Reference.of(TEXT[: len(TEXT) // 2]) if codec.needs_reference else None
    assert lets_others_run(lambda: codec.encode(TEXT, reference))


@pytest.mark.parametrize("name", ["lz4", "snappy", "zstd-1"])
def test_decoding_lets_others_run(name: str) -> None:
    stored = codec_named(name).encode(TEXT)
    assert lets_others_run(lambda: decode(stored, len(TEXT)))
