"""The frames, pinned: what was once sent is understood for ever, by any implementation of this version."""

import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from examples import (
    BUNDLES,
    ID,
    LINK,
    MESSAGES,
    NONCE,
    NOON_NS,
    OTHER_NONCE,
    PLAIN,
    RECEIVER_PROOF,
    ROOT_ID,
    SENDER_PROOF,
    TOKEN,
)
from msgspec import Struct
from msgspec.structs import fields

from dwcp.blocks import FileBuilder, TreeBuilder
from dwcp.codecs import plaintext_id
from dwcp.transfer.protocol import (
    HEADER_BYTES,
    Catalogue,
    FrameType,
    Record,
    data_head,
    decode,
    encode,
    read_frame_header,
    split_data,
)

FILE = Path(__file__).parents[2] / "golden" / "protocol" / "frames.json"
VECTORS: dict[str, dict[str, Any]] = {vector["name"]: vector for vector in json.loads(FILE.read_text())}
COMPRESSED = {"long listing", "long catalogue", "want with sketches"}
"""What another release of zstd may write otherwise."""


def shown_as(value: Any) -> Any:
    """A message as the vectors show it: an object of fields, byte strings as their hexadecimal digits."""
    if isinstance(value, Struct):
        shown = {field.name: shown_as(getattr(value, field.name)) for field in fields(value)}
        return {"record": type(value).__name__} | shown if isinstance(value, Record) else shown
    if isinstance(value, tuple):
        return [shown_as(item) for item in value]
    return {"hex": value.hex()} if isinstance(value, bytes) else value


def frame_of(name: str) -> tuple[FrameType | None, bytes]:
    whole = bytes.fromhex(VECTORS[name]["frame_hex"])
    header = read_frame_header(whole[:HEADER_BYTES])
    payload = whole[HEADER_BYTES:]
    assert len(payload) == header.payload_bytes
    return header.type, payload


def test_there_is_a_vector_of_everything_that_can_be_said() -> None:
    assert set(VECTORS) == set(MESSAGES) | set(BUNDLES)
    assert {vector["type"] for vector in VECTORS.values()} == {kind.name for kind in FrameType}
    catalogues = [message for message in MESSAGES.values() if isinstance(message, Catalogue)]
    assert {type(record) for catalogue in catalogues for record in catalogue.records} == set(Record.__args__)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_frame_is_read(name: str) -> None:
    kind, payload = frame_of(name)
    assert kind is not None
    assert kind.name == VECTORS[name]["type"]
    assert decode(kind, payload) == MESSAGES[name]
    assert shown_as(MESSAGES[name]) == VECTORS[name]["fields"]


@pytest.mark.parametrize("name", MESSAGES)
def test_a_frame_is_written_the_same(name: str) -> None:
    written, pinned = encode(MESSAGES[name]), bytes.fromhex(VECTORS[name]["frame_hex"])
    is_compressed = pinned[HEADER_BYTES] == 1 and VECTORS[name]["type"] in {"CATALOGUE", "LISTING", "WANT"}
    assert is_compressed == (name in COMPRESSED)
    if not is_compressed:
        assert written == pinned


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_is_read_and_written_the_same(name: str) -> None:
    data, body = BUNDLES[name]
    kind, payload = frame_of(name)
    assert kind is FrameType.DATA
    found, rest = split_data(memoryview(payload))
    assert (found, bytes(rest)) == (data, body)
    assert (shown_as(data), body.hex()) == (VECTORS[name]["fields"], VECTORS[name]["body_hex"])
    assert data_head(data, len(body)) + body == bytes.fromhex(VECTORS[name]["frame_hex"])


def test_the_ids_and_proofs_of_the_example_are_real() -> None:
    assert plaintext_id(PLAIN) == ID
    file, tree = FileBuilder(), TreeBuilder()
    file.chunks(ID, [len(PLAIN)])
    link = file.finish()
    tree.file(b"a.txt", 0o644, NOON_NS, link)
    assert (link.to_bytes(), tree.finish()) == (LINK, ROOT_ID)
    for label, proof in ((b"dwcp receiver 1", RECEIVER_PROOF), (b"dwcp sender 1", SENDER_PROOF)):
        said = label + bytes(32) + NONCE + OTHER_NONCE
        assert hmac.digest(TOKEN.encode("ascii"), said, "sha256") == proof
