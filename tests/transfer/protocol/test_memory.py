"""Frames made to take memory or time take no more than the limits say."""

import time
import tracemalloc

import pytest

from dwcp.errors import ProtocolError
from dwcp.transfer.protocol import FrameType, decode
from dwcp.transfer.protocol.limits import MAX_CONTROL_BYTES, MAX_SMALL_BYTES
from dwcp.transfer.protocol.packing import pack

MOST_TIMES = 80
"""Bytes of memory for a byte of a payload, at most: a little more than the docstring of its limit says."""
UNITS = {
    "simple values": b"\xe0",
    "arrays of one": b"\x81\x00",
    "nested arrays": b"\x81\x81\x00",
    "empty arrays": b"\x80",
    "maps": b"\xa0",
    "floats": b"\xf9\x3c\x01",
    "numbers": b"\x19\x01\xff",
    "strings": b"\x42ab",
    "texts": b"\x62\xc3\xa9",
    "tags": b"\xd8\x1c\x80",
}


def crafted(unit: bytes, length: int) -> bytes:
    count = (length - 16) // len(unit)
    return b"\x81\x9a" + count.to_bytes(4, "big") + unit * count


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_memory_is_bounded_by_the_length_of_the_payload(unit: bytes) -> None:
    length = MAX_CONTROL_BYTES // 8
    payload = pack(crafted(unit, length))
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            decode(FrameType.CATALOGUE, payload)
        assert tracemalloc.get_traced_memory()[1] < MOST_TIMES * length
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_a_stranger_is_refused_at_once(unit: bytes) -> None:
    payload = crafted(unit, MAX_SMALL_BYTES)
    begin = time.perf_counter()
    with pytest.raises(ProtocolError):
        decode(FrameType.HELLO, payload)
    assert time.perf_counter() - begin < 0.5
