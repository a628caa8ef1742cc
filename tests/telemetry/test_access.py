import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from dwcp.errors import InputError
from dwcp.telemetry.sources.access import (
    Accesses,
    AccessFormat,
    numbered_by_first_appearance,
    read_accesses,
)

PACKED = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress, ".zst": zstd.compress}
WIDTHS = {
    AccessFormat.UINT32_LITTLE: "<u4",
    AccessFormat.UINT32_BIG: ">u4",
    AccessFormat.UINT64_LITTLE: "<u8",
    AccessFormat.UINT64_BIG: ">u8",
}
CLOUD = b"version,time,op,size,lbn\n1,5633898,2a,512,42932745\n1,5633899,28,6656,40409911\n"


def written(folder: Path, content: bytes, suffix: str = "") -> Path:
    path = folder / f"trace{suffix}"
    path.write_bytes(PACKED[suffix](content))
    return path


@pytest.mark.parametrize("suffix", PACKED)
def test_packed_or_not(tmp_path: Path, suffix: str) -> None:
    found = read_accesses(written(tmp_path, b"7\n*\n\n8\n", suffix), AccessFormat.LIRS)
    assert found.block.tolist() == [7, 8]
    assert found.time_s is None
    assert found.sectors is None


@pytest.mark.parametrize("written_as", WIDTHS)
def test_integers_of_either_order(tmp_path: Path, written_as: AccessFormat) -> None:
    numbers = [1, 2**31, 2**32 - 1]
    path = written(tmp_path, np.array(numbers, WIDTHS[written_as]).tobytes())
    assert read_accesses(path, written_as).block.tolist() == numbers
    assert read_accesses(path, written_as, limit=2).block.tolist() == numbers[:2]


def test_hashes_of_64_bits_stay_whole(tmp_path: Path) -> None:
    path = written(tmp_path, (2**64 - 1).to_bytes(8, "big"))
    assert read_accesses(path, AccessFormat.UINT64_BIG).block.tolist() == [2**64 - 1]


def test_arc(tmp_path: Path) -> None:
    found = read_accesses(written(tmp_path, b"230027 8 0 0\n1842745 64 0 1\n"), AccessFormat.ARC)
    assert found.block.tolist() == [230027, 1842745]
    assert found.sectors is not None
    assert found.sectors.tolist() == [8, 64]


def test_cloud_physics(tmp_path: Path) -> None:
    found = read_accesses(written(tmp_path, CLOUD), AccessFormat.CLOUD_PHYSICS)
    assert found.block.tolist() == [42932745, 40409911]
    assert found.sectors is not None
    assert found.sectors.tolist() == [1, 13]
    assert found.time_s is not None
    assert found.time_s.tolist() == [5633898.0, 5633899.0]
    assert read_accesses(written(tmp_path, CLOUD), AccessFormat.CLOUD_PHYSICS, 1).block.size == 1


@pytest.mark.parametrize(
    ("written_as", "content", "words"),
    [
        (AccessFormat.LIRS, b"", "holds no accesses"),
        (AccessFormat.LIRS, b"*\n*\n", "holds no accesses"),
        (AccessFormat.LIRS, b"1\ntwo\n", "line 2"),
        (AccessFormat.LIRS, b"-1\n", "line 1"),
        (AccessFormat.LIRS, b"18446744073709551616\n", "below 2\\*\\*64"),
        (AccessFormat.UINT32_BIG, b"12345", "cut short"),
        (AccessFormat.ARC, b"1 2 3 4\n1 2 3\n", "line 2 .* has 3 numbers"),
        (AccessFormat.ARC, b"1 2 x 4\n", "'x'"),
        (AccessFormat.CLOUD_PHYSICS, b"a,b\n1,2\n", "does not begin with"),
        (AccessFormat.CLOUD_PHYSICS, CLOUD + b"1,2,3\n", "line 4 .* has 3 cells"),
        (AccessFormat.CLOUD_PHYSICS, CLOUD + b"1,now,2a,512,7\n", "line 4"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, written_as: AccessFormat, content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_accesses(written(tmp_path, content), written_as)


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".zst"])
def test_a_damaged_file(tmp_path: Path, suffix: str) -> None:
    whole = written(tmp_path, b"1\n" * 5000, suffix).read_bytes()
    for content in (b"no archive at all", whole[: len(whole) // 2]):
        (tmp_path / f"trace{suffix}").write_bytes(content)
        with pytest.raises(InputError, match="cannot be unpacked"):
            read_accesses(tmp_path / f"trace{suffix}", AccessFormat.LIRS)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: no such file"):
        read_accesses(tmp_path / "none.gz", AccessFormat.LIRS)


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 300)), min_size=1, max_size=20),
    st.integers(1, 64),
)
def test_extents_are_all_that_a_request_touches(requests: list[tuple[int, int]], size: int) -> None:
    block, sectors = (np.array(column, np.uint64) for column in zip(*requests, strict=True))
    expected = [
        extent
        for first, count in requests
        for extent in range(first // size, (first + max(count, 1) - 1) // size + 1)
    ]
    assert Accesses(block, sectors).extents(size).tolist() == expected


def test_numbers_given_in_order_of_first_appearance() -> None:
    assert numbered_by_first_appearance(np.array([0, 1, 0, 2, 1, 3], np.uint64))
    assert numbered_by_first_appearance(np.array([5, 6, 7], np.uint64))
    assert not numbered_by_first_appearance(np.array([5, 4, 6], np.uint64))
    assert not numbered_by_first_appearance(np.array([5, 5], np.uint64))
