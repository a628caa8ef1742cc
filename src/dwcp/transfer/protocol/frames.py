"""Frames: a fixed header, then a payload whose length was checked before it was believed.

``type u8 | flags u8 | reserved u16 = 0 | payload bytes u32``, big-endian. The whole protocol is written down
in ``docs/reference/transfer-protocol.md``.
"""

import struct
from collections.abc import Mapping
from enum import IntEnum

from msgspec import Struct

from dwcp.errors import ProtocolError
from dwcp.transfer.protocol.limits import MAX_ACK_BYTES, MAX_CONTROL_BYTES, MAX_DATA_BYTES, MAX_SMALL_BYTES

__all__ = [
    "FIRST_SKIPPABLE",
    "HEADER_BYTES",
    "FrameHeader",
    "FrameType",
    "frame_header",
    "payload_limit",
    "read_frame_header",
]

_HEADER = struct.Struct(">BBHI")
HEADER_BYTES = _HEADER.size
"""Length of a frame's header."""
FIRST_SKIPPABLE = 0x80
"""A frame of an unknown type from here on is skipped; one below is refused."""


class FrameType(IntEnum):
    """What a payload is.

    Stream 0 carries all of them; other streams HELLO, DATA, PING, PONG, BYE and ERROR.
    """

    HELLO = 1
    PROOF = 2
    OFFER = 3
    ACCEPT = 4
    LIST = 5
    LISTING = 6
    CATALOGUE = 7
    WANT = 8
    DATA = 9
    ACK = 10
    ROOT = 11
    DONE = 12
    ERROR = 13
    BYE = 14
    PING = 0x80
    PONG = 0x81


_TYPES: Mapping[int, FrameType] = {kind.value: kind for kind in FrameType}
_LIMITS: Mapping[FrameType, int] = {
    FrameType.LISTING: MAX_CONTROL_BYTES,
    FrameType.CATALOGUE: MAX_CONTROL_BYTES,
    FrameType.WANT: MAX_CONTROL_BYTES,
    FrameType.DATA: MAX_DATA_BYTES,
    FrameType.ACK: MAX_ACK_BYTES,
}


class FrameHeader(Struct, frozen=True):
    """A header that was understood.

    Attributes:
        type: the frame's type; None for an unknown one, which is to be skipped.
        payload_bytes: how long the payload is.
    """

    type: FrameType | None
    payload_bytes: int


def payload_limit(kind: FrameType | None) -> int:
    """Longest payload of a type, in bytes; None stands for an unknown type that is skipped."""
    return MAX_SMALL_BYTES if kind is None else _LIMITS.get(kind, MAX_SMALL_BYTES)


def frame_header(kind: FrameType, payload_bytes: int) -> bytes:
    """A frame's header, for a payload that is sent from where it lies.

    Raises:
        ProtocolError: the payload is longer than a frame of this type may be.
    """
    limit = payload_limit(kind)
    if payload_bytes > limit:
        raise ProtocolError(
            f"a {kind.name} frame of {payload_bytes} bytes is too long: at most {limit} may be"
        )
    return _HEADER.pack(kind, 0, 0, payload_bytes)


def read_frame_header(header: bytes | bytearray | memoryview) -> FrameHeader:
    """Understand a header.

    Args:
        header: exactly `HEADER_BYTES` bytes.

    Raises:
        ProtocolError: an unknown type that may not be skipped, flags that are not known, too long a payload,
            or not a header's length.
    """
    if len(header) != HEADER_BYTES:
        raise ProtocolError(f"a frame's header has {HEADER_BYTES} bytes, not {len(header)}")
    number, flags, reserved, payload_bytes = _HEADER.unpack(header)
    if flags or reserved:
        raise ProtocolError(
            f"a frame of type {number} has unknown flags {flags:#x} or reserved bits {reserved:#x}; "
            "the other side does not speak DWCP, or a newer version of it"
        )
    kind = _TYPES.get(number)
    if kind is None and number < FIRST_SKIPPABLE:
        raise ProtocolError(
            f"a frame has the unknown type {number}; the other side does not speak DWCP, "
            "or a newer version of it"
        )
    limit = payload_limit(kind)
    if payload_bytes > limit:
        raise ProtocolError(
            f"a frame of type {number} declares {payload_bytes} bytes; at most {limit} may be"
        )
    return FrameHeader(kind, payload_bytes)
