"""What a crash leaves in a folder is never an object, and is swept."""

import os
from pathlib import Path

import pytest

from dwcp.errors import ObjectNotFoundError, StorageError, StoreLockedError
from dwcp.storage.backends import FolderBackend


def incoming(backend: FolderBackend) -> list[Path]:
    return list((backend.path / ".incoming").iterdir())


def test_leftovers_are_not_listed_and_are_swept(tmp_path: Path) -> None:
    backend = FolderBackend(tmp_path)
    backend.put("packs/a", b"whole")
    (tmp_path / ".incoming" / "0123").write_bytes(b"half")
    (tmp_path / "notes.txt").write_bytes(b"a person's own")
    assert backend.names() == ["packs/a"]
    backend.lock_writer().release()
    assert incoming(backend) == []
    assert (tmp_path / "notes.txt").exists()


@pytest.mark.parametrize("step", ["fsync", "write", "rename"])
def test_a_failing_put_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    backend = FolderBackend(tmp_path)
    backend.put("a", b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path if step == "rename" else os, step, fail)
    with pytest.raises(StorageError, match="no space left") as caught:
        backend.put("a", b"new, and longer")
    monkeypatch.undo()
    assert caught.value.retryable
    assert (backend.get("a"), incoming(backend)) == (b"old", [])


def test_the_file_is_synced_before_it_is_renamed_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = FolderBackend(tmp_path)
    backend.put("folder/first", b"")
    done = []
    sync, rename = os.fsync, Path.rename

    def noted_sync(fd: int) -> None:
        done.append(f"sync {Path(f'/proc/self/fd/{fd}').readlink().parent.name or '/'}")
        sync(fd)

    def noted_rename(self: Path, target: Path) -> Path:
        done.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    backend.put("folder/second", b"x")
    assert done == ["sync .incoming", "rename", f"sync {tmp_path.name}"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    backend = FolderBackend(tmp_path / "store")
    backend.put("a", b"")
    (backend.path / "link").symlink_to(tmp_path / "outside")
    assert backend.names() == ["a"]
    with pytest.raises(StorageError):
        backend.get("link")


def test_the_lock_says_where(tmp_path: Path) -> None:
    backend = FolderBackend(tmp_path)
    lock = backend.lock_writer()
    with pytest.raises(StoreLockedError, match=f"writing to the store {tmp_path}"):
        FolderBackend(tmp_path).lock_writer()
    lock.release()


def test_reading_makes_nothing(tmp_path: Path) -> None:
    backend = FolderBackend(tmp_path / "none")
    assert backend.names() == []
    with pytest.raises(ObjectNotFoundError):
        backend.get("a")
    assert not backend.path.exists()
