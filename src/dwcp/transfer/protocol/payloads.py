"""Messages to frames and back."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from struct import Struct
from typing import Any

from dwcp.codecs import Buffer
from dwcp.errors import ProtocolError
from dwcp.transfer.protocol.cbor import check_canonical, dump_cbor, load_cbor
from dwcp.transfer.protocol.frames import FrameType, frame_header, payload_limit
from dwcp.transfer.protocol.limits import MAX_DATA_HEAD_BYTES
from dwcp.transfer.protocol.messages import (
    Accept,
    Ack,
    Bye,
    Catalogue,
    Data,
    Done,
    Failure,
    Hello,
    List,
    Listed,
    Listing,
    Message,
    Offer,
    Ping,
    Pong,
    Proof,
    Root,
    Sketch,
    Want,
)
from dwcp.transfer.protocol.packing import pack, unpack
from dwcp.transfer.protocol.rows import row_of
from dwcp.transfer.protocol.shapes import SHAPES

__all__ = ["MESSAGES", "data_head", "decode", "encode", "frame_type_of", "split_data"]

MESSAGES: Mapping[FrameType, type[Message]] = {
    FrameType.HELLO: Hello,
    FrameType.PROOF: Proof,
    FrameType.OFFER: Offer,
    FrameType.ACCEPT: Accept,
    FrameType.LIST: List,
    FrameType.LISTING: Listing,
    FrameType.CATALOGUE: Catalogue,
    FrameType.WANT: Want,
    FrameType.DATA: Data,
    FrameType.ACK: Ack,
    FrameType.ROOT: Root,
    FrameType.DONE: Done,
    FrameType.ERROR: Failure,
    FrameType.BYE: Bye,
    FrameType.PING: Ping,
    FrameType.PONG: Pong,
}
"""What each frame says."""

_FRAMES: Mapping[type[Message], FrameType] = {message: kind for kind, message in MESSAGES.items()}
_PACKED = frozenset({FrameType.CATALOGUE, FrameType.LISTING, FrameType.WANT})
_HEAD_LENGTH = Struct(">I")


def frame_type_of(message: Message) -> FrameType:
    """The type of the frame that carries a message."""
    return _FRAMES[type(message)]


def encode(message: Message) -> bytes:
    """A whole frame, of any message but `Data`.

    Raises:
        ProtocolError: it is longer than a frame may be, cannot be written, or is a bundle's header.
    """
    kind = frame_type_of(message)
    if kind is FrameType.DATA:
        raise ProtocolError("a bundle's frame is made by data_head, not by encode")
    plain = dump_cbor(_array_of(message))
    payload = pack(plain) if kind in _PACKED else plain
    return frame_header(kind, len(payload)) + payload


def decode(kind: FrameType, payload: Buffer) -> Message:
    """The message of a frame's payload, of any type but DATA.

    Raises:
        ProtocolError: it is not exactly such a message, within every limit.
    """
    if kind is FrameType.DATA:
        raise ProtocolError("a bundle's frame is read by split_data, not by decode")
    if len(payload) > payload_limit(kind):
        raise ProtocolError(f"{kind.name} of {len(payload)} bytes is too long: {payload_limit(kind)} may be")
    data = bytes(payload)
    plain = unpack(data) if kind in _PACKED else data
    message: Message = _read(MESSAGES[kind], plain)
    return message


def data_head(data: Data, body_bytes: int) -> bytes:
    """What a bundle's body follows: the frame's header, the length of the bundle's header, and that.

    Args:
        data: the bundle's header.
        body_bytes: length of the body.

    Raises:
        ProtocolError: the bundle is longer than a frame may be.
    """
    head = dump_cbor(_array_of(data))
    if len(head) > MAX_DATA_HEAD_BYTES:
        raise ProtocolError(
            f"a bundle's header of {len(head)} bytes is too long: {MAX_DATA_HEAD_BYTES} may be"
        )
    length = _HEAD_LENGTH.pack(len(head))
    return frame_header(FrameType.DATA, len(length) + len(head) + body_bytes) + length + head


def split_data(payload: memoryview) -> tuple[Data, memoryview]:
    """A bundle's header, and its body where it lies.

    Raises:
        ProtocolError: it is not exactly such a header, or the body cannot be what it says.
    """
    if len(payload) < _HEAD_LENGTH.size:
        raise ProtocolError(f"DATA of {len(payload)} bytes is too short for a bundle's header")
    (length,) = _HEAD_LENGTH.unpack_from(payload)
    end = _HEAD_LENGTH.size + length
    if length > MAX_DATA_HEAD_BYTES or end > len(payload):
        raise ProtocolError(f"DATA of {len(payload)} bytes declares a bundle's header of {length} bytes")
    data: Data = _read(Data, bytes(payload[_HEAD_LENGTH.size : end]))
    body = payload[end:]
    if not body or (not data.framed and len(body) != data.plain_bytes):
        raise ProtocolError(f"DATA of {data.plain_bytes} plain bytes has a body of {len(body)} bytes")
    return data, body


def _read(kind: type[Message], data: bytes) -> Any:
    value = load_cbor(data)
    message = SHAPES[kind](value)
    check_canonical(value, data)
    return message


def _fields_in_order(kind: type[Any]) -> Callable[[Any], tuple[Any, ...]]:
    names = kind.__struct_fields__
    if len(names) > 1:
        return attrgetter(*names)
    return lambda message: (getattr(message, names[0]),)


_sketch_array, _listed_array = _fields_in_order(Sketch), _fields_in_order(Listed)
_ARRAYS: Mapping[type[Message], Callable[[Any], tuple[Any, ...]]] = {
    **{kind: _fields_in_order(kind) for kind in MESSAGES.values()},
    Catalogue: lambda catalogue: (tuple(map(row_of, catalogue.records)),),
    Listing: lambda listing: (tuple(map(_listed_array, listing.entries)), listing.last),
    Want: lambda want: (want.upto, want.missing, tuple(map(_sketch_array, want.sketches))),
}


def _array_of(message: Message) -> tuple[Any, ...]:
    return _ARRAYS[type(message)](message)
