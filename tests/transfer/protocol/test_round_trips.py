"""What is written is read back as it was, and says the same about itself."""

import strategies
from hypothesis import given, settings

from dwcp.transfer.protocol import (
    HEADER_BYTES,
    MESSAGES,
    Catalogue,
    Chunks,
    Data,
    File,
    FrameType,
    Message,
    data_head,
    decode,
    encode,
    frame_type_of,
    payload_limit,
    read_frame_header,
    split_data,
)
from dwcp.transfer.protocol.limits import MAX_RECORD_CHUNKS, MAX_RECORDS
from dwcp.transfer.protocol.shapes import SHAPES


@settings(max_examples=300)
@given(strategies.messages)
def test_a_message_is_read_back(message: Message) -> None:
    whole = encode(message)
    header = read_frame_header(whole[:HEADER_BYTES])
    assert header.type is frame_type_of(message)
    assert header.payload_bytes == len(whole) - HEADER_BYTES <= payload_limit(header.type)
    assert decode(header.type, memoryview(whole)[HEADER_BYTES:]) == message
    assert encode(message) == whole


@given(strategies.bundles())
def test_a_bundle_is_read_back_and_its_body_is_not_copied(bundle: tuple[Data, bytes]) -> None:
    data, body = bundle
    head = data_head(data, len(body))
    header = read_frame_header(head[:HEADER_BYTES])
    assert (header.type, header.payload_bytes) == (FrameType.DATA, len(head) - HEADER_BYTES + len(body))
    payload = memoryview(bytearray(head[HEADER_BYTES:] + body))
    found, rest = split_data(payload)
    assert (found, rest) == (data, body)
    assert rest.obj is payload.obj


@given(strategies.messages, strategies.datas())
def test_numbers_are_numbers_and_arrays_are_tuples(message: Message, data: Data) -> None:
    hash(message)
    hash(data)


def test_every_frame_has_its_message_and_its_shape() -> None:
    assert set(MESSAGES) == set(FrameType)
    assert set(SHAPES) == set(MESSAGES.values())
    assert all(frame_type_of_class(message) is kind for kind, message in MESSAGES.items())


def frame_type_of_class(message: type[Message]) -> FrameType:
    return frame_type_of(message(*(None for _ in message.__struct_fields__)))


def test_as_much_as_the_limits_allow_is_read_back() -> None:
    many = tuple(range(1, MAX_RECORD_CHUNKS + 1))
    long_file = Catalogue((File(b"a", 0, 0, 0), Chunks(bytes(range(32)) * MAX_RECORD_CHUNKS, many)))
    files = Catalogue((File(b"name", 0o644, 0, 0),) * MAX_RECORDS)
    for catalogue in (long_file, files):
        assert decode(FrameType.CATALOGUE, encode(catalogue)[HEADER_BYTES:]) == catalogue
