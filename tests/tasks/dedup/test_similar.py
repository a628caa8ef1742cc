"""The file beside a store: what was known is known again, and damage costs nothing but that."""

from pathlib import Path
from random import Random

import pytest

from dwcp.codecs import plaintext_id
from dwcp.tasks.dedup.examples import made_up_block
from dwcp.tasks.dedup.similar import SIMILAR_FILE, SimilarBlocksFile, similar_beside

BLOCKS = [made_up_block(3000, Random(number)) for number in range(30)]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    similar = similar_beside(tmp_path)
    for block in BLOCKS:
        similar.add(plaintext_id(block), similar.sketch(block), len(block), b"")
    similar.save()
    return tmp_path / SIMILAR_FILE


def found(path: Path | None) -> list[bytes]:
    similar = SimilarBlocksFile(path)
    looks = map(similar.sketch, BLOCKS)
    return [one.base for sketch in looks for one in similar.find(sketch, b"")]


def test_what_was_saved_is_found_and_can_be_added_to(saved: Path) -> None:
    assert found(saved) == [plaintext_id(block) for block in BLOCKS]
    similar = SimilarBlocksFile(saved)
    more = made_up_block(3000, Random(77))
    for _ in range(2000):
        similar.add(plaintext_id(more), similar.sketch(more), len(more), b"")
    similar.save()
    again = SimilarBlocksFile(saved)
    assert len(again.index) == 2030
    assert again.find(again.sketch(more), b"")[0].base == plaintext_id(more)


def test_a_damaged_file_is_an_empty_index(saved: Path) -> None:
    whole = saved.read_bytes()
    rng = Random(4)
    for position in (0, 7, 8, 16, 24, len(whole) - 1, *(rng.randrange(len(whole)) for _ in range(30))):
        changed = bytearray(whole)
        changed[position] ^= 1 << rng.randrange(8)
        saved.write_bytes(changed)
        assert found(saved) == []
    for length in (0, 1, 23, 24, 60, len(whole) - 1):
        saved.write_bytes(whole[:length])
        assert found(saved) == []


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    similar = similar_beside(None)
    similar.add(b"1" * 32, similar.sketch(BLOCKS[0]), 3000, b"")
    similar.save()
    assert found(None) == found(tmp_path / "missing") == []


def test_a_file_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    SimilarBlocksFile(tmp_path / "file" / SIMILAR_FILE).save()
    assert (tmp_path / "file").read_bytes() == b"in the way"
