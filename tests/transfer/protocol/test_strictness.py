"""Whatever comes in that is not exactly a message is refused with one sentence, and nothing else happens."""

from contextlib import suppress
from typing import Any

import cbor2
import pytest
from examples import BUNDLES, ID, LINK, MESSAGES, NOON_NS, TICKET
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from dwcp.errors import ProtocolError
from dwcp.transfer.protocol import (
    HEADER_BYTES,
    MAX_BUNDLE_BYTES,
    MAX_CHUNK_BYTES,
    MAX_DEPTH,
    MAX_LISTED,
    Catalogue,
    Chunks,
    Data,
    EndFile,
    EnterDirectory,
    File,
    FrameType,
    Keep,
    Listed,
    Message,
    Record,
    Sketch,
    Symlink,
    Zeros,
    data_head,
    decode,
    encode,
    frame_type_of,
    split_data,
)
from dwcp.transfer.protocol.cbor import load_cbor
from dwcp.transfer.protocol.limits import MAX_BUNDLE_CHUNKS, MAX_DATA_HEAD_BYTES, MAX_INT, MAX_TEXT
from dwcp.transfer.protocol.packing import pack, unpack

PACKED = {FrameType.CATALOGUE, FrameType.LISTING, FrameType.WANT}
DATA = BUNDLES["data of a stored block"][0]
BLOCKS = BUNDLES["data against blocks"][0]
SKETCH = BUNDLES["data against a sketch"][0]


def refused(message: Message, words: str) -> None:
    """It is written as it is, and refused where it is read."""
    with pytest.raises(ProtocolError, match=words) as caught:
        read_again(message)
    assert "\n" not in str(caught.value)


def read_again(message: Message) -> None:
    if isinstance(message, Data):
        split_data(memoryview(data_head(message, 5)[HEADER_BYTES:] + b"12345"))
    else:
        decode(frame_type_of(message), encode(message)[HEADER_BYTES:])


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("hello of a sender", {"magic": "HTTP"}, "HELLO.magic is not one of DWCP"),
    ("hello of a sender", {"versions": (2, 1)}, "highest version first"),
    ("hello of a sender", {"versions": (0, 1)}, "HELLO.versions.lowest is not an integer from 1"),
    ("hello of a sender", {"versions": (1,)}, "HELLO.versions is not an array of 2"),
    ("hello of a sender", {"nonce": bytes(31)}, "HELLO.nonce is not a byte string of 32 bytes"),
    ("hello of a sender", {"ticket": TICKET}, "shown on stream 0"),
    ("hello of a sender", {"ticket": b"x"}, "HELLO.ticket is not a byte string of 0 or 32"),
    ("hello of a sender", {"codecs": ("zstd", "zstd")}, "names a codec twice"),
    ("hello of a sender", {"codecs": ("",)}, "an entry of HELLO.codecs is not a name"),
    ("hello of a sender", {"codecs": ("ZSTD",)}, "an entry of HELLO.codecs is not a name"),
    ("hello of a sender", {"codecs": tuple(f"c{i}" for i in range(65))}, "an array of 0 to 64 entries"),
    ("hello of a sender", {"authentication": "password"}, "none, token, certificate"),
    ("hello of a sender", {"authentication": "token"}, "does not go with"),
    ("hello of a sender", {"proof": bytes(32)}, "does not go with"),
    ("hello of a sender", {"stream": -1}, "HELLO.stream is not an integer from 0"),
    ("proof", {"proof": b""}, "PROOF.proof is not a byte string of 32 bytes"),
    ("offer", {"name": b""}, "one safe path component"),
    ("offer", {"name": b".."}, "one safe path component"),
    ("offer", {"name": b"../x"}, "one safe path component"),
    ("offer", {"name": "text"}, "one safe path component"),
    ("offer", {"mode": "move"}, "OFFER.mode is not one of send, sync"),
    ("offer", {"delete": True}, "for OFFER.mode sync alone"),
    ("offer", {"checksum": 1}, "OFFER.checksum is not true or false"),
    ("offer", {"chunking": (64, 32768, 1024)}, "in this order"),
    ("offer", {"chunking": (63, 64, 65)}, "OFFER.chunking.min is not an integer from 64"),
    ("offer", {"chunking": (64, 64, MAX_CHUNK_BYTES + 1)}, "OFFER.chunking.max"),
    ("offer", {"resume_key": bytes(15)}, "OFFER.resume_key"),
    ("offer", {"total_bytes": -1}, "OFFER.total_bytes"),
    ("offer", {"total_bytes": False}, "OFFER.total_bytes"),
    ("accept", {"ticket": b""}, "ACCEPT.ticket"),
    ("accept", {"credit_bytes": 0}, "ACCEPT.credit_bytes"),
    ("accept", {"max_streams": 65}, "ACCEPT.max_streams"),
    ("list", {"count": 0}, "LIST.count"),
    ("list", {"count": MAX_LISTED + 1}, "LIST.count"),
    ("listing", {"last": 0}, "LISTING.last"),
    ("listing", {"entries": (Listed((), 0, 0, b""),) * 2}, "not in walk order"),
    ("listing", {"entries": (Listed((b"b",), 0, 0, b""), Listed((b"a", b"z"), 0, 0, b""))}, "walk order"),
    ("listing", {"entries": (Listed((b"..",), 0, 0, b""),)}, "entry of LISTING.entries.path is not one safe"),
    ("listing", {"entries": (Listed((b"a",) * (MAX_DEPTH + 1), 0, 0, b""),)}, "array of 0 to 512 entries"),
    ("listing", {"entries": (Listed((), 0, 0, ID),)}, "content is not a byte string of 0 or 33 bytes"),
    ("listing", {"entries": (Listed((), 0, 2**63, b""),)}, "mtime_ns is not an integer"),
    ("catalogue", {"records": ()}, "CATALOGUE.records is not an array of 1"),
    ("want", {"missing": ((5, 1), (4, 1))}, "does not come after the one before"),
    ("want", {"missing": ((4, 2), (5, 1))}, "does not come after the one before"),
    ("want", {"missing": ((4, 0),)}, "an empty span"),
    ("want", {"missing": ((-1, 1),)}, "does not come after"),
    ("want", {"missing": ((4, True),)}, "does not come after"),
    ("want", {"missing": ((4,),)}, "not a span"),
    ("want", {"missing": ((9, 2),)}, "not below WANT.upto"),
    ("want", {"missing": ((9, MAX_INT),)}, "beyond the last sequence number"),
    ("want", {"sketches": (Sketch(0, (9, 2), bytes(8)),)}, "not below WANT.upto"),
    ("want", {"sketches": (Sketch(0, (0, 0), bytes(8)),)}, "empty span"),
    ("want", {"sketches": (Sketch(0, (0, 1), bytes(9)),)}, "in steps of 8"),
    ("want", {"sketches": (Sketch(0, (0, 1), b""),)}, "in steps of 8"),
    ("want", {"sketches": (Sketch(0, (0, 1), bytes(8)),) * 2}, "ascending order of numbers"),
    ("ack", {"bundles": ()}, "ACK.bundles is not an array of 1"),
    ("ack", {"bundles": (1, 1)}, "a bundle twice"),
    ("root", {"content": LINK}, "ROOT.content is not a byte string of 32 bytes"),
    ("done", {"files_kept": None}, "DONE.files_kept"),
    ("failure", {"code": "Not A Code"}, "ERROR.code is not a name"),
    ("failure", {"message": "x" * (MAX_TEXT + 1)}, "ERROR.message is not a text"),
    ("bye", {"detail": b"bytes"}, "BYE.detail is not a text"),
    ("ping", {"token": 2**63}, "PING.token"),
    ("pong", {"token": 2**64}, "not the CBOR that messages are made of"),
]


@pytest.mark.parametrize(("name", "change", "words"), WRONG)
def test_a_field_that_breaks_a_rule_is_refused(name: str, change: dict[str, Any], words: str) -> None:
    refused(replace(MESSAGES[name], **change), words)


WRONG_DATA: list[tuple[Data, dict[str, Any], str]] = [
    (DATA, {"number": -1}, "DATA.number"),
    (DATA, {"spans": ()}, "DATA.spans is not an array of 1"),
    (DATA, {"spans": ((7, 1), (2, 3))}, "does not come after"),
    (DATA, {"plain_bytes": 0}, "DATA.plain_bytes"),
    (DATA, {"plain_bytes": MAX_BUNDLE_BYTES + 1}, "DATA.plain_bytes"),
    (DATA, {"plain_bytes": 3}, "names 4 chunks, more than there can be"),
    (DATA, {"spans": ((0, MAX_BUNDLE_CHUNKS + 1),)}, "more than there can be"),
    (DATA, {"framed": 1}, "DATA.framed"),
    (DATA, {"framed": False}, "has a body of 5 bytes"),
    (DATA, {"sketch": 0}, "DATA.matched does not go with DATA.sketch"),
    (DATA, {"matched": b"\1"}, "DATA.matched does not go with DATA.sketch"),
    (BLOCKS, {"reference": (ID[:31],)}, "an entry of DATA.reference"),
    (BLOCKS, {"reference": (ID,) * 4097}, "DATA.reference is not an array of 0 to 4096"),
    (BLOCKS, {"framed": False}, "which need none"),
    (SKETCH, {"framed": False}, "which need none"),
    (SKETCH, {"reference": (ID,)}, "both a reference and a sketch"),
    (SKETCH, {"matched": bytes(16_385)}, "DATA.matched is not a byte string of 0 to 16384"),
]


@pytest.mark.parametrize(("data", "change", "words"), WRONG_DATA)
def test_a_bundle_that_breaks_a_rule_is_refused(data: Data, change: dict[str, Any], words: str) -> None:
    refused(replace(data, **change), words)


WRONG_RECORDS: list[tuple[Record, str]] = [
    (File(b"a/b", 0, 0, 0), "safe path component"),
    (File(b"\0", 0, 0, 0), "safe path component"),
    (File(b"x" * 256, 0, 0, 0), "safe path component"),
    (File(b"a", 0o10000, 0, 0), "mode is not an integer from 0 to 0o7777"),
    (File(b"a", True, 0, 0), "mode"),
    (File(b"a", 0, 2**63, 0), "time is not an integer of 64 bits"),
    (File(b"a", 0, 0, -1), "size is not an integer"),
    (EnterDirectory(b".", 0, 0), "safe path component"),
    (Chunks(b"", ()), "array of 1 to"),
    (Chunks(ID, (0,)), "from 1 to 1048576"),
    (Chunks(ID, (MAX_CHUNK_BYTES + 1,)), "from 1 to 1048576"),
    (Chunks(ID, (True,)), "from 1 to 1048576"),
    (Chunks(ID, (1, 2)), "32 bytes of id for each"),
    (Chunks(ID + b"x", (1,)), "32 bytes of id for each"),
    (Zeros(0), "multiple of 1048576"),
    (Zeros(1024 * 1024 + 1), "multiple of 1048576"),
    (Zeros(-1024 * 1024), "size is not"),
    (Keep(b"a", 0, 0, 0, ID), "byte string of 33"),
    (Keep(b"..", 0, 0, 0, LINK), "safe path component"),
    (Symlink(b"a", b"", NOON_NS), "symbolic link's target"),
    (Symlink(b"a", b"x\0y", NOON_NS), "symbolic link's target"),
    (Symlink(b"a", bytes(4096), NOON_NS), "symbolic link's target"),
    (Symlink(b"", b"x", NOON_NS), "safe path component"),
]


@pytest.mark.parametrize(("record", "words"), WRONG_RECORDS)
def test_a_record_that_breaks_a_rule_is_refused(record: Record, words: str) -> None:
    refused(Catalogue((EndFile(), record)), words)


@pytest.mark.parametrize("row", [(), 5, (9,), (-1,), (True,), ("a",), (1, 1), (2,), (0, b"a", 0), None, b"x"])
def test_what_is_not_a_record_is_refused(row: Any) -> None:
    with pytest.raises(ProtocolError, match=r"not a record of a known tag|does not have \d fields"):
        decode(FrameType.CATALOGUE, pack(cbor2.dumps(((row,),))))


def in_place(message: Message, place: int, value: Any) -> bytes:
    """The payload of a message with something else in place of a field."""
    kind = frame_type_of(message)
    whole = encode(message)[HEADER_BYTES:]
    array = list(load_cbor(unpack(whole) if kind in PACKED else whole))
    array[place] = value
    plain = cbor2.dumps(tuple(array))
    return pack(plain) if kind in PACKED else plain


ODD = [
    True,
    False,
    None,
    -1,
    2**63,
    2**64,
    1.5,
    b"",
    "",
    b"odd",
    "odd",
    (),
    ((),),
    (None,),
    ((1, 2, 3),),
    {},
    {1: 2},
]


@pytest.mark.parametrize("value", ODD, ids=repr)
@pytest.mark.parametrize("name", MESSAGES)
def test_a_value_of_another_type_is_refused_or_means_itself(name: str, value: Any) -> None:
    message = MESSAGES[name]
    for place, field in enumerate(fields(message)):
        try:
            found = decode(frame_type_of(message), in_place(message, place, value))
        except ProtocolError:
            continue
        kept = getattr(found, field.name)
        assert (type(kept), kept) == (type(value), value)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_field_more_or_less_is_refused(name: str) -> None:
    message = MESSAGES[name]
    kind = frame_type_of(message)
    whole = encode(message)[HEADER_BYTES:]
    array = load_cbor(unpack(whole) if kind in PACKED else whole)
    for other in ((*array, 0), array[:-1], 7):
        plain = cbor2.dumps(other)
        with pytest.raises(ProtocolError, match="is not an array of"):
            decode(kind, pack(plain) if kind in PACKED else plain)


NOT_CANONICAL = {
    "nothing": b"",
    "something after": b"\x81\x07\x00",
    "a longer number": b"\x81\x18\x07",
    "a longer array head": b"\x98\x01\x07",
    "a longer head still": b"\x9b\0\0\0\0\0\0\0\x01\x07",
    "an indefinite array": b"\x9f\x07\xff",
    "an indefinite map": b"\x81\xbf\xff",
    "a map": b"\x81\xa0",
    "a tag": b"\x81\xc1\x07",
    "an unknown tag": b"\x81\xd9\xff\xff\x07",
    "a number as a tag": b"\x81\xc2\x41\x07",
    "a shared value": b"\xd8\x1c\x81\x07",
    "a reference to itself": b"\xd8\x1c\x81\xd8\x1d\x00",
    "a pattern": b"\x81\xd8\x23\x61\x28",
    "a huge power": b"\x81\xc5\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01",
    "a self-described value": b"\xd9\xd9\xf7\x81\x07",
    "a float": b"\x81\xf9\x47\x00",
    "undefined": b"\x81\xf7",
    "a simple value": b"\x81\xe0",
    "a break": b"\x81\xff",
    "a reserved length": b"\x81\x1c",
    "an array cut short": b"\x82\x07",
    "an array that cannot be": b"\x9b" + b"\xff" * 8,
    "a string that cannot be": b"\x81\x5b" + b"\xff" * 8,
    "a large array": b"\x9a\x7f\xff\xff\xff",
    "a text that is not UTF-8": b"\x81\x62\xff\xff",
    "a text that is half a letter": b"\x81\x63\xed\xa0\x80",
    "nested too deep": b"\x81" * 10_000 + b"\x07",
    "an array of arrays": b"\x81\x81\x07",
}


@pytest.mark.parametrize("payload", NOT_CANONICAL.values(), ids=NOT_CANONICAL)
def test_what_is_not_the_shortest_way_to_say_it_is_refused(payload: bytes) -> None:
    for kind in (FrameType.PING, FrameType.BYE, FrameType.CATALOGUE):
        with pytest.raises(ProtocolError):
            decode(kind, b"\0" + payload if kind in PACKED else payload)
    head = len(payload).to_bytes(4, "big") + payload
    with pytest.raises(ProtocolError):
        split_data(memoryview(head + b"body"))


@given(st.sampled_from(FrameType), st.binary(max_size=300))
def test_any_bytes_are_a_message_or_an_error(kind: FrameType, payload: bytes) -> None:
    with suppress(ProtocolError):
        if kind is FrameType.DATA:
            split_data(memoryview(payload))
        else:
            decode(kind, payload)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "too short"),
        (bytes(3), "too short"),
        (b"\0\0\0\1", "declares a bundle's header of 1 bytes"),
        (b"\xff\xff\xff\xff" + bytes(10), "declares a bundle's header"),
        (
            (MAX_DATA_HEAD_BYTES + 1).to_bytes(4, "big") + bytes(MAX_DATA_HEAD_BYTES + 10),
            "declares a bundle's",
        ),
    ],
)
def test_a_bundle_whose_header_does_not_fit_is_refused(payload: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        split_data(memoryview(payload))


def test_a_bundle_has_a_body() -> None:
    with pytest.raises(ProtocolError, match="has a body of 0 bytes"):
        split_data(memoryview(data_head(DATA, 0)[HEADER_BYTES:]))


def test_what_cannot_be_written_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ProtocolError, match="cannot be written"):
        encode(replace(MESSAGES["bye"], detail="\udc80"))
    with pytest.raises(ProtocolError, match="too long"):
        encode(replace(MESSAGES["bye"], detail="x" * 20_000))
    with pytest.raises(ProtocolError, match="split it"):
        encode(Catalogue((Chunks(bytes(32) * 100_000, (1,) * 100_000),)))
    with pytest.raises(ProtocolError, match="made by data_head"):
        encode(DATA)
    with pytest.raises(ProtocolError, match=r"header of .* too long"):
        data_head(replace(BLOCKS, reference=(ID,) * 20_000), 1)
    with pytest.raises(ProtocolError, match=r"DATA frame of .* too long"):
        data_head(DATA, 9 * 1024 * 1024)


def test_a_payload_that_is_too_long_or_for_another_function_is_refused() -> None:
    with pytest.raises(ProtocolError, match="HELLO of 20000 bytes is too long"):
        decode(FrameType.HELLO, bytes(20_000))
    with pytest.raises(ProtocolError, match="read by split_data"):
        decode(FrameType.DATA, b"")
