"""Canonical CBOR: one value, one run of bytes (RFC 8949, section 4.2.1)."""

from typing import Any

import cbor2

from dwcp.codecs import Buffer
from dwcp.errors import CorruptBlockError

__all__ = ["array_head", "fields", "from_canonical", "to_canonical"]

_ARRAY = 0x80
_ONE_BYTE = 24
_TWO_BYTES = 25


def to_canonical(value: object) -> bytes:
    """The bytes of a value made of numbers, bytes, texts and arrays."""
    return cbor2.dumps(value, canonical=True)


def from_canonical(data: Buffer) -> object:
    """The value that bytes stand for.

    Args:
        data: one whole value; the caller has checked how long it is.

    Raises:
        CorruptBlockError: not CBOR, more than one value, or not the bytes that `to_canonical` gives.
    """
    whole = bytes(data)
    try:
        value: object = cbor2.loads(whole)
        same = to_canonical(value) == whole
    except cbor2.CBORError as error:
        raise CorruptBlockError(f"a node of {len(whole)} bytes is not CBOR; fetch it again") from error
    if not same:
        raise CorruptBlockError(f"a node of {len(whole)} bytes is not in canonical form; it is refused")
    return value


def fields(value: object, *types: type) -> list[Any]:
    """The items of an array that has exactly these types, in this order; a truth value is no number.

    Raises:
        CorruptBlockError: anything else.
    """
    if not isinstance(value, list) or [type(item) for item in value] != list(types):
        raise CorruptBlockError(
            "a node does not have the fields of its kind; it is damaged, or of a newer version"
        )
    return value


def array_head(count: int) -> bytes:
    """What stands before an array's items, fewer than 65,536, so that they can be encoded as they come."""
    if count < _ONE_BYTE:
        return bytes((_ARRAY | count,))
    if count < 1 << 8:
        return bytes((_ARRAY | _ONE_BYTE, count))
    return bytes((_ARRAY | _TWO_BYTES,)) + count.to_bytes(2, "big")
