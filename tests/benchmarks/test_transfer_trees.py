"""What is transferred, what the receiver has beforehand, and how a difference is told."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks.transfer import trees

from dwcp.errors import InputError


def test_a_first_copy_is_the_corpus_or_a_share_of_each_file(corpus: Path, tmp_path: Path) -> None:
    whole = trees.first_copy(corpus, tmp_path / "whole", 1.0)
    assert (whole.name, whole.files, whole.before) == ("first copy", 4, None)
    assert trees.difference(corpus, whole.source) is None
    tenth = trees.first_copy(corpus, tmp_path / "tenth", 0.1)
    assert (tenth.source / "noise.bin").read_bytes() == (corpus / "noise.bin").read_bytes()[:8000]
    assert tenth.about == "the first 10 % of each file of the corpus"


def test_a_second_version_lies_over_the_first_under_the_same_name(corpus: Path, tmp_path: Path) -> None:
    job = trees.second_version(corpus, tmp_path, 1.0)
    assert job.before is not None
    [(old, new)] = job.changed
    assert (old.name, new.name) == ("mem_heap_t2.bin", "mem_heap_t2.bin")
    assert old.read_bytes() == (corpus / "mem_heap_t1.bin").read_bytes()
    assert new.stat().st_mtime > old.stat().st_mtime
    unchanged = [job.source / "text.txt", job.before / "text.txt"]
    assert len({path.stat().st_mtime_ns for path in unchanged}) == 1
    assert (
        trees.difference(job.before, job.source)
        == "mem_heap_t2.bin is file of 50003 bytes, not file of 50000 bytes"
    )


def test_a_corpus_without_versions_is_told(corpus: Path, tmp_path: Path) -> None:
    (corpus / "mem_heap_t1.bin").unlink()
    with pytest.raises(InputError, match="holds no two versions"):
        trees.second_version(corpus, tmp_path, 1.0)


def test_small_files_are_the_same_each_time(corpus: Path, tmp_path: Path) -> None:
    one, other = (trees.small_files(corpus, tmp_path / name, 120) for name in "ab")
    assert one.files == 120
    assert trees.difference(one.source, other.source) is None


def test_the_receiver_has_what_the_job_says(corpus: Path, tmp_path: Path) -> None:
    unchanged = trees.unchanged(corpus, tmp_path / "unchanged")
    trees.lay_before(unchanged, tmp_path / "there")
    copy = tmp_path / "there" / trees.ROOT / "text.txt"
    assert copy.stat().st_mtime_ns == (unchanged.source / "text.txt").stat().st_mtime_ns
    known = trees.known_blocks(tmp_path / "known", 100_000)
    trees.lay_before(known, tmp_path / "other")
    copy = tmp_path / "other" / trees.ROOT / "0.random"
    assert copy.read_bytes() == (known.source / "0.random").read_bytes()
    assert copy.stat().st_mtime_ns != (known.source / "0.random").stat().st_mtime_ns
    first = trees.first_copy(corpus, tmp_path / "first", 1.0)
    trees.lay_before(first, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_random_bytes_have_the_length_that_was_asked_for(tmp_path: Path) -> None:
    assert trees.random_bytes(tmp_path, 40_000).plain_bytes == 40_000


def test_any_folder_is_copied_with_its_links(corpus: Path, tmp_path: Path) -> None:
    (corpus / "link").symlink_to("text.txt")
    job = trees.any_folder(corpus, tmp_path / "place")
    assert (job.source / "link").readlink() == Path("text.txt")
    with pytest.raises(InputError, match="there is no folder"):
        trees.any_folder(tmp_path / "nowhere", tmp_path / "other")


def change(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"!")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda root: (root / "a").unlink(), "1 names are on one side only, such as a"),
        (lambda root: (root / "more").mkdir(), "such as more"),
        (lambda root: (root / "a").write_bytes(b"longer"), "a is file of 6 bytes, not file of 3 bytes"),
        (lambda root: change(root / "a"), "a has other bytes"),
        (lambda root: (root / "b").replace(root / "a"), "names are on one side only"),
        (
            lambda root: (root / "l").unlink() or (root / "l").symlink_to("b"),
            "l is a link to b, not a link to a",
        ),
    ],
)
def test_every_difference_is_found(tmp_path: Path, spoil: Callable[[Path], object], words: str) -> None:
    wanted, found = tmp_path / "wanted", tmp_path / "found"
    wanted.mkdir()
    for name in "ab":
        (wanted / name).write_bytes(b"abc")
    (wanted / "l").symlink_to("a")
    shutil.copytree(wanted, found, symlinks=True)
    assert trees.difference(wanted, found) is None
    spoil(found)
    assert words in str(trees.difference(wanted, found))
