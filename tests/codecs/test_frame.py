from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.codecs.frame import MAGIC, BlockKind, Window, pack, read_header, unpack
from dwcp.errors import CorruptBlockError

U64 = st.integers(0, 2**64 - 1)


@given(
    kind=st.sampled_from(BlockKind),
    plain=st.binary(max_size=64),
    payload=st.binary(max_size=64),
    reference_id=st.binary(min_size=32, max_size=32),
    window=st.builds(Window, U64, U64),
)
def test_what_is_packed_is_unpacked(
    kind: BlockKind, plain: bytes, payload: bytes, reference_id: bytes, window: Window
) -> None:
    names_reference = kind in {BlockKind.DELTA, BlockKind.DELTA_WINDOW, BlockKind.DICTIONARY, BlockKind.KNOWN}
    expected_id = reference_id if names_reference else b""
    expected_window = window if kind is BlockKind.DELTA_WINDOW else None
    header, rest = unpack(pack(kind, plain, payload, expected_id, expected_window))
    assert (header.kind, header.plain_bytes, bytes(rest)) == (kind, len(plain), payload)
    assert (header.reference_id, header.window) == (expected_id, expected_window)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_header_or_an_error(stored: bytes) -> None:
    for candidate in (stored, MAGIC + stored):
        with suppress(CorruptBlockError):
            read_header(candidate)


def test_any_two_kinds_differ_by_two_bits() -> None:
    distances = [(a ^ b).bit_count() for a in BlockKind for b in BlockKind if a is not b]
    assert min(distances) >= 2


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (b"", "shorter than its header"),
        (b"ZIP\x01" + bytes(17), "not of this format"),
        (b"DWB\x02" + bytes(17), "not of this format"),
        (MAGIC + b"\x01" + bytes(16), "unknown kind 1"),
        (MAGIC + bytes([BlockKind.DELTA]) + bytes(16 + 31), "inside its reference's id"),
        (MAGIC + bytes([BlockKind.DELTA_WINDOW]) + bytes(16 + 32 + 15), "inside its window"),
    ],
)
def test_what_is_wrong_is_said(stored: bytes, words: str) -> None:
    with pytest.raises(CorruptBlockError, match=words):
        read_header(stored)
