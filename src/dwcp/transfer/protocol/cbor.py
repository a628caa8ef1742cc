"""Canonical CBOR (RFC 8949, section 4.2.1), of the few types that messages are made of."""

from typing import Any, NoReturn

import cbor2

from dwcp.errors import ProtocolError

__all__ = ["check_canonical", "dump_cbor", "load_cbor"]

_MAX_DEPTH = 5
"""The deepest message: a catalogue, its records, a record, its lengths; and one for good measure."""


def _refuse(*_: object) -> NoReturn:
    raise ProtocolError("maps and tags have no place in a message")


_KNOWN_TAGS = (
    0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 43, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799,
)  # fmt: skip
_NO_TAG = dict.fromkeys(_KNOWN_TAGS, _refuse)
"""Tags that the library would act on: numbers of any size, patterns, references to other values."""


def dump_cbor(value: Any) -> bytes:
    """A value of nested tuples as canonical CBOR.

    Raises:
        ProtocolError: it holds what CBOR cannot carry.
    """
    try:
        return cbor2.dumps(value)
    except (cbor2.CBORError, ValueError, OverflowError) as error:
        raise ProtocolError(f"a message cannot be written as CBOR: {error}") from error


def load_cbor(data: bytes) -> Any:
    """The value of one CBOR item, arrays as tuples; see `check_canonical` for what this does not check.

    Indefinite lengths, maps, tags and nesting deeper than any message are refused while decoding, before
    they can take memory.

    Raises:
        ProtocolError: it does not decode.
    """
    try:
        return cbor2.loads(
            data,
            tag_hook=_refuse,
            object_hook=_refuse,
            semantic_decoders=_NO_TAG,
            max_depth=_MAX_DEPTH,
            allow_indefinite=False,
            immutable=True,
        )
    except (cbor2.CBORError, ValueError, OverflowError, MemoryError, RecursionError) as error:
        raise ProtocolError(f"a payload is not the CBOR that messages are made of: {error}") from error


def check_canonical(value: Any, data: bytes) -> None:
    """Refuse every way of writing a value but the shortest, and whatever follows it.

    Args:
        value: what `data` gave, its types already checked.
        data: as it came.

    Raises:
        ProtocolError: written again, it would not be the same bytes.
    """
    if dump_cbor(value) != data:
        raise ProtocolError("a payload is not written canonically, or something follows its message")
