"""The shape of every message: a rule for each field in its order, and what has to hold between fields."""

from collections.abc import Callable, Mapping
from typing import Any

from dwcp.transfer.protocol import agreement
from dwcp.transfer.protocol.checks import (
    Check,
    Rule,
    array,
    boolean,
    byte_string,
    byte_string_within,
    fields,
    integer,
    label,
    one_of,
    optional,
    safe_name,
    span,
    spans,
    text,
)
from dwcp.transfer.protocol.limits import (
    ID_BYTES,
    LINK_BYTES,
    MAX_ACK_BUNDLES,
    MAX_BUNDLE_BYTES,
    MAX_CHUNK_BYTES,
    MAX_CODEC_NAME,
    MAX_CODECS,
    MAX_DATA_SPANS,
    MAX_DEPTH,
    MAX_INT,
    MAX_LISTED,
    MAX_RECORDS,
    MAX_REFERENCES,
    MAX_SKETCH_PIECES,
    MAX_SKETCHES,
    MAX_STREAMS,
    MAX_TEXT,
    MAX_VERSION,
    MAX_WANT_SPANS,
    MIN_CHUNKING_BYTES,
    NONCE_BYTES,
    PIECE_DIGEST_BYTES,
    PROOF_BYTES,
    RESUME_KEY_BYTES,
    TICKET_BYTES,
)
from dwcp.transfer.protocol.messages import (
    MAGIC,
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
from dwcp.transfer.protocol.rows import record_of

__all__ = ["SHAPES"]


def _message(kind: type[Any], *rules: Rule, agrees: Callable[[Any], None] | None = None) -> Rule:
    """The rule of a message: of its fields in their order, and of what has to hold between them."""
    names = list(kind.__struct_fields__)
    if agrees is None:
        return fields(kind, names, rules)

    def make(*values: Any) -> Any:
        message = kind(*values)
        agrees(message)
        return message

    return fields(make, names, rules)


def _tuple(each: Rule, *names: str) -> Rule:
    return fields(lambda *values: values, names, [each] * len(names))


def _record(_: str) -> Check:
    return record_of


_BUNDLE = _CHUNKS = _SIZE = integer()
_ID = byte_string(ID_BYTES)
_LENGTH = integer(MIN_CHUNKING_BYTES, MAX_CHUNK_BYTES)
_LISTED = _message(
    Listed, array(safe_name, MAX_DEPTH), _SIZE, integer(-MAX_INT - 1), byte_string(0, LINK_BYTES)
)
_DIGESTS = range(PIECE_DIGEST_BYTES, PIECE_DIGEST_BYTES * MAX_SKETCH_PIECES + 1, PIECE_DIGEST_BYTES)
_SKETCH = _message(Sketch, integer(), span, byte_string_within(_DIGESTS))

_RULES: Mapping[type[Message], Rule] = {
    Hello: _message(
        Hello,
        one_of(MAGIC),
        _tuple(integer(1, MAX_VERSION), "lowest", "highest"),
        byte_string(NONCE_BYTES),
        integer(),
        byte_string(0, TICKET_BYTES),
        array(label(MAX_CODEC_NAME), MAX_CODECS),
        one_of("none", "token", "certificate"),
        byte_string(0, PROOF_BYTES),
        agrees=agreement.of_hello,
    ),
    Proof: _message(Proof, byte_string(PROOF_BYTES)),
    Offer: _message(
        Offer,
        safe_name,
        one_of("send", "sync"),
        boolean,
        boolean,
        _tuple(_LENGTH, "min", "average", "max"),
        byte_string(RESUME_KEY_BYTES),
        optional(_SIZE),
        agrees=agreement.of_offer,
    ),
    Accept: _message(
        Accept, byte_string(TICKET_BYTES), boolean, boolean, integer(1), integer(1, MAX_STREAMS)
    ),
    List: _message(List, integer(1, MAX_LISTED)),
    Listing: _message(Listing, array(_LISTED, MAX_LISTED), boolean, agrees=agreement.of_listing),
    Catalogue: _message(Catalogue, array(_record, MAX_RECORDS, 1)),
    Want: _message(
        Want, _CHUNKS, spans(MAX_WANT_SPANS), array(_SKETCH, MAX_SKETCHES), agrees=agreement.of_want
    ),
    Data: _message(
        Data,
        _BUNDLE,
        spans(MAX_DATA_SPANS, 1),
        integer(1, MAX_BUNDLE_BYTES),
        boolean,
        array(_ID, MAX_REFERENCES),
        optional(integer()),
        byte_string_within(range(MAX_SKETCH_PIECES // 8 + 1)),
        agrees=agreement.of_data,
    ),
    Ack: _message(Ack, array(_BUNDLE, MAX_ACK_BUNDLES, 1), agrees=agreement.of_ack),
    Root: _message(Root, _ID, integer(), _CHUNKS, _SIZE),
    Done: _message(Done, _ID, integer(), integer(), integer(), _SIZE),
    Failure: _message(Failure, label(MAX_CODEC_NAME), text(MAX_TEXT), boolean),
    Bye: _message(Bye, text(MAX_TEXT)),
    Ping: _message(Ping, integer()),
    Pong: _message(Pong, integer()),
}

SHAPES: Mapping[type[Message], Check] = {
    kind: rule("ERROR" if kind is Failure else kind.__name__.upper()) for kind, rule in _RULES.items()
}
"""What makes each message of the array that came in, or refuses it."""
