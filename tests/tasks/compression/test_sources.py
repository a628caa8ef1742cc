from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.errors import InputError
from dwcp.tasks.compression.sources import (
    MIN_BLOCK_BYTES,
    age,
    cut,
    find_files,
    previous_versions,
)

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(name: str, size: int = MIN_BLOCK_BYTES) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
        return path

    return make


def test_files_are_found_once_in_a_stable_order(make: Make, tmp_path: Path) -> None:
    second, first, inside = make("b.txt"), make("a.txt"), make("folder/c.txt")
    make("small.txt", MIN_BLOCK_BYTES - 1)
    (tmp_path / "z-link").symlink_to(first)
    assert find_files([tmp_path]) == [first, second, inside]
    assert find_files([second, tmp_path, second]) == [second, first, inside]
    assert find_files([tmp_path / "z-link"]) == [tmp_path / "z-link"], "a link that is named is followed"


def test_paths_that_are_of_no_use_are_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere does not exist"):
        find_files([tmp_path / "nowhere"])
    small = make("small.txt", MIN_BLOCK_BYTES - 1)
    with pytest.raises(InputError, match="no file of at least 4096 bytes"):
        find_files([small])


def test_a_file_that_may_not_be_read_is_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make("secret.txt")

    def refuse(self: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"secret\.txt cannot be read: Permission denied"):
        find_files([path])


@pytest.mark.parametrize(
    "names",
    [
        ("vm_v1.img", "vm_v2.img", "vm_v10.img"),
        ("zstd-1.5.5.tar", "zstd-1.5.6.tar", "zstd-1.10.0.tar"),
        ("heap_t1.bin", "heap_t2.bin"),
        ("dump-9.sql", "dump-10.sql"),
    ],
)
def test_versions_follow_each_other_by_number(make: Make, names: tuple[str, ...]) -> None:
    files = [make(name) for name in names]
    paired = previous_versions(files[::-1])
    assert paired == dict(zip(files[1:], files[:-1], strict=True))


def test_versions_are_of_one_folder_name_and_suffix(make: Make) -> None:
    files = [make(n) for n in ("a_v1.txt", "b_v2.txt", "x/a_v3.txt", "a_v4.bin", "a.txt", "a5.txt")]
    assert previous_versions(files) == {}


def test_a_file_and_its_versions_are_one_family(make: Make) -> None:
    files = [make("vm_v1.img"), make("vm_v2.img"), make("notes.txt")]
    blocks = list(cut(files, 65536, None, by_folder=False))
    assert [block.family for block in blocks] == ["vm.img", "vm.img", "notes.txt"]
    assert [block.previous for block in blocks] == [None, files[0], None]


def test_a_folder_may_be_one_family(make: Make) -> None:
    files = [make("logs/a.log"), make("logs/b.log"), make("logs/c.txt")]
    families = [block.family for block in cut(files, 65536, None, by_folder=True)]
    assert families == ["logs/*.log", "logs/*.log", "logs/*.txt"]


def test_every_byte_is_in_one_block_but_for_a_tail_too_small(make: Make) -> None:
    file = make("a.bin", 3 * 8192 + MIN_BLOCK_BYTES - 1)
    blocks = list(cut([file], 8192, None, by_folder=False))
    assert [(b.offset_bytes, b.block_bytes) for b in blocks] == [(0, 8192), (8192, 8192), (16384, 8192)]
    longer = make("b.bin", 8192 + MIN_BLOCK_BYTES)
    blocks = list(cut([longer], 8192, None, by_folder=False))
    assert [(b.offset_bytes, b.block_bytes) for b in blocks] == [(0, 8192), (8192, MIN_BLOCK_BYTES)]


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 60), most=st.integers(1, 70))
def test_fewer_blocks_are_spread_evenly(
    tmp_path_factory: pytest.TempPathFactory, count: int, most: int
) -> None:
    file = tmp_path_factory.mktemp("cut") / "a.bin"
    file.write_bytes(bytes(count * MIN_BLOCK_BYTES))
    blocks = list(cut([file], MIN_BLOCK_BYTES, most, by_folder=False))
    places = [block.offset_bytes // MIN_BLOCK_BYTES for block in blocks]
    assert len(places) == len(set(places)) == min(count, most)
    gaps = {after - before for before, after in pairwise(places)}
    assert not gaps or max(gaps) - min(gaps) <= 1


@settings(max_examples=50, deadline=None)
@given(plain=st.binary(max_size=3000), seed=st.integers(0, 2**32))
def test_aging_is_the_same_for_the_same_seed(plain: bytes, seed: int) -> None:
    assert age(plain, Random(seed)) == age(plain, Random(seed))


@pytest.mark.parametrize("seed", range(8))
def test_an_older_version_is_alike_but_not_the_same(seed: int) -> None:
    plain = Random(99).randbytes(200_000)
    older = age(plain, Random(seed))
    assert older != plain
    assert abs(len(older) - len(plain)) <= 0.4 * len(plain)
    pieces = [plain[at : at + 16] for at in range(0, len(plain) - 16, 1000)]
    assert sum(piece in older for piece in pieces) > 0.5 * len(pieces)


def test_versions_age_by_little_and_by_much() -> None:
    plain = Random(99).randbytes(100_000)
    pieces = [plain[at : at + 16] for at in range(0, len(plain) - 16, 500)]
    kept = []
    for seed in range(60):
        older = age(plain, Random(seed))
        kept.append(sum(piece in older for piece in pieces) / len(pieces))
    assert min(kept) < 0.9
    assert max(kept) > 0.99
