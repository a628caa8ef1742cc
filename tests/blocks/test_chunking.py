import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.blocks import DEFAULT_CHUNKING, Chunking
from dwcp.errors import InputError

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "blocks.md").read_text(encoding="utf-8")
MASKS = {
    int(bits): int(mask, 16)
    for bits, mask in re.findall(r"^\| (\d+) \| `([0-9a-f]+)` \|$", PAGE, re.MULTILINE)
}
GEAR = [int.from_bytes(hashlib.md5(bytes([byte]) * 64).digest()[:8], "big") for byte in range(256)]
SMALL = Chunking(64, 256, 1024)
CHUNKINGS = [SMALL, Chunking(256, 256, 1024), Chunking(66, 256, 1026), Chunking(2048, 4096, 8192)]


def content(seed: int, length: int) -> bytes:
    """Random bytes, with stretches of few different ones."""
    rng = Random(seed)
    parts = []
    while length > 0:
        part = rng.choice([rng.randbytes, bytes])(min(length, rng.randint(1, 3000)))
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def first_cut(extent: bytes, chunking: Chunking) -> int:
    """Where the first chunk ends, byte by byte, as the format is written down."""
    end = min(len(extent), chunking.max_bytes)
    if end <= chunking.min_bytes:
        return end
    bits = chunking.avg_bytes.bit_length() - 1
    gear = 0
    for position in range(chunking.min_bytes, end - end % 2):
        gear = ((gear << 1) + GEAR[extent[position]]) % 2**64
        mask = MASKS[bits + 2] if position < chunking.avg_bytes else MASKS[bits - 2]
        if gear & mask == 0:
            return position
    return end


def cut_by_the_book(extent: bytes, chunking: Chunking) -> list[int]:
    lengths = []
    begin = 0
    while begin < len(extent):
        lengths.append(first_cut(extent[begin : begin + chunking.max_bytes], chunking))
        begin += lengths[-1]
    return lengths


def test_the_page_has_every_mask() -> None:
    assert sorted(MASKS) == list(range(6, 25))
    assert all(mask.bit_count() == bits for bits, mask in MASKS.items())


@pytest.mark.parametrize("chunking", CHUNKINGS, ids=str)
@pytest.mark.parametrize("length", [0, 1, 64, 65, 66, 1023, 1024, 1025, 30_001, 60_000])
def test_cut_points_are_those_that_are_written_down(chunking: Chunking, length: int) -> None:
    extent = content(length, length)
    assert chunking.pieces(extent) == cut_by_the_book(extent, chunking)


def test_the_default_cuts_as_it_is_written_down() -> None:
    extent = Random(1).randbytes(700_001)
    assert DEFAULT_CHUNKING.pieces(extent) == cut_by_the_book(extent, DEFAULT_CHUNKING)


def test_the_default_is_what_transfers_speak_of() -> None:
    assert Chunking(32 * 1024, 64 * 1024, 256 * 1024) == DEFAULT_CHUNKING
    assert repr(SMALL) == "Chunking(min_bytes=64, avg_bytes=256, max_bytes=1024)"


@given(seed=st.integers(0, 1000), length=st.integers(0, 20_000), chunking=st.sampled_from(CHUNKINGS))
def test_chunks_are_within_bounds_and_leave_nothing_out(seed: int, length: int, chunking: Chunking) -> None:
    lengths = chunking.pieces(content(seed, length))
    assert sum(lengths) == length
    assert all(chunking.min_bytes <= one <= chunking.max_bytes for one in lengths[:-1])
    assert all(1 <= one <= chunking.max_bytes for one in lengths[-1:])


@given(
    seed=st.integers(0, 1000),
    length=st.integers(1, 20_000),
    steps=st.lists(st.integers(1, 5000), min_size=1),
    chunking=st.sampled_from(CHUNKINGS),
)
def test_an_extent_that_comes_bit_by_bit_is_cut_the_same(
    seed: int, length: int, steps: list[int], chunking: Chunking
) -> None:
    extent = content(seed, length)
    lengths: list[int] = []
    begin = end = 0
    for step in steps:
        end = min(end + step, length)
        closed = chunking.lengths(extent[begin:end], final=False)
        lengths += closed
        begin += sum(closed)
        assert end - begin < chunking.max_bytes
    lengths += chunking.lengths(extent[begin:], final=True)
    assert lengths == chunking.pieces(extent)


def test_a_chunk_of_full_length_is_closed() -> None:
    assert SMALL.lengths(bytes(2048), final=False) == [1024, 1024]
    assert SMALL.lengths(bytes(2047), final=False) == [1024]
    assert SMALL.lengths(b"", final=False) == SMALL.pieces(b"") == []


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda data: memoryview(bytearray(data))])
def test_any_buffer_is_cut_where_it_lies(kind) -> None:
    extent = content(5, 9000)
    assert SMALL.pieces(kind(extent)) == SMALL.pieces(extent)


def test_memory_that_is_not_contiguous_is_refused() -> None:
    with pytest.raises(InputError, match="contiguous"):
        SMALL.pieces(memoryview(bytes(100))[::2])


def test_a_buffer_may_be_resized_once_it_is_cut() -> None:
    extent = bytearray(content(5, 9000))
    SMALL.pieces(extent)
    del extent[100:]


@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_an_insertion_changes_few_chunks(seed: int) -> None:
    extent = Random(seed).randbytes(60_000)
    changed = extent[:30_000] + b"an insertion" + extent[30_000:]
    before, after = ends_from_the_end(SMALL, extent), ends_from_the_end(SMALL, changed)
    assert len(before & after) > 0.4 * len(after)


def ends_from_the_end(chunking: Chunking, extent: bytes) -> set[int]:
    position, ends = len(extent), set()
    for length in chunking.pieces(extent):
        ends.add(position)
        position -= length
    return ends


def test_threads_share_one_chunking() -> None:
    extents = [Random(seed).randbytes(400_000) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(SMALL.pieces, extents)) == [SMALL.pieces(extent) for extent in extents]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((62, 256, 1024), "minimum chunk size must be even and 64 to 1048576 bytes, but is 62"),
        ((65, 256, 1024), "minimum chunk size must be even"),
        ((64, 128, 1024), "average chunk size must be even and 256 to"),
        ((64, 256, 1022), "maximum chunk size must be even and 1024 to 8388608 bytes"),
        ((64, 256, 8388610), "maximum chunk size"),
        ((64, 256, 1025), "maximum chunk size must be even"),
        ((512, 256, 1024), "must not fall"),
        ((64, 4096, 2048), "must not fall"),
        ((64, 300, 1024), "power of two"),
    ],
)
def test_sizes_out_of_range_are_refused(sizes: tuple[int, int, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Chunking(*sizes)
