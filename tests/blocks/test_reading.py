import os
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.blocks import (
    DEFAULT_CHUNKING,
    ZERO_RUN_BYTES,
    Chunking,
    DataPiece,
    FileBuilder,
    FileLink,
    ZeroPiece,
    cut_pieces,
    read_pieces,
)
from dwcp.codecs import plaintext_id
from dwcp.errors import InputError

MIB = ZERO_RUN_BYTES
CHUNKINGS = [DEFAULT_CHUNKING, Chunking(2048, 4096, 8192), Chunking(1024, 256 * 1024, 4 * MIB)]
BUFFERS = [1, MIB, 2 * MIB + 12_345, 4 * MIB, 64 * MIB]
SEED = Random(0).randbytes(3 * MIB)

Segment = tuple[str, int]
LENGTHS = st.sampled_from([1, 4096, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB]) | st.integers(1, 3 * MIB)
SEGMENTS = st.lists(st.tuples(st.sampled_from(["data", "zeros", "hole"]), LENGTHS), max_size=5)


@contextmanager
def file_of(folder: Path, segments: list[Segment], dense: bool = False) -> Iterator[tuple[int, bytes]]:
    """An open file, and its content."""
    content = b"".join(SEED[:length] if kind == "data" else bytes(length) for kind, length in segments)
    path = folder / "file"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    offset = 0
    for kind, length in segments:
        if dense or kind != "hole":
            os.pwrite(fd, content[offset : offset + length], offset)
        offset += length
    os.truncate(fd, len(content))
    try:
        yield fd, content
    finally:
        os.close(fd)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def flat(pieces: Iterator[DataPiece | ZeroPiece]) -> list[tuple[int, int, bytes]]:
    """Chunks and zero runs: offset, length, id."""
    found = []
    for piece in pieces:
        if isinstance(piece, ZeroPiece):
            found.append((piece.offset, piece.length_bytes, b""))
            continue
        offset = piece.offset
        assert sum(piece.lengths) == len(piece.data) == piece.length_bytes
        for length, chunk_id in zip(piece.lengths, piece.ids, strict=True):
            found.append((offset, length, chunk_id))
            offset += length
    return found


def link_of(pieces: Iterator[DataPiece | ZeroPiece]) -> FileLink:
    builder = FileBuilder()
    for piece in pieces:
        if isinstance(piece, ZeroPiece):
            builder.zeros(piece.length_bytes)
        else:
            builder.chunks(b"".join(piece.ids), piece.lengths)
    return builder.finish()


@settings(max_examples=60, deadline=None)
@given(segments=SEGMENTS, chunking=st.sampled_from(CHUNKINGS), buffer_bytes=st.sampled_from(BUFFERS))
def test_reading_cuts_as_cutting_in_memory_does(
    folder: Path, segments: list[Segment], chunking: Chunking, buffer_bytes: int
) -> None:
    with file_of(folder, segments) as (fd, content):
        read = flat(read_pieces(fd, chunking, buffer_bytes))
    assert read == flat(cut_pieces(content, chunking))


@settings(max_examples=30, deadline=None)
@given(segments=SEGMENTS)
def test_pieces_give_back_the_content(folder: Path, segments: list[Segment]) -> None:
    with file_of(folder, segments) as (fd, content):
        whole = b""
        for piece in read_pieces(fd, DEFAULT_CHUNKING):
            assert piece.offset == len(whole)
            whole += bytes(piece.length_bytes) if isinstance(piece, ZeroPiece) else bytes(piece.data)
    assert whole == content


@settings(max_examples=30, deadline=None)
@given(segments=SEGMENTS)
def test_how_sparse_a_file_lies_does_not_matter(folder: Path, segments: list[Segment]) -> None:
    with file_of(folder, segments, dense=True) as (fd, _):
        dense = link_of(read_pieces(fd, DEFAULT_CHUNKING))
    with file_of(folder, segments) as (fd, content):
        assert link_of(read_pieces(fd, DEFAULT_CHUNKING)) == dense
    assert dense == link_of(cut_pieces(content, DEFAULT_CHUNKING))
    assert dense.size_bytes == len(content)


@settings(max_examples=30, deadline=None)
@given(segments=SEGMENTS)
def test_an_extent_ends_at_every_zero_page_and_only_there(segments: list[Segment]) -> None:
    content = b"".join(SEED[:length] if kind == "data" else bytes(length) for kind, length in segments)
    pieces = list(cut_pieces(content, DEFAULT_CHUNKING))
    for piece, following in pairwise(pieces):
        assert isinstance(piece, ZeroPiece) != isinstance(following, ZeroPiece)
    for piece in pieces:
        if isinstance(piece, ZeroPiece):
            assert piece.offset % MIB == piece.length_bytes % MIB == 0
        else:
            assert piece.lengths == DEFAULT_CHUNKING.pieces(piece.data)
            aligned = -piece.offset % MIB
            assert not any(
                bytes(piece.data[at : at + MIB]) == bytes(MIB)
                for at in range(aligned, len(piece.data) - MIB + 1, MIB)
            )


def test_the_ids_are_those_of_the_plaintexts(folder: Path) -> None:
    with file_of(folder, [("data", 2 * MIB)]) as (fd, content):
        for offset, length, chunk_id in flat(read_pieces(fd, DEFAULT_CHUNKING)):
            assert chunk_id == plaintext_id(content[offset : offset + length])


def test_pieces_are_bounded_and_keep_their_memory(folder: Path) -> None:
    with file_of(folder, [("data", 3 * MIB)] * 5) as (fd, content):
        pieces = [piece for piece in read_pieces(fd, DEFAULT_CHUNKING) if isinstance(piece, DataPiece)]
    assert len(pieces) > 3
    assert max(len(piece.data) for piece in pieces) <= 4 * MIB
    assert b"".join(bytes(piece.data) for piece in pieces) == content


def test_a_huge_hole_is_one_run_and_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    pread = os.pread

    def count(fd: int, length: int, offset: int) -> bytes:
        data = pread(fd, length, offset)
        read.append(len(data))
        return data

    monkeypatch.setattr(os, "pread", count)
    with file_of(folder, []) as (fd, _):
        os.truncate(fd, 20 * 1024 * MIB + 3)
        os.pwrite(fd, b"x", 7 * 1024 * MIB + 5)
        pieces = flat(read_pieces(fd, DEFAULT_CHUNKING))
    assert [(offset // MIB, length // MIB) for offset, length, chunk_id in pieces if not chunk_id] == [
        (0, 7 * 1024),
        (7 * 1024 + 1, 13 * 1024 - 1),
    ]
    assert sum(read) == MIB + 3


def test_alternating_zero_pages_are_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    pread = os.pread

    def count(fd: int, length: int, offset: int) -> bytes:
        data = pread(fd, length, offset)
        read.append(len(data))
        return data

    monkeypatch.setattr(os, "pread", count)
    with file_of(folder, [("data", MIB), ("zeros", MIB)] * 8) as (fd, content):
        list(read_pieces(fd, DEFAULT_CHUNKING))
    assert sum(read) == len(content)


def test_reads_that_fall_short_are_gone_on_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, length, offset: pread(fd, min(length, 100_001), offset))
    with file_of(folder, [("data", 3 * MIB), ("zeros", MIB), ("data", 5)]) as (fd, content):
        assert flat(read_pieces(fd, DEFAULT_CHUNKING)) == flat(cut_pieces(content, DEFAULT_CHUNKING))


def test_a_file_that_grows_is_read_to_the_end_it_had(folder: Path) -> None:
    with file_of(folder, [("data", 3 * MIB)] * 3) as (fd, content):
        pieces = read_pieces(fd, DEFAULT_CHUNKING)
        first = next(pieces)
        os.pwrite(fd, b"more", len(content))
        assert flat(iter([first, *pieces])) == flat(cut_pieces(content, DEFAULT_CHUNKING))


@pytest.mark.parametrize("length", [0, 3 * MIB, 5 * MIB, 5 * MIB + 1])
def test_a_file_that_is_cut_short_ends_sooner(folder: Path, length: int) -> None:
    with file_of(folder, [("data", 3 * MIB)] * 3) as (fd, _):
        pieces = read_pieces(fd, DEFAULT_CHUNKING)
        first = next(pieces)
        os.truncate(fd, length)
        found = flat(iter([first, *pieces]))
    assert sum(size for _, size, _ in found) == max(first.length_bytes, length)


def test_an_empty_file_has_no_pieces(folder: Path) -> None:
    with file_of(folder, []) as (fd, _):
        assert list(read_pieces(fd, DEFAULT_CHUNKING)) == []
    assert list(cut_pieces(b"", DEFAULT_CHUNKING)) == []


def test_a_file_that_cannot_be_read_is_the_callers_to_mend(folder: Path) -> None:
    with file_of(folder, [("data", 10)]) as (fd, _):
        closed = os.dup(fd)
        os.close(closed)
        with pytest.raises(InputError, match="cannot be looked at: Bad file descriptor"):
            next(read_pieces(closed, DEFAULT_CHUNKING))
    write_only = os.open(folder / "file", os.O_WRONLY)
    try:
        with pytest.raises(InputError, match="cannot be read at offset 0: Bad file descriptor"):
            next(read_pieces(write_only, DEFAULT_CHUNKING))
    finally:
        os.close(write_only)


def test_memory_does_not_grow_with_the_file(folder: Path) -> None:
    with file_of(folder, [("data", 3 * MIB)] * 12) as (fd, _):
        tracemalloc.start()
        for _ in read_pieces(fd, DEFAULT_CHUNKING):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 10 * MIB
