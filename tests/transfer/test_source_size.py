"""What a folder holds, counted beside a transfer."""

import os

import pytest

from dwcp.transfer import source_size
from dwcp.transfer.source_size import SourceSize

PATIENCE_S = 60.0


def counted(path, **options):
    size = SourceSize(path, **options)
    size.begin()
    size.wait(PATIENCE_S)
    return size.total_bytes


def test_files_are_added_up_and_nothing_else(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "deep" / "one").write_bytes(bytes(1000))
    (tmp_path / "deep" / "er" / "two").write_bytes(bytes(234))
    (tmp_path / "deep" / "empty").touch()
    (tmp_path / "outside" / "three").write_bytes(bytes(5000))
    (tmp_path / "deep" / "out").symlink_to(tmp_path / "outside")
    (tmp_path / "deep" / "to three").symlink_to(tmp_path / "outside" / "three")
    os.mkfifo(tmp_path / "deep" / "pipe")
    assert counted(tmp_path / "deep") == 1234


@pytest.mark.parametrize("kind", ["file", "link", "missing"])
def test_of_anything_but_a_folder_nothing_is_counted(tmp_path, kind):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path)
    assert counted(tmp_path / kind) is None


def test_what_vanishes_meanwhile_is_not_counted(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    (tmp_path / "file").write_bytes(b"x")
    scan = os.scandir

    def scandir(path):
        if path.endswith("gone"):
            raise FileNotFoundError
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert counted(tmp_path) == 1


def test_a_very_large_folder_is_given_up(tmp_path):
    for name in "abc":
        (tmp_path / name).write_bytes(b"x")
    assert counted(tmp_path, most_entries=3) == 3
    assert counted(tmp_path, most_entries=2) is None


def test_it_can_be_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(source_size, "_ENTRIES_AT_ONCE", 1)
    monkeypatch.setattr(source_size, "_REST_S", PATIENCE_S)
    (tmp_path / "a").write_bytes(b"x")
    size = SourceSize(tmp_path)
    size.begin()
    size.stop()
    size.wait(PATIENCE_S)
    assert size.total_bytes is None
