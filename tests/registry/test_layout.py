from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.errors import ArtifactNotFoundError, InputError, RegistryError
from dwcp.registry.layout import TaskFolder, parse_version, task_folder, task_folders

NUMBERS = st.integers(min_value=0, max_value=10**6)


@given(st.tuples(NUMBERS, NUMBERS, NUMBERS))
def test_versions_are_read_as_numbers(numbers):
    assert parse_version(".".join(map(str, numbers))) == numbers


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "1.2.3.4", "v1.2.3", "01.2.3", "1.2.-3", "1.2.3\n", "1.2.٣", "../1"]
)
def test_what_is_no_version_is_refused(text):
    with pytest.raises(InputError, match="is not a version"):
        parse_version(text)


def test_versions_sort_by_number_and_strangers_are_passed_over(tmp_path):
    for name in ("1.10.0", "1.9.0", "0.1.0", ".staging", "notes", "2.0"):
        (tmp_path / "dedup" / name).mkdir(parents=True)
    (tmp_path / "dedup" / "latest").symlink_to("1.10.0")
    (tmp_path / "dedup" / "3.0.0").symlink_to("1.10.0")
    (tmp_path / "dedup" / "4.0.0").write_text("a file")
    assert TaskFolder(tmp_path, "dedup").versions() == ("0.1.0", "1.9.0", "1.10.0")


def test_tasks_are_folders_with_a_version(tmp_path):
    for name in ("dedup/1.0.0", "bandwidth/1.0.0", "empty", "Upper/1.0.0", ".hidden/1.0.0"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "readme").write_text("a file")
    assert [folder.task for folder in task_folders(tmp_path)] == ["bandwidth", "dedup"]


@pytest.mark.parametrize("task", ["gossip", "empty", "", "..", "../elsewhere/dedup", "dedup/../dedup", "/"])
def test_an_unknown_task_is_not_found_and_the_known_ones_are_listed(tmp_path, task):
    (tmp_path / "here" / "dedup" / "1.0.0").mkdir(parents=True)
    (tmp_path / "here" / "empty").mkdir()
    (tmp_path / "elsewhere" / "dedup" / "1.0.0").mkdir(parents=True)
    with pytest.raises(ArtifactNotFoundError, match=r"it holds dedup$"):
        task_folder(tmp_path / "here", task)


def test_a_folder_that_cannot_be_read_is_one_sentence(tmp_path, monkeypatch):
    def refuse(_folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    for ask in (task_folders, lambda root: task_folder(root, "dedup")):
        with pytest.raises(RegistryError, match=r"cannot be read \(Permission denied\)"):
            ask(tmp_path)


def test_no_registry_at_all_holds_nothing_yet(tmp_path):
    assert task_folders(tmp_path / "none") == ()
    with pytest.raises(ArtifactNotFoundError, match="nothing yet"):
        task_folder(tmp_path / "none", "dedup")
