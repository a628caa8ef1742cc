"""Packs: what went in comes out, and what was cut short or altered is refused before it is believed."""

import json
import struct
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.blocks.canonical import to_canonical
from dwcp.codecs import plaintext_id
from dwcp.errors import CorruptPackError, InputError, ObjectNotFoundError
from dwcp.storage.backends import MemoryBackend
from dwcp.storage.packs import (
    MAX_BLOCK_BYTES,
    MAX_PACK_BYTES,
    PackEntry,
    PackWriter,
    StoredKind,
    encode_pack,
    open_pack,
    pack_id_of,
    pack_object,
    read_directory,
)

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "pack.json").read_text("utf-8"))
IDS = st.binary(min_size=32, max_size=32)
BLOCKS = st.lists(
    st.tuples(
        IDS,
        st.sampled_from(StoredKind),
        st.binary(min_size=1, max_size=300),
        st.integers(200, MAX_BLOCK_BYTES),
        st.sampled_from(["none", "zstd-3", "delta-19", "lz4"]),
        st.one_of(st.just(b""), IDS),
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda block: block[0],
).filter(lambda blocks: all(block[0] != block[5] for block in blocks))


def filled(blocks: list[tuple[bytes, StoredKind, bytes, int, str, bytes]]) -> PackWriter:
    writer = PackWriter()
    for block in blocks:
        writer.add(*block)
    return writer


def small() -> bytes:
    blocks = [
        (plaintext_id(b"%d" % n), StoredKind(n % 2), b"%d" % n * 9, 200, "zstd-3", b"") for n in range(5)
    ]
    return filled(blocks).whole().data


def resealed(pack: bytes, directory: bytes) -> bytes:
    """The same blocks with another directory, and a trailer that fits it."""
    trailer = struct.pack("<Q32s4s", len(directory), blake3(directory).digest(), b"PWD\x01")
    [old] = struct.unpack("<Q", pack[-44:-36])
    return pack[: -44 - old] + directory + trailer


@given(BLOCKS)
def test_what_went_in_comes_out(blocks: list[tuple[bytes, StoredKind, bytes, int, str, bytes]]) -> None:
    whole = filled(blocks).whole()
    assert whole.id == plaintext_id(whole.data)
    backend = MemoryBackend()
    backend.put(pack_object(whole.id), whole.data)
    for entries in (whole.entries, open_pack(whole.data), read_directory(backend, whole.id)):
        assert [
            (e.id, e.kind, whole.data[e.offset : e.end], e.plain_bytes, e.codec, e.base) for e in entries
        ] == blocks


@settings(max_examples=300)
@given(st.integers(0, len(small()) - 1))
def test_one_cut_short_is_refused(length: int) -> None:
    cut = small()[:length]
    with pytest.raises(CorruptPackError):
        open_pack(cut)
    backend = MemoryBackend()
    backend.put(pack_object(bytes(32)), cut)
    with pytest.raises(CorruptPackError, match=pack_object(bytes(32))):
        read_directory(backend, bytes(32))


def test_every_flipped_bit_outside_of_the_blocks_is_found() -> None:
    pack, entries = small(), open_pack(small())
    places = [*range(4), *range(entries[-1].end, len(pack))]
    for place in places:
        for bit in range(8):
            altered = bytearray(pack)
            altered[place] ^= 1 << bit
            with pytest.raises(CorruptPackError):
                open_pack(altered)


@given(st.binary(max_size=400))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(CorruptPackError):
        open_pack(data)


@given(st.binary(max_size=300))
def test_any_directory_with_a_right_checksum_is_refused(directory: bytes) -> None:
    with pytest.raises(CorruptPackError):
        open_pack(resealed(small(), directory))


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 10_000, 0])
def test_a_length_that_lies_is_refused(length: int) -> None:
    pack = bytearray(small())
    pack[-44:-36] = struct.pack("<Q", length)
    with pytest.raises(CorruptPackError):
        open_pack(pack)


ROW = [bytes(32), 0, 4, 9, 200, "none", b""]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *((0, value) for value in (b"", bytes(31), 5)),
        *((1, value) for value in (2, -1, True, "0")),
        *((2, value) for value in (0, 5, -1, 2**64)),
        *((3, value) for value in (0, 8, 10, -1, 2**70)),
        *((4, value) for value in (-1, MAX_BLOCK_BYTES + 1, None)),
        *((5, value) for value in ("", "x" * 33, "é", b"none")),
        *((6, value) for value in (bytes(31), bytes(32), None)),
    ],
)
def test_a_row_out_of_range_is_refused(place: int, value: object) -> None:
    blocks = b"DWP\x01" + b"x" * 9
    right = encode_pack(blocks, [])
    assert len(open_pack(resealed(right, to_canonical(["pack/1", [ROW]])))) == 1
    wrong = [*ROW[:place], value, *ROW[place + 1 :]]
    with pytest.raises(CorruptPackError):
        open_pack(resealed(right, to_canonical(["pack/1", [wrong]])))


def test_another_version_and_double_ids_are_refused() -> None:
    right = encode_pack(b"DWP\x01" + b"x" * 9, [])
    with pytest.raises(CorruptPackError, match="newer version"):
        open_pack(resealed(right, to_canonical(["pack/2", [ROW]])))
    twice = [[*ROW[:2], 4, 4, *ROW[4:]], [*ROW[:2], 8, 5, *ROW[4:]]]
    with pytest.raises(CorruptPackError, match="twice"):
        open_pack(resealed(right, to_canonical(["pack/1", twice])))


def test_a_pack_too_long_is_not_read() -> None:
    class Huge(MemoryBackend):
        def size(self, name: str) -> int:
            return MAX_PACK_BYTES + len(name[:1])

    with pytest.raises(CorruptPackError, match="no pack"):
        read_directory(Huge(), bytes(32))


def test_an_absent_pack_is_not_found() -> None:
    with pytest.raises(ObjectNotFoundError):
        read_directory(MemoryBackend(), bytes(32))


def test_names() -> None:
    pack_id = bytes(range(32))
    assert pack_object(pack_id) == f"packs/00/{pack_id.hex()}"
    assert pack_id_of(pack_object(pack_id)) == pack_id
    for name in ("config", "packs/00/12", f"packs/01/{pack_id.hex()}", f"packs/{pack_id.hex()}"):
        assert pack_id_of(name) is None


def test_an_entry_that_cannot_be_is_refused() -> None:
    with pytest.raises(InputError):
        PackEntry(bytes(32), StoredKind.CHUNK, 0, 1, 1, "none", bytes(32))


def test_golden() -> None:
    pack = bytes.fromhex(GOLDEN["pack_hex"])
    assert plaintext_id(pack).hex() == GOLDEN["id"]
    entries = open_pack(pack)
    assert [
        [e.id.hex(), int(e.kind), e.offset, e.stored_bytes, e.plain_bytes, e.codec, e.base.hex()]
        for e in entries
    ] == GOLDEN["entries"]
    writer = PackWriter()
    for e in entries:
        writer.add(e.id, e.kind, pack[e.offset : e.end], e.plain_bytes, e.codec, e.base)
    assert writer.whole().data == pack
