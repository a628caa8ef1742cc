"""Payloads that are compressed where that makes them shorter: one byte tells, and the length is declared."""

from struct import Struct

from backports import zstd

from dwcp.errors import ProtocolError
from dwcp.transfer.protocol.limits import MAX_CONTROL_BYTES

__all__ = ["pack", "unpack"]

_LEVEL = 3
_PLAIN, _COMPRESSED = b"\0", b"\1"
_LENGTH = Struct(">I")
_HEAD_BYTES = 1 + _LENGTH.size
_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: MAX_CONTROL_BYTES.bit_length() - 1}
"""The window never needs more memory than the longest content."""


def pack(plain: bytes) -> bytes:
    """The payload of a message.

    Raises:
        ProtocolError: it is longer than any such message may be.
    """
    if len(plain) >= MAX_CONTROL_BYTES:
        raise ProtocolError(
            f"a message of {len(plain)} bytes is too long: less than {MAX_CONTROL_BYTES} may be; split it"
        )
    compressed = zstd.compress(plain, _LEVEL)
    if len(compressed) + _LENGTH.size < len(plain):
        return _COMPRESSED + _LENGTH.pack(len(plain)) + compressed
    return _PLAIN + plain


def unpack(payload: bytes) -> bytes:
    """What was packed; never takes more memory than a message may have, whatever the payload declares.

    Raises:
        ProtocolError: neither form, or not exactly what it declares.
    """
    form = payload[:1]
    if form == _PLAIN:
        return payload[1:]
    if form != _COMPRESSED or len(payload) <= _HEAD_BYTES:
        raise ProtocolError("a payload says neither that it is plain nor that it is compressed")
    (length,) = _LENGTH.unpack_from(payload, 1)
    if length >= MAX_CONTROL_BYTES:
        raise ProtocolError(f"a payload declares {length} bytes; less than {MAX_CONTROL_BYTES} may be")
    if length <= len(payload) - _HEAD_BYTES:
        raise ProtocolError(f"a compressed payload is not shorter than the {length} bytes it declares")
    try:
        decompressor = zstd.ZstdDecompressor(options=_OPTIONS)
        plain = decompressor.decompress(memoryview(payload)[_HEAD_BYTES:], length + 1)
    except zstd.ZstdError as error:
        raise ProtocolError(f"a compressed payload does not decompress: {error}") from error
    if len(plain) != length or not decompressor.eof or decompressor.unused_data:
        raise ProtocolError(f"a compressed payload is not one zstd frame of the {length} bytes it declares")
    return plain
