import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.blocks.zeros import ZERO_RUN_BYTES, Holes, align_down, zero_runs

MIB = ZERO_RUN_BYTES


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


def test_offsets_are_aligned_to_pages() -> None:
    assert [align_down(offset) for offset in (0, 1, MIB - 1, MIB, 5 * MIB + 7)] == [0, 0, 0, MIB, 5 * MIB]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@settings(max_examples=20, deadline=None)
@given(
    pages=st.lists(st.booleans(), max_size=5),
    head=st.integers(0, 1) | st.just(MIB - 1),
    tail=st.integers(0, 1) | st.just(MIB - 1),
    spot=st.integers(0, MIB - 1) | st.just(MIB - 1),
)
def test_runs_are_whole_aligned_pages(kind, pages: list[bool], head: int, tail: int, spot: int) -> None:
    data = bytearray(head + len(pages) * MIB + tail)
    for number, is_zero in enumerate(pages):
        if not is_zero:
            data[head + number * MIB + spot] = 1
    found = {
        (position - head) // MIB
        for begin, end in zero_runs(kind(data), 3 * MIB - head)
        for position in range(begin, end, MIB)
    }
    assert found == {number for number, is_zero in enumerate(pages) if is_zero}


def test_adjacent_pages_are_one_run() -> None:
    data = bytes(MIB) + b"x" * MIB + bytes(3 * MIB) + b"x"
    assert list(zero_runs(data, 0)) == [(0, MIB), (2 * MIB, 5 * MIB)]
    assert list(zero_runs(data, 1)) == [(2 * MIB + MIB - 1, 4 * MIB + MIB - 1)]


def test_a_part_shorter_than_a_page_has_no_run() -> None:
    assert list(zero_runs(bytes(MIB - 1), 0)) == []
    assert list(zero_runs(bytes(2 * MIB - 2), 1)) == []


def test_holes_are_found_by_whole_pages(fd: int) -> None:
    os.truncate(fd, 100 * MIB + 5)
    os.pwrite(fd, b"x", 10 * MIB + 7)
    os.pwrite(fd, b"x", 40 * MIB - 1)
    holes = Holes(fd, 100 * MIB + 5)
    assert holes.next_run(0, 4 * MIB) == (0, 10 * MIB)
    assert holes.next_run(10 * MIB, 14 * MIB) == (11 * MIB, 39 * MIB)
    assert holes.next_run(39 * MIB, 43 * MIB) == (40 * MIB, 100 * MIB)
    assert holes.next_run(100 * MIB, 100 * MIB + 5) == (100 * MIB + 5, 100 * MIB + 5)


def test_looking_stops_where_it_is_told(fd: int) -> None:
    os.pwrite(fd, b"x" * 8 * MIB, 0)
    os.truncate(fd, 20 * MIB)
    holes = Holes(fd, 20 * MIB)
    assert holes.next_run(0, 4 * MIB)[0] >= 4 * MIB
    assert holes.next_run(5 * MIB, 9 * MIB) == (8 * MIB, 20 * MIB)


def test_holes_within_pages_are_no_runs(fd: int) -> None:
    for page in range(4):
        os.pwrite(fd, b"x", page * MIB + MIB // 2)
    os.truncate(fd, 4 * MIB)
    assert Holes(fd, 4 * MIB).next_run(0, 4 * MIB) == (4 * MIB, 4 * MIB)


def test_a_file_system_that_cannot_tell_has_no_holes(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> int:
        raise OSError(22, "Invalid argument")

    os.truncate(fd, 4 * MIB)
    monkeypatch.setattr(os, "lseek", refuse)
    assert Holes(fd, 4 * MIB).next_run(0, 4 * MIB) == (4 * MIB, 4 * MIB)
