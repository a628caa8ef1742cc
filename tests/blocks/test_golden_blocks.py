"""The format, pinned: what once had an id has it for ever."""

import json
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from dwcp.blocks import (
    Chunking,
    FileBuilder,
    FileLink,
    LinkKind,
    TreeBuilder,
    ZeroPiece,
    cut_pieces,
    decode_node,
    encode_node,
)
from dwcp.codecs import plaintext_id
from dwcp.errors import CorruptBlockError

VECTORS = json.loads((Path(__file__).parents[1] / "golden" / "blocks" / "blocks.json").read_text("utf-8"))


def content(seed: str, length: int) -> bytes:
    """The first bytes of BLAKE3's extended output for the seed."""
    return blake3(seed.encode()).digest(length)


def content_of(segments: list[list[Any]]) -> bytes:
    return b"".join(bytes(length) if seed is None else content(seed, length) for seed, length in segments)


def plain(value: Any) -> Any:
    """A node's fields, with byte strings as the vectors write them."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def numbered(number: int) -> tuple[bytes, int]:
    """The made-up chunk with this number: id and length."""
    chunk_id = plaintext_id(f"chunk {number}".encode())
    return chunk_id, 1 + int.from_bytes(chunk_id[30:], "big")


@pytest.mark.parametrize("vector", VECTORS["chunks"], ids=lambda vector: str(vector["sizes"]))
def test_chunks(vector: dict[str, Any]) -> None:
    extent = content(vector["seed"], vector["length"])
    assert Chunking(*vector["sizes"]).pieces(extent) == vector["lengths"]
    first = vector["lengths"][0]
    assert plaintext_id(extent[:first]).hex() == vector["first_id"]


@pytest.mark.parametrize("vector", VECTORS["files"], ids=lambda vector: vector["name"])
def test_files(vector: dict[str, Any], store) -> None:
    builder = FileBuilder(store.put)
    parts: list[list[Any]] = []
    for piece in cut_pieces(content_of(vector["segments"]), Chunking(*vector["sizes"])):
        if isinstance(piece, ZeroPiece):
            builder.zeros(piece.length_bytes)
            parts.append([piece.offset, piece.length_bytes, None])
            continue
        builder.chunks(b"".join(piece.ids), piece.lengths)
        offset = piece.offset
        for length, chunk_id in zip(piece.lengths, piece.ids, strict=True):
            parts.append([offset, length, chunk_id.hex()])
            offset += length
    link = builder.finish()
    assert parts == vector["parts"]
    assert link.to_bytes().hex() == vector["link"]
    assert [node.hex() for node in store.values()] == vector["nodes"]


@pytest.mark.parametrize("vector", VECTORS["nodes"], ids=lambda vector: vector["name"])
def test_nodes(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["bytes"])
    node = decode_node(data)
    assert plain(node.to_fields()) == vector["fields"]
    assert encode_node(node) == data
    assert plaintext_id(data).hex() == vector["id"]


@pytest.mark.parametrize("why", VECTORS["refused"])
def test_refused(why: str) -> None:
    with pytest.raises(CorruptBlockError):
        decode_node(bytes.fromhex(VECTORS["refused"][why]))


@pytest.mark.parametrize("vector", VECTORS["long_files"], ids=lambda vector: str(vector["chunks"]))
def test_long_files(vector: dict[str, Any], store) -> None:
    builder = FileBuilder(store.put)
    for number in range(vector["chunks"]):
        chunk_id, length = numbered(number)
        builder.chunks(chunk_id, [length])
    assert builder.finish().to_bytes().hex() == vector["link"]
    assert len(store) == vector["nodes"]
    assert [node_id.hex() for node_id in list(store)[:3]] == vector["first_pages"]


@pytest.mark.parametrize("vector", VECTORS["big_directories"], ids=lambda vector: str(vector["files"]))
def test_big_directories(vector: dict[str, Any], store) -> None:
    builder = TreeBuilder(store.put)
    for number in range(vector["files"]):
        chunk_id, length = numbered(number)
        link = FileLink(LinkKind.CHUNK, chunk_id, length)
        builder.file(b"file %06d" % number, 0o644, number - 1000, link)
    assert builder.finish().hex() == vector["id"]
    assert len(store) == vector["nodes"]
    assert [node_id.hex() for node_id in list(store)[:3]] == vector["first_pages"]


def test_tree() -> None:
    builder = TreeBuilder()
    for verb, *what in VECTORS["tree"]["walk"]:
        if verb == "enter":
            name, mode, mtime_ns = what
            builder.enter(bytes.fromhex(name), mode, mtime_ns)
        elif verb == "leave":
            builder.leave()
        elif verb == "file":
            name, mode, mtime_ns, size_bytes, link = what
            builder.file(
                bytes.fromhex(name), mode, mtime_ns, FileLink.from_bytes(bytes.fromhex(link), size_bytes)
            )
        else:
            name, target, mtime_ns = what
            builder.symlink(bytes.fromhex(name), bytes.fromhex(target), mtime_ns)
    assert builder.finish().hex() == VECTORS["tree"]["root"]
