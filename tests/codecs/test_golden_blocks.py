"""The block format, pinned: what was once written is read for ever."""

import json
from pathlib import Path

import pytest

from dwcp.codecs import Delta, ReferenceStore, Uncompressed, Window, decode, encode_known, read_header

VECTORS = json.loads((Path(__file__).parents[1] / "golden" / "codecs" / "blocks.json").read_text())
PLAIN = bytes.fromhex(VECTORS["plain_hex"])
REFERENCE = bytes.fromhex(VECTORS["reference_hex"])
DICTIONARY = bytes.fromhex(VECTORS["dictionary_hex"])
BLOCKS = {name: bytes.fromhex(stored) for name, stored in VECTORS["stored_hex"].items()}


@pytest.fixture
def store() -> ReferenceStore:
    store = ReferenceStore(1 << 20)
    for plain in (PLAIN, REFERENCE, DICTIONARY):
        store.add(plain)
    return store


@pytest.mark.parametrize("name", BLOCKS)
def test_a_stored_block_is_read(name: str, store: ReferenceStore) -> None:
    assert decode(BLOCKS[name], len(PLAIN), store) == PLAIN


def test_every_kind_is_pinned() -> None:
    kinds = {name: read_header(stored).kind.name for name, stored in BLOCKS.items()}
    assert kinds == VECTORS["kinds"]
    assert set(kinds.values()) == {
        "NONE", "LZ4", "SNAPPY", "ZSTD", "DELTA", "DELTA_WINDOW", "DICTIONARY", "KNOWN",
    }  # fmt: skip


def test_what_no_library_has_a_say_in_is_written_the_same() -> None:
    assert Uncompressed().encode(PLAIN) == BLOCKS["none"]
    assert encode_known(PLAIN) == BLOCKS["known"]


def test_headers_are_written_the_same(store: ReferenceStore) -> None:
    reference = store.add(REFERENCE)
    assert read_header(Delta(3).encode(PLAIN, reference)) == read_header(BLOCKS["delta-3"])
    window = reference.part(Window(*VECTORS["window"]))
    assert read_header(Delta(3).encode(PLAIN, window)) == read_header(BLOCKS["delta-3 window"])
