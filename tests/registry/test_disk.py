import os

import pytest

from dwcp.errors import StorageError
from dwcp.registry._disk import storage_errors, write_file


def test_every_byte_is_written_however_little_the_system_takes_at_a_time(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, content: real(handle, content[:3]))
    write_file(tmp_path / "file", b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_a_file_that_stands_is_not_written(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_what_the_system_says_becomes_one_sentence(tmp_path):
    with pytest.raises(StorageError) as refusal, storage_errors(tmp_path):
        raise PermissionError(13, "Permission denied")
    assert str(refusal.value).startswith(f"{tmp_path} cannot be written (Permission denied): free space")
    assert isinstance(refusal.value.__cause__, PermissionError)
