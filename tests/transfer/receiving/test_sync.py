import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_sender import NOW, Exchange, TinySender, make_tree, snapshot

from dwcp.errors import TransferRefusedError
from dwcp.transfer.protocol import Done, Keep
from dwcp.transfer.receiving import Destination


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A source, and a destination that has it."""
    source = make_tree(tmp_path / "tree", random.Random(7))
    destination = Destination(tmp_path / "there", now=NOW)
    Exchange(TinySender(source), destination).run()
    destination.close()
    return source, tmp_path / "there"


def _sync(source: Path, there: Path, **options: object) -> tuple[Exchange, Done]:
    destination = Destination(there, now=NOW)
    exchange = Exchange(TinySender(source, mode="sync", **options), destination, random.Random(2))  # type: ignore[arg-type]
    done = exchange.run()
    destination.close()
    assert list((there / ".dwcp" / "trash").iterdir()) == []
    assert list((there / ".dwcp" / "staging").iterdir()) == []
    return exchange, done


def _inodes(root: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_ino for path in root.rglob("*")}


@pytest.mark.parametrize("checksum", [False, True])
def test_nothing_changed(pair: tuple[Path, Path], checksum: bool) -> None:
    source, there = pair
    before = _inodes(there / "tree")
    exchange, done = _sync(source, there, checksum=checksum)
    assert exchange.sent == []
    assert (done.files_written, done.files_kept, done.bytes_written) == (0, 15, 0)
    assert exchange.sender.kept == (0 if checksum else 15)
    assert snapshot(there / "tree") == snapshot(source)
    assert _inodes(there / "tree") == before
    exchange, done = _sync(source, there)
    assert exchange.sender.kept == 15


def test_onto_nothing_it_is_a_fresh_copy(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "tree", random.Random(7))
    exchange, done = _sync(source, tmp_path / "there")
    assert exchange.incoming.has_nothing
    assert done.files_written == 15
    assert snapshot(tmp_path / "there" / "tree") == snapshot(source)


def _edit(source: Path, rng: random.Random) -> None:
    data = bytearray((source / "twice").read_bytes())
    data[2000:2010] = b"something else"
    (source / "twice").write_bytes(data)


def _touch(source: Path, rng: random.Random) -> None:
    os.utime(source / "twice", ns=(0, 5 * 10**17))
    (source / "thrice").chmod(0o700)
    os.utime(source / "dangling", ns=(0, 5 * 10**17), follow_symlinks=False)


def _rename(source: Path, rng: random.Random) -> None:
    (source / "twice").rename(source / "empty directory" / "moved")
    (source / "deep" / "er").rename(source / "er elsewhere")


def _replace_types(source: Path, rng: random.Random) -> None:
    shutil.rmtree(source / "deep" / "er")
    (source / "deep" / "er").write_bytes(b"a file where a directory was")
    (source / "twice").unlink()
    (source / "twice").mkdir()
    (source / "twice" / "inside").write_bytes(b"a directory where a file was")
    (source / "link").unlink()
    (source / "link").mkdir()
    (source / "thrice").unlink()
    (source / "thrice").symlink_to("a link where a file was")
    (source / "dangling").unlink()
    (source / "dangling").write_bytes(b"a file where a link was")
    (source / "empty directory").rmdir()
    (source / "empty directory").symlink_to("a link where a directory was")


def _relink(source: Path, rng: random.Random) -> None:
    (source / "link").unlink()
    (source / "link").symlink_to("deep")


def _add(source: Path, rng: random.Random) -> None:
    (source / "new" / "er").mkdir(parents=True)
    (source / "new" / "er" / "file").write_bytes(rng.randbytes(5000))
    (source / "new" / "copy").write_bytes((source / "twice").read_bytes())


def _remove(source: Path, rng: random.Random) -> None:
    shutil.rmtree(source / "deep")
    (source / "twice").unlink()
    (source / "link").unlink()


def _shrink_and_grow(source: Path, rng: random.Random) -> None:
    with (source / "twice").open("r+b") as file:
        file.truncate(1000)
    with (source / "thrice").open("ab") as file:
        file.write(rng.randbytes(3000))
    (source / "empty").write_bytes(b"not empty any more")


CHANGES: list[Callable[[Path, random.Random], None]] = [
    _edit, _touch, _rename, _replace_types, _relink, _add, _remove, _shrink_and_grow,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("checksum", [False, True])
def test_changes(
    pair: tuple[Path, Path], change: Callable[[Path, random.Random], None], checksum: bool
) -> None:
    source, there = pair
    change(source, random.Random(9))
    _, done = _sync(source, there, checksum=checksum, delete=True)
    assert snapshot(there / "tree") == snapshot(source)
    again, done = _sync(source, there, delete=True)
    assert again.sent == []
    assert (done.files_written, done.files_deleted) == (0, 0)
    assert again.sender.kept == done.files_kept
    assert snapshot(there / "tree") == snapshot(source)


@pytest.mark.parametrize("seed", range(8))
def test_many_changes_at_once(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    source = make_tree(tmp_path / "tree", rng)
    there = tmp_path / "there"
    _sync(source, there)
    for change in rng.sample(CHANGES, 3):
        try:
            change(source, rng)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, FileExistsError):
            continue  # an earlier change took what this one changes
    _sync(source, there, delete=True)
    assert snapshot(there / "tree") == snapshot(source)


def test_without_delete_what_the_source_does_not_have_stays(pair: tuple[Path, Path]) -> None:
    source, there = pair
    _remove(source, random.Random(1))
    _, done = _sync(source, there)
    assert done.files_deleted == 0
    assert (there / "tree" / "twice").exists()
    assert (there / "tree" / "deep" / "er").exists()


def test_what_moved_does_not_travel(pair: tuple[Path, Path]) -> None:
    source, there = pair
    _rename(source, random.Random(1))
    exchange, _ = _sync(source, there, delete=True)
    assert exchange.sent == []
    assert exchange.incoming.progress.chunks_wrong == 0


def test_only_what_changed_is_staged(pair: tuple[Path, Path]) -> None:
    source, there = pair
    before = _inodes(there / "tree")
    _edit(source, random.Random(1))
    exchange, done = _sync(source, there, checksum=True)
    after = _inodes(there / "tree")
    assert {path for path, inode in after.items() if before[path] != inode} == {str(there / "tree" / "twice")}
    assert done.files_written == 1
    assert done.bytes_written == (source / "twice").stat().st_size
    assert exchange.sent_bytes < 3000


def test_a_touched_file_is_kept_as_it_lies(pair: tuple[Path, Path]) -> None:
    source, there = pair
    before = _inodes(there / "tree")
    _touch(source, random.Random(1))
    exchange, done = _sync(source, there)
    assert (exchange.sent, done.files_written, done.files_kept) == ([], 0, 15)
    assert exchange.sender.kept == 13 + 1  # the mode alone does not make a file be read
    assert _inodes(there / "tree") == before
    assert snapshot(there / "tree") == snapshot(source)


def test_files_that_the_index_does_not_know_are_read_where_they_lie(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "tree", random.Random(7))
    there = tmp_path / "there"
    there.mkdir()
    shutil.copytree(source, there / "tree", symlinks=True)
    before = _inodes(there / "tree")
    _edit(source, random.Random(1))
    exchange, done = _sync(source, there)
    assert (done.files_written, done.files_kept) == (1, 14)
    assert exchange.sent_bytes < 3000
    assert {path for path, inode in _inodes(there / "tree").items() if before[path] != inode} == {
        str(there / "tree" / "twice")
    }
    assert snapshot(there / "tree") == snapshot(source)
    assert _sync(source, there)[0].sender.kept == 15


def test_a_flipped_byte_at_the_destination_is_found_with_checksum(pair: tuple[Path, Path]) -> None:
    source, there = pair
    old = (there / "tree" / "twice").stat()
    with (there / "tree" / "twice").open("r+b") as file:
        file.seek(2500)
        file.write(b"!")
    os.utime(there / "tree" / "twice", ns=(old.st_atime_ns, old.st_mtime_ns))
    _, done = _sync(source, there, checksum=True)
    assert snapshot(there / "tree") == snapshot(source)
    assert done.files_written == 1


def test_blocks_that_the_index_has_wrong_are_asked_for(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the system tells of a file is the same, and its content is not."""
    source, there = pair
    files = [path for path in sorted((there / "tree").rglob("file *")) if path.stat().st_size > 1000]
    for path in files:
        flipped = bytearray(path.read_bytes())
        flipped[500] ^= 1
        old = path.stat()
        path.chmod(0o600)
        path.write_bytes(flipped)
        path.chmod(old.st_mode & 0o777)
        os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    monkeypatch.setattr(
        "dwcp.transfer.receiving.facts.FileFacts.are_of",
        lambda facts, told: told is not None and facts.size_bytes == told.st_size,
    )
    exchange, done = _sync(source, there, checksum=True)
    assert snapshot(there / "tree") == snapshot(source)
    assert done.files_written == len(files)
    assert exchange.incoming.progress.chunks_wrong == len(files) == len(exchange.sent)


def test_a_file_that_is_not_what_listing_told_is_refused(pair: tuple[Path, Path]) -> None:
    source, there = pair
    destination = Destination(there, now=NOW)
    exchange = Exchange(TinySender(source, mode="sync"), destination)
    exchange.begin()
    (there / "tree" / "twice").write_bytes(b"changed meanwhile")
    with pytest.raises(TransferRefusedError, match="not the file any more"):
        exchange.catalogue()
    destination.close()
    assert (there / "tree" / "twice").read_bytes() == b"changed meanwhile"


def test_a_link_in_the_way_is_replaced_and_never_followed(pair: tuple[Path, Path], tmp_path: Path) -> None:
    source, there = pair
    outside = tmp_path / "outside"
    shutil.copytree(source / "deep", outside)
    (outside / "precious").write_bytes(b"must stay")
    before = snapshot(outside)
    shutil.rmtree(there / "tree" / "deep")
    (there / "tree" / "deep").symlink_to(outside)
    (there / "tree" / "twice").unlink()
    (there / "tree" / "twice").symlink_to(outside / "precious")
    _sync(source, there, delete=True)
    assert snapshot(there / "tree") == snapshot(source)
    assert snapshot(outside) == before


def test_a_root_that_is_a_link_is_replaced(pair: tuple[Path, Path], tmp_path: Path) -> None:
    source, there = pair
    (there / "tree").rename(tmp_path / "elsewhere")
    (there / "tree").symlink_to(tmp_path / "elsewhere")
    before = snapshot(tmp_path / "elsewhere")
    _, _ = _sync(source, there, delete=True)
    assert not (there / "tree").is_symlink()
    assert snapshot(there / "tree") == snapshot(source)
    assert snapshot(tmp_path / "elsewhere") == before


def test_a_file_as_root(tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_bytes(random.Random(1).randbytes(30_000))
    _sync(source, tmp_path / "there")
    data = bytearray(source.read_bytes())
    data[15_000] ^= 1
    source.write_bytes(data)
    exchange, _ = _sync(source, tmp_path / "there")
    assert exchange.sent_bytes < 3000
    assert (tmp_path / "there" / "file").read_bytes() == data
    again, _ = _sync(source, tmp_path / "there")
    assert again.sender.kept == 1
    assert any(isinstance(record, Keep) for record in again.sender.records())


def test_delete_reaches_deep_and_locked_trees_but_not_through_links(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    source, there = pair
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"must stay")
    deep = there / "tree" / "extra"
    for each in range(600):
        deep = deep / "abc"[each % 3]
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"goes")
    (there / "tree" / "extra" / "link").symlink_to(outside)
    os.mkfifo(there / "tree" / "extra" / "pipe")
    (there / "tree" / "deep" / "locked").mkdir(mode=0o000)
    _, done = _sync(source, there, delete=True)
    assert done.files_deleted == 3
    assert snapshot(there / "tree") == snapshot(source)
    assert (outside / "precious").read_bytes() == b"must stay"


def test_a_changed_chunking_reads_the_old_files_again(pair: tuple[Path, Path]) -> None:
    from dwcp.blocks import Chunking

    source, there = pair
    exchange, done = _sync(source, there, chunking=Chunking(128, 512, 2048))
    assert exchange.sender.kept == 0
    assert (exchange.sent, done.files_kept) == ([], 15)
    exchange, done = _sync(source, there, chunking=Chunking(128, 512, 2048))
    assert exchange.sender.kept == 15


def test_directories_that_others_replaced_between_sessions(pair: tuple[Path, Path]) -> None:
    """What was open is looked for again."""
    source, there = pair
    destination = Destination(there, now=NOW)
    for number in range(3):
        (source / "deep" / "er" / "changed").write_bytes(b"%d" % number * 1000)
        Exchange(TinySender(source, mode="sync"), destination).run()
        assert snapshot(there / "tree") == snapshot(source)
        shutil.rmtree(there / "tree" / "deep")
    destination.close()
