import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.errors import ProtocolError
from dwcp.transfer.protocol import (
    HEADER_BYTES,
    FrameHeader,
    FrameType,
    payload_limit,
    read_frame_header,
)
from dwcp.transfer.protocol.frames import FIRST_SKIPPABLE, frame_header


@pytest.mark.parametrize("kind", FrameType)
def test_the_longest_payload_is_announced_and_understood_and_one_more_is_not(kind: FrameType) -> None:
    limit = payload_limit(kind)
    header = frame_header(kind, limit)
    assert len(header) == HEADER_BYTES
    assert read_frame_header(header) == FrameHeader(kind, limit)
    with pytest.raises(ProtocolError, match="too long"):
        frame_header(kind, limit + 1)
    with pytest.raises(ProtocolError, match=f"declares {limit + 1} bytes; at most {limit} may be"):
        read_frame_header(header[:4] + (limit + 1).to_bytes(4, "big"))


@given(st.binary(min_size=HEADER_BYTES, max_size=HEADER_BYTES))
def test_any_header_is_understood_skipped_or_refused(header: bytes) -> None:
    known = {kind.value for kind in FrameType}
    length = int.from_bytes(header[4:], "big")
    try:
        found = read_frame_header(header)
    except ProtocolError:
        return
    assert header[1:4] == b"\0\0\0"
    assert found.payload_bytes == length <= payload_limit(found.type)
    assert header[0] in known if found.type is not None else header[0] >= FIRST_SKIPPABLE


def test_an_unknown_type_is_skipped_or_refused_by_its_number() -> None:
    assert read_frame_header(bytes([0xFF, 0, 0, 0, 0, 0, 0, 5])) == FrameHeader(None, 5)
    assert read_frame_header(bytearray([FIRST_SKIPPABLE + 2, *bytes(7)])).type is None
    for number in (0, 15, FIRST_SKIPPABLE - 1):
        with pytest.raises(ProtocolError, match=f"unknown type {number}"):
            read_frame_header(bytes([number, *bytes(7)]))
    with pytest.raises(ProtocolError, match="declares"):
        read_frame_header(bytes([0xFF, 0, 0, 0, 1, 0, 0, 0]))


@pytest.mark.parametrize("bits", [b"\1\0\0", b"\0\1\0", b"\0\0\1"])
def test_flags_and_reserved_bits_are_refused(bits: bytes) -> None:
    with pytest.raises(ProtocolError, match="unknown flags"):
        read_frame_header(b"\1" + bits + bytes(4))


@pytest.mark.parametrize("length", [0, HEADER_BYTES - 1, HEADER_BYTES + 1])
def test_a_header_has_its_length(length: int) -> None:
    with pytest.raises(ProtocolError, match="header has 8 bytes"):
        read_frame_header(memoryview(bytes(length)))
