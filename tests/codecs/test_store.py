from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.codecs import Delta, Reference, ReferenceStore, Uncompressed, encode_known, plaintext_id
from dwcp.errors import InputError, ReferenceMissingError


def test_what_is_added_can_be_pinned() -> None:
    store = ReferenceStore(100)
    added = store.add(bytearray(b"plaintext"))
    with store.pin(plaintext_id(b"plaintext")) as pinned:
        assert pinned == added == Reference.of(b"plaintext")


def test_the_store_keeps_its_own_copy() -> None:
    store, mine = ReferenceStore(100), bytearray(b"plaintext")
    added = store.add(mine)
    mine[:] = b"overwrite"
    assert bytes(added.view) == b"plaintext"


def test_the_least_recently_used_goes_first() -> None:
    store = ReferenceStore(20)
    first, second = store.add(b"a" * 10), store.add(b"b" * 10)
    with store.pin(first.id):
        pass
    third = store.add(b"c" * 10)
    assert [reference.id in store for reference in (first, second, third)] == [True, False, True]
    assert store.held_bytes == 20


def test_what_is_pinned_stays_until_the_pin_ends() -> None:
    store = ReferenceStore(10)
    first = store.add(b"a" * 10)
    with store.pin(first.id), store.pin(first.id):
        second = store.add(b"b" * 10)
        assert first.id in store
        assert second.id not in store
        with store.pin(first.id):
            pass
        assert first.id in store
    third = store.add(b"c" * 10)
    assert first.id not in store
    assert third.id in store


def test_a_pin_ends_with_an_error_too() -> None:
    store = ReferenceStore(10)
    first = store.add(b"a" * 10)
    with pytest.raises(ZeroDivisionError), store.pin(first.id):
        _ = 1 / 0
    store.add(b"b" * 10)
    assert first.id not in store


def test_missing_is_said_and_may_be_tried_again() -> None:
    with pytest.raises(ReferenceMissingError, match="fetch it") as raised, ReferenceStore(10).pin(bytes(32)):
        pass
    assert raised.value.retryable


def test_depth_is_one() -> None:
    store = ReferenceStore(10_000)
    plain = b"plaintext " * 100
    reference = store.add(plain)
    for stored in (Delta(3).encode(plain + b"more", reference), encode_known(plain)):
        with pytest.raises(InputError, match="depth is 1"):
            store.add(stored)
    store.add(Uncompressed().encode(plain))


@pytest.mark.parametrize("plain", [b"x" * 11, memoryview(b"x" * 16).cast("Q")])
def test_larger_than_the_store_is_refused(plain: bytes) -> None:
    with pytest.raises(InputError, match="does not fit"):
        ReferenceStore(10).add(plain)


def test_a_negative_capacity_is_refused() -> None:
    with pytest.raises(InputError, match="at least 0"):
        ReferenceStore(-1)


@given(st.lists(st.binary(max_size=12), max_size=30), st.integers(12, 40))
def test_it_holds_what_fits_and_the_latest(plains: list[bytes], capacity: int) -> None:
    store = ReferenceStore(capacity)
    for plain in plains:
        assert store.add(plain).id in store
        assert store.held_bytes <= capacity
    held = {plain for plain in plains if plaintext_id(plain) in store}
    assert store.held_bytes == sum(map(len, held))


def test_threads_share_it() -> None:
    store = ReferenceStore(1000)

    def use(index: int) -> bool:
        plain = bytes([index % 7]) * 300
        added = store.add(plain)
        try:
            with store.pin(added.id) as pinned:
                return bytes(pinned.view) == plain and added.id in store
        except ReferenceMissingError:
            return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(use, range(400)))
    assert store.held_bytes <= 1000
