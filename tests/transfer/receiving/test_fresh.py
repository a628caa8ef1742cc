import os
import random
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_sender import NOW, Exchange, TinySender, make_tree, snapshot

from dwcp.blocks import ZERO_RUN_BYTES
from dwcp.errors import TransferRefusedError
from dwcp.transfer.receiving import Destination, ReceivingOptions


@pytest.mark.parametrize("threads", [0, 3])
@pytest.mark.parametrize("framed", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_a_fresh_copy_is_the_same_in_every_respect(
    tmp_path: Path, threads: int, framed: bool, seed: int
) -> None:
    rng = random.Random(seed)
    source = make_tree(tmp_path / "source" / "tree", rng)
    destination = Destination(tmp_path / "there", now=NOW)
    exchange = Exchange(
        TinySender(source), destination, rng, batch=rng.choice([1, 7, 10_000]), threads=threads, framed=framed
    )
    done = exchange.run()
    assert exchange.incoming.has_nothing
    assert snapshot(tmp_path / "there" / "tree") == snapshot(source)
    assert (done.files_written, done.files_kept, done.files_deleted) == (15, 0, 0)
    assert done.bytes_written == exchange.sender.plain_bytes
    assert len(exchange.sent) == len(set(exchange.sender.ids))
    assert exchange.incoming.progress.bytes_received == exchange.sent_bytes
    assert list((tmp_path / "there" / ".dwcp" / "staging").iterdir()) == []
    destination.close()


def _exchange(source: Path, there: Path, **options: object) -> Exchange:
    return Exchange(TinySender(source), Destination(there, now=NOW), **options)  # type: ignore[arg-type]


def _same_after_copy(source: Path, there: Path) -> Exchange:
    exchange = _exchange(source, there)
    exchange.run()
    assert snapshot(there / source.name) == snapshot(source)
    exchange.destination.close()
    return exchange


@pytest.mark.parametrize(
    "content", [b"", b"x", b"long" * 5000, bytes(ZERO_RUN_BYTES), bytes(ZERO_RUN_BYTES) + b"x"]
)
def test_the_root_may_be_a_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    (tmp_path / "file").chmod(0o640)
    os.utime(tmp_path / "file", ns=(0, 10**18 + 7))
    _same_after_copy(tmp_path / "file", tmp_path / "there")


def test_the_root_may_be_a_link_or_an_empty_directory(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "directory").mkdir(mode=0o711)
    _same_after_copy(tmp_path / "link", tmp_path / "there")
    _same_after_copy(tmp_path / "directory", tmp_path / "there")
    assert (tmp_path / "there" / "link").is_symlink()


@pytest.mark.parametrize(
    "name",
    [b"\xff\xfe not utf-8", b"new\nline", b"n" * 255, b" ", b"-rf", "ünï ☃".encode(), b"a\\b", b"\x01\x7f"],
)
def test_names_are_bytes(tmp_path: Path, name: bytes) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / os.fsdecode(name)).mkdir()
    (source / os.fsdecode(name) / os.fsdecode(name)).write_bytes(b"content")
    (source / "z link").symlink_to(os.fsdecode(name))
    _same_after_copy(source, tmp_path / "there")


def test_a_deep_tree(tmp_path: Path) -> None:
    deep = tmp_path / "source" / "/".join("abcd"[each % 4] for each in range(150))
    deep.mkdir(parents=True)
    (deep / "bottom").write_bytes(b"of it all")
    _same_after_copy(tmp_path / "source", tmp_path / "there")


def test_zero_runs_become_holes(tmp_path: Path) -> None:
    source = tmp_path / "sparse"
    with source.open("wb") as file:
        file.write(b"begin")
        file.seek(5 * ZERO_RUN_BYTES + 100)
        file.write(b"middle")
        file.truncate(9 * ZERO_RUN_BYTES + 17)
    _same_after_copy(source, tmp_path / "there")
    assert (tmp_path / "there" / "sparse").stat().st_blocks * 512 <= 3 * ZERO_RUN_BYTES


def test_zeros_that_are_no_run_are_written(tmp_path: Path) -> None:
    (tmp_path / "zeros").write_bytes(bytes(200_000) + b"x")
    exchange = _same_after_copy(tmp_path / "zeros", tmp_path / "there")
    assert exchange.sent_bytes < 20_000  # one chunk of zeros, the rest of them are repeats of it


@pytest.mark.parametrize("mode", [0o000, 0o222, 0o4755, 0o2711, 0o7777])
@pytest.mark.parametrize("keep_special", [False, True])
def test_modes(tmp_path: Path, mode: int, keep_special: bool) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_bytes(b"content")
    (source / "directory").mkdir()
    for path in (source / "file", source / "directory"):
        path.chmod(mode)
    there = tmp_path / "there"
    destination = Destination(there, ReceivingOptions(keep_special=keep_special), now=NOW)
    exchange = Exchange(TinySender(source), destination)
    exchange.run()
    destination.close()
    assert exchange.incoming.special_dropped == (2 if mode & 0o7000 and not keep_special else 0)
    for path in (there / "source" / "file", there / "source" / "directory"):
        assert stat.S_IMODE(path.stat().st_mode) == mode & (0o7777 if keep_special else 0o777)


def test_times_before_1970_and_far_ahead(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name, time_ns in (("old", -(10**18)), ("new", 4 * 10**18), ("odd", 123_456_789)):
        (source / name).write_bytes(b"content")
        os.utime(source / name, ns=(0, time_ns))
    _same_after_copy(source, tmp_path / "there")


def test_several_roots_share_what_they_have_in_common(tmp_path: Path) -> None:
    rng = random.Random(5)
    first = make_tree(tmp_path / "first", rng)
    shutil.copytree(first, tmp_path / "second", symlinks=True)
    (tmp_path / "second" / "more").write_bytes(rng.randbytes(3000))
    _same_after_copy(first, tmp_path / "there")
    exchange = _same_after_copy(tmp_path / "second", tmp_path / "there")
    assert not exchange.incoming.has_nothing
    assert exchange.sent_bytes == 3000


def test_an_existing_root_is_refused(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "tree", random.Random(1))
    _same_after_copy(source, tmp_path / "there")
    destination = Destination(tmp_path / "there", now=NOW)
    with pytest.raises(TransferRefusedError, match="use sync") as raised:
        destination.begin(TinySender(source).offer(), print)
    assert isinstance(raised.value.__cause__, FileExistsError)
    destination.close()


def test_a_root_that_comes_to_exist_meanwhile_is_not_touched(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "tree", random.Random(1))
    exchange = _exchange(source, tmp_path / "there")
    exchange.begin()
    exchange.catalogue()
    exchange.finish()
    (tmp_path / "there" / "tree").mkdir()
    with pytest.raises(TransferRefusedError, match="meanwhile"):
        exchange.commit()
    assert list((tmp_path / "there" / "tree").iterdir()) == []
    (tmp_path / "there" / "tree").rmdir()
    again = Exchange(TinySender(source), exchange.destination)
    again.run()
    assert again.sent == []
    assert snapshot(tmp_path / "there" / "tree") == snapshot(source)
    exchange.destination.close()


def test_unwritable_directories_as_an_ordinary_user() -> None:
    """Run where root's rights do not help."""
    code = f"""
import os, sys, tempfile
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from tiny_sender import *
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
folder = tempfile.TemporaryDirectory()
work = Path(folder.name)
source = work / "source"
for each in ("a/b/c", "a/d"):
    (source / each).mkdir(parents=True)
    (source / each / "file").write_bytes(b"content " * 500)
    os.chmod(source / each / "file", 0o400)
def lock(mode):
    for each in ("a/b/c", "a/b", "a/d", "a/e", "a", "."):
        if (source / each).exists():
            os.chmod(source / each, mode)
lock(0o500)
there = work / "there"
destination = Destination(there, now=NOW)
Exchange(TinySender(source), destination).run()
assert snapshot(there / "source") == snapshot(source)
for each in (".", "a", "a/b", "a/b/c", "a/d"):
    os.chmod(source / each, 0o700)
(source / "a/b/c/file").unlink()
(source / "a/b/c").rmdir()
(source / "a/b/new").write_bytes(b"new")
os.rename(source / "a/d", source / "a/e")
lock(0o500)
done = Exchange(TinySender(source, mode="sync", delete=True), destination).run()
assert snapshot(there / "source") == snapshot(source)
assert done.files_deleted == 2, done
destination.close()
for each in (".", "a", "a/b", "a/e"):
    os.chmod(source / each, 0o700)
for path in [there / "source", *(there / "source").rglob("*")]:
    if path.is_dir():
        path.chmod(0o700)
folder.cleanup()
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60, cwd="/")
