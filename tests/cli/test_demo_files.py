import os
import zipfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.cli.demo import files
from dwcp.cli.demo.files import choose, default_roots, short_name, survey, write_archive
from dwcp.cli.demo.kinds import Kind, kind_of, plain_suffix
from dwcp.errors import InputError

BLOCK = 16 * 1024


def fill(folder: Path, names: str, size_bytes: int = 5000) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names.split():
        (folder / name).write_bytes(Random(f"{folder.name}/{name}").randbytes(size_bytes))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/usr/lib/libz.so.1.3", Kind.PROGRAMS),
        ("/usr/bin/git", Kind.PROGRAMS),
        ("json/decoder.py", Kind.CODE),
        ("/var/log/boot.log.2", Kind.LOGS),
        ("/var/log/messages", Kind.LOGS),
        ("man1/ls.1", Kind.DOCUMENTS),
        ("doc/changelog.Debian.gz", Kind.COMPRESSED),
        ("data/PEOPLE.CSV", Kind.DATA),
        ("LICENSE", Kind.OTHER),
    ],
)
def test_a_name_tells_the_kind(path, kind):
    assert kind_of(Path(path)) is kind


def test_a_number_is_no_suffix():
    assert plain_suffix(Path("libz.so.1.3")) == ".so"
    assert plain_suffix(Path("messages.1")) == ""


def test_a_survey_finds_files_below_the_roots_in_a_stable_order(tmp_path):
    fill(tmp_path / "one", "b.txt a.txt")
    fill(tmp_path / "one" / "deep", "c.txt")
    (tmp_path / "one" / "small.txt").write_bytes(b"too small to be a block")
    found = survey([tmp_path], tmp_path / "home", 48)
    assert [file.path.name for file in found.files] == ["a.txt", "b.txt", "c.txt"]
    assert found == survey([tmp_path], tmp_path / "home", 48)
    assert found.unreadable == 0


def test_a_survey_leaves_out_the_home_caches_and_links(tmp_path):
    fill(tmp_path / "home", "registry.txt")
    fill(tmp_path / "__pycache__", "a.pyc")
    fill(tmp_path / "data", "a.txt")
    (tmp_path / "link.txt").symlink_to(tmp_path / "data" / "a.txt")
    (tmp_path / "again").symlink_to(tmp_path / "data")
    found = survey([tmp_path, tmp_path / "data"], tmp_path / "home", 48)
    assert [file.path for file in found.files] == [tmp_path / "data" / "a.txt"]


def test_a_file_may_be_named_itself(tmp_path):
    fill(tmp_path, "a.txt b.txt")
    assert [file.path.name for file in survey([tmp_path / "b.txt"], tmp_path / "home", 48).files] == ["b.txt"]


def test_what_cannot_be_read_is_counted_and_left_out(tmp_path, monkeypatch):
    fill(tmp_path, "open.txt shut.txt")
    fill(tmp_path / "closed", "inside.txt")
    scandir = files.os.scandir

    def refuse(folder):
        if Path(folder).name == "closed":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(files.os, "scandir", refuse)
    monkeypatch.setattr(files.os, "access", lambda path, _: Path(path).name != "shut.txt")
    found = survey([tmp_path], tmp_path / "home", 48)
    assert [file.path.name for file in found.files] == ["open.txt"]
    assert found.unreadable == 2


def test_a_file_whose_name_is_not_text_is_left_out_and_counted(tmp_path):
    fill(tmp_path, "a.txt")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt")).write_bytes(bytes(5000))
    found = survey([tmp_path], tmp_path / "home", 48)
    assert ([file.path.name for file in found.files], found.unreadable) == (["a.txt"], 1)


def test_a_missing_root_and_an_empty_one_are_refused_in_a_sentence(tmp_path):
    with pytest.raises(InputError, match=r"nothing-here does not exist; name a file or a directory"):
        survey([tmp_path / "nothing-here"], tmp_path / "home", 48)
    with pytest.raises(InputError, match="no file of at least 4096 bytes"):
        survey([tmp_path], tmp_path / "home", 48)


def test_of_a_crowded_folder_a_part_is_taken_evenly(tmp_path):
    fill(tmp_path, " ".join(f"{number:03}.txt" for number in range(100)))
    names = [file.path.name for file in survey([tmp_path], tmp_path / "home", 48).files]
    assert 0 < len(names) <= 48
    assert names[-1] >= "090.txt"


def test_every_beginning_of_a_choice_is_varied(tmp_path):
    for folder in "abcdefgh":
        fill(
            tmp_path / folder,
            " ".join(f"{n}.{suffix}" for n in "123" for suffix in ("py", "so", "json", "gz")),
        )
    chosen = choose(survey([tmp_path], tmp_path / "home", 48).files, BLOCK, 1000, versions=False)
    assert len(chosen) == 96
    assert {kind_of(source.path) for source in chosen[:4]} == {
        Kind.PROGRAMS, Kind.CODE, Kind.DATA, Kind.COMPRESSED
    }  # fmt: skip
    assert len({source.family for source in chosen[:32]}) == 32
    assert {source.family for source in chosen} == {
        f"{folder}/*.{suffix}" for folder in "abcdefgh" for suffix in ("py", "so", "json", "gz")
    }


def test_with_few_folders_a_file_with_its_versions_is_a_family(tmp_path):
    fill(tmp_path, "app-1.1.tar app-1.2.tar notes.txt list.txt")
    found = survey([tmp_path], tmp_path / "home", 48).files
    chosen = choose(found, BLOCK, 100, versions=True)
    assert {source.family for source in chosen} == {"app.tar", "notes.txt", "list.txt"}
    previous = {source.path.name: source.previous for source in chosen}
    assert previous["app-1.2.tar"] == tmp_path / "app-1.1.tar"
    assert {source.previous for source in choose(found, BLOCK, 100, versions=False)} == {None}


def test_of_copies_one_is_taken(tmp_path):
    fill(tmp_path / "a", "licence.txt")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "other-name.txt").write_bytes((tmp_path / "a" / "licence.txt").read_bytes())
    assert len(choose(survey([tmp_path], tmp_path / "home", 48).files, BLOCK, 100, versions=False)) == 1


@given(
    sizes=st.lists(st.integers(4096, 100_000), min_size=1, max_size=12),
    folders=st.integers(1, 4),
    most=st.integers(1, 40),
)
def test_blocks_lie_inside_their_files_and_are_never_the_same(tmp_path_factory, sizes, folders, most):
    root = tmp_path_factory.mktemp("choice")
    for place, size in enumerate(sizes):
        fill(root / str(place % folders), f"{place}.txt", size)
    found = survey([root], root / "home", 48).files
    chosen = choose(found, BLOCK, most, versions=False)
    assert 0 < len(chosen) <= most
    assert chosen == choose(found, BLOCK, most, versions=False)
    for source in chosen:
        assert 0 <= source.offset_bytes <= source.path.stat().st_size - source.block_bytes
        assert 4096 <= source.block_bytes <= BLOCK
    assert len({(short_name(source.path), source.offset_bytes) for source in chosen}) == len(chosen)


def test_an_archive_is_made_of_what_there_is_and_is_the_same_each_time(tmp_path):
    fill(tmp_path / "data", "a.txt b.txt")
    found = survey([tmp_path / "data"], tmp_path / "home", 48).files
    target = tmp_path / "home" / "demo" / "archive.zip"
    archive = write_archive(found, target)
    assert zipfile.ZipFile(target).namelist() == ["a.txt", "b.txt"]
    assert kind_of(archive.path) is Kind.COMPRESSED
    assert write_archive(found, target) == archive


def test_the_usual_places_of_a_machine_exist():
    assert default_roots()
    assert all(root.is_dir() for root in default_roots())
