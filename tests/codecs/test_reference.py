import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from dwcp.codecs import Delta, Reference, ReferenceStore, Window, decode, window_round, windows
from dwcp.errors import InputError

SIZES = st.integers(0, 5000)


def test_a_reference_is_named_by_the_whole_plaintext() -> None:
    whole = Reference.of(b"0123456789")
    part = whole.part(Window(2, 3))
    assert whole.id == part.id == blake3(b"0123456789").digest()
    assert (bytes(whole.view), bytes(part.view)) == (b"0123456789", b"234")


@pytest.mark.parametrize(
    "window", [Window(0, 11), Window(11, 0), Window(-1, 3), Window(3, -1), Window(2**63, 2**63)]
)
def test_a_window_stays_inside(window: Window) -> None:
    with pytest.raises(InputError, match="is not inside a reference of 10 bytes"):
        Reference.of(b"0123456789").part(window)


@given(offset=SIZES, block=SIZES, margin=SIZES, reference=SIZES)
def test_the_window_lies_inside_and_is_as_long_as_it_may(
    offset: int, block: int, margin: int, reference: int
) -> None:
    start, length = window_round(offset, block, margin, reference)
    assert start >= 0
    assert start + length <= reference
    assert length == min(block + 2 * margin, reference)


@given(offset=SIZES, block=SIZES, margin=SIZES, beyond=SIZES)
def test_the_window_covers_the_same_place_where_there_is_one(
    offset: int, block: int, margin: int, beyond: int
) -> None:
    start, length = window_round(offset, block, margin, offset + block + beyond)
    assert start <= offset
    assert start + length >= offset + block


def test_a_block_past_the_end_gets_the_tail() -> None:
    assert window_round(10_000, 100, 50, 1000) == Window(800, 200)


@given(
    plain=st.binary(max_size=600),
    earlier=st.binary(min_size=8, max_size=600),
    block_bytes=st.integers(8, 200),
    margin_bytes=st.integers(4, 100),
)
def test_an_object_cut_into_windows_comes_back(
    plain: bytes, earlier: bytes, block_bytes: int, margin_bytes: int
) -> None:
    store = ReferenceStore(1 << 20)
    reference = store.add(earlier)
    cut = windows(plain, reference, block_bytes, margin_bytes)
    stored = [Delta(1).encode(block, part) for block, part in cut]
    assert b"".join(decode(block, block_bytes, store) for block in stored) == plain
