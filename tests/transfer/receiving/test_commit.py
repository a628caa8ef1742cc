"""Killing the receiver at every change it makes to the file system."""

import os
import random
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from tiny_sender import NOW, Exchange, TinySender, make_tree, snapshot

from dwcp.errors import StorageError, TransferRefusedError
from dwcp.transfer.receiving import Destination, Disk, ReceivingOptions

CHANGING = [
    "create",
    "write",
    "truncate",
    "make_directory",
    "make_symlink",
    "rename",
    "remove",
    "remove_directory",
    "finish",
    "set_mode",
    "set_time",
    "flush",
]


class FailingDisk(Disk):
    """Dies at the nth change, and does nothing from then on."""

    def __init__(self, survives: int) -> None:
        self.left = survives
        self.lock = threading.Lock()

    def __getattribute__(self, name: str) -> Any:
        if name in CHANGING:
            with self.lock:
                self.left -= 1
                if self.left < 0:
                    self.die(name)
        return super().__getattribute__(name)

    def die(self, name: str) -> None:
        raise StorageError(f"killed at {name}")


class KillingDisk(FailingDisk):
    """Takes the whole process with it."""

    def die(self, name: str) -> None:  # noqa: ARG002
        os._exit(9)


def _small_tree(root: Path) -> Path:
    rng = random.Random(3)
    (root / "d" / "e").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "a").write_bytes(rng.randbytes(2500))
    (root / "d" / "b").write_bytes(rng.randbytes(600))
    (root / "d" / "e" / "c").write_bytes(rng.randbytes(300))
    (root / "d" / "nothing").touch()
    (root / "link").symlink_to("d")
    (root / "same").write_bytes((root / "a").read_bytes())
    (root / "d" / "e").chmod(0o500)
    os.utime(root / "d", ns=(0, 10**18))
    return root


def _change(source: Path) -> None:
    (source / "d" / "e").chmod(0o700)
    shutil.rmtree(source / "empty")
    (source / "empty").write_bytes(b"a file now")
    (source / "link").unlink()
    (source / "link").mkdir()
    (source / "link" / "inside").write_bytes(b"a directory now")
    (source / "d" / "b").unlink()
    (source / "d" / "e" / "c").rename(source / "moved")
    data = bytearray((source / "a").read_bytes())
    data[100] ^= 1
    (source / "a").write_bytes(data)
    (source / "same").chmod(0o755)


def _exchange(source: Path, there: Path, disk: Disk, mode: str) -> None:
    destination = Destination(there, ReceivingOptions(durable=False), now=NOW, disk=disk)
    try:
        Exchange(TinySender(source, mode=mode, delete=True), destination, random.Random(1)).run()
    finally:
        destination.close()


def _dies(source: Path, there: Path, survives: int, mode: str) -> bool:
    """Whether that many changes were too few: how many it takes depends on how the threads take turns."""
    try:
        _exchange(source, there, FailingDisk(survives), mode)
    except StorageError:
        return True
    return False


def _survives_all(source: Path, there: Path, mode: str) -> int:
    disk = FailingDisk(10**6)
    _exchange(source, there, disk, mode)
    return 10**6 - disk.left


def _check_after(source: Path, there: Path, before: dict[bytes, tuple[object, ...]], mode: str) -> None:
    """Opening the folder leaves the old state or the new one, nothing between; then it goes on."""
    destination = Destination(there, now=NOW)
    wanted = snapshot(source)
    found = snapshot(there / source.name) if (there / source.name).exists() else {}
    assert found in (before, wanted)
    if found != wanted:
        Exchange(TinySender(source, mode=mode, delete=True), destination, random.Random(2)).run()
    else:
        again = Exchange(TinySender(source, mode="sync", delete=True), destination, random.Random(2))
        assert again.run().files_written == 0
        assert again.sent == []
    assert snapshot(there / source.name) == wanted
    assert list((there / ".dwcp" / "staging").iterdir()) == []
    assert list((there / ".dwcp" / "trash").iterdir()) == []
    destination.close()


@pytest.mark.parametrize("part", range(4))
def test_a_fresh_copy_that_fails_at_any_step(tmp_path: Path, part: int) -> None:
    source = _small_tree(tmp_path / "tree")
    steps = _survives_all(source, tmp_path / "whole", "send")
    assert steps > 30
    for survives in range(part, steps, 4):
        there = tmp_path / f"there {survives}"
        assert _dies(source, there, survives, "send") or survives > steps - 8
        _check_after(source, there, {}, "send")


@pytest.mark.parametrize("part", range(4))
def test_a_sync_that_fails_at_any_step(tmp_path: Path, part: int) -> None:
    source = _small_tree(tmp_path / "tree")
    _exchange(source, tmp_path / "first", Disk(), "send")
    before = snapshot(source)
    _change(source)
    shutil.copytree(tmp_path / "first", tmp_path / "whole", symlinks=True)
    steps = _survives_all(source, tmp_path / "whole", "sync")
    assert steps > 30
    for survives in range(part, steps, 4):
        there = tmp_path / f"there {survives}"
        shutil.copytree(tmp_path / "first", there, symlinks=True)
        assert _dies(source, there, survives, "sync") or survives > steps - 8
        _check_after(source, there, before, "sync")


@pytest.mark.parametrize("mode", ["send", "sync"])
def test_a_killed_process(tmp_path: Path, mode: str) -> None:
    source = _small_tree(tmp_path / "tree")
    before: dict[bytes, tuple[object, ...]] = {}
    if mode == "sync":
        _exchange(source, tmp_path / "first", Disk(), "send")
        before = snapshot(source)
        _change(source)
    else:
        (tmp_path / "first").mkdir()
    shutil.copytree(tmp_path / "first", tmp_path / "whole", symlinks=True)
    steps = _survives_all(source, tmp_path / "whole", mode)
    for survives in range(1, steps, 5):
        there = tmp_path / f"there {survives}"
        shutil.copytree(tmp_path / "first", there, symlinks=True)
        child = os.fork()
        if not child:
            _exchange(source, there, KillingDisk(survives), mode)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 9 or survives > steps - 8
        _check_after(source, there, before, mode)


def test_a_commit_whose_place_was_taken_while_it_was_down(tmp_path: Path) -> None:
    source = _small_tree(tmp_path / "tree")
    there = tmp_path / "there"
    steps = _survives_all(source, tmp_path / "whole", "send")
    for survives in range(steps - 1, 0, -1):
        shutil.rmtree(there, ignore_errors=True)
        if _dies(source, there, survives, "send") and not (there / "tree").exists():
            break
    (there / "tree").write_bytes(b"somebody's")
    destination = Destination(there, now=NOW)
    assert "meanwhile" in destination.notes[0]
    assert (there / "tree").read_bytes() == b"somebody's"
    with pytest.raises(TransferRefusedError, match="exists"):
        Exchange(TinySender(source), destination).run()
    (there / "tree").unlink()
    exchange = Exchange(TinySender(source), destination)
    exchange.run()
    assert exchange.sent == []
    assert snapshot(there / "tree") == snapshot(source)
    destination.close()


def test_the_disk_is_flushed_before_and_after(tmp_path: Path) -> None:
    calls: list[str] = []

    class RecordingDisk(Disk):
        def flush(self, directory: int) -> None:
            calls.append("flush")
            super().flush(directory)

        def rename(self, name: bytes, directory: int, new_name: bytes, new_directory: int) -> None:
            if new_name == b"tree":
                calls.append("rename")
            super().rename(name, directory, new_name, new_directory)

    source = make_tree(tmp_path / "tree", random.Random(1))
    destination = Destination(tmp_path / "there", now=NOW, disk=RecordingDisk())
    Exchange(TinySender(source), destination).run()
    destination.close()
    assert calls == ["flush", "rename", "flush"]
