"""The walk: order, what is left out, depth, and directories of any size."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.transfer.sending import walk as walk_module
from dwcp.transfer.sending.sorting import sorted_names
from dwcp.transfer.sending.source import Source
from dwcp.transfer.sending.walk import FoundKind, Loss, walk

NAMES = st.binary(min_size=1, max_size=20).filter(lambda name: b"/" not in name and b"\0" not in name)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def walked(root: Path) -> tuple[list[tuple[FoundKind, bytes]], list[tuple[bytes, str, Loss]]]:
    source, skipped = Source(root), []
    try:
        steps = walk(source, lambda path, reason, loss: skipped.append((path, reason, loss)))
        return [(step.kind, step.path) for step in steps], skipped
    finally:
        source.close()


@settings(deadline=None, max_examples=25)
@given(st.sets(NAMES, min_size=1, max_size=30))
def test_names_are_sorted_as_bytes_however_few_fit_in_memory(
    tmp_path_factory: pytest.TempPathFactory, names: set[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("names")
    for name in names - {b".", b".."}:
        (folder / os.fsdecode(name)).touch()
    fd = os.open(folder, os.O_RDONLY)
    expected = sorted(names - {b".", b".."})
    for run_names in (1, 3, 1000):
        assert list(sorted_names(fd, run_names)) == expected
    os.close(fd)


def test_directories_come_before_what_is_in_them_in_the_order_of_bytes(tmp_path: Path) -> None:
    for path in ("b", "a/z", "a/y", "a.b", "a/q/r"):
        file = tmp_path / "t" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    (tmp_path / "t" / "link").symlink_to("a")
    steps, skipped = walked(tmp_path / "t")
    directory, end, file_, link = FoundKind.DIRECTORY, FoundKind.END, FoundKind.FILE, FoundKind.SYMLINK
    assert steps == [
        (directory, b"t"),
        (directory, b"t/a"),
        (directory, b"t/a/q"),
        (file_, b"t/a/q/r"),
        (end, b"t/a/q"),
        (file_, b"t/a/y"),
        (file_, b"t/a/z"),
        (end, b"t/a"),
        (file_, b"t/a.b"),
        (file_, b"t/b"),
        (link, b"t/link"),
        (end, b"t"),
    ]
    assert skipped == []


def test_depth_costs_no_open_files(tmp_path: Path) -> None:
    deepest = tmp_path
    for _ in range(300):
        deepest /= "d"
    deepest.mkdir(parents=True)
    (deepest / "f").write_bytes(b"x")
    source = Source(tmp_path / "d")
    before, most = open_files(), 0
    for _ in walk(source, lambda *_: None):
        most = max(most, open_files())
    assert most <= before + 3
    source.close()


def test_what_lies_too_deep_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk_module, "MAX_DEPTH", 3)
    (tmp_path / "a" / "b" / "c" / "d").mkdir(parents=True)
    steps, skipped = walked(tmp_path / "a")
    assert (FoundKind.DIRECTORY, b"a/b/c") in steps
    assert skipped == [(b"a/b/c/d", "it lies too deep", Loss.UNREADABLE)]


def test_what_is_never_sent_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    steps, skipped = walked(tmp_path)
    assert [kind for kind, _ in steps] == [FoundKind.DIRECTORY, FoundKind.END]
    assert [(reason, loss) for _, reason, loss in skipped] == [("it is a pipe", Loss.NOTHING)]


def test_a_directory_that_is_replaced_meanwhile_is_not_gone_on_with(tmp_path: Path) -> None:
    tree = tmp_path / "t"
    (tree / "in" / "deeper").mkdir(parents=True)
    (tree / "in" / "z").write_bytes(b"x")
    source, skipped, seen = Source(tree), [], []
    for step in walk(source, lambda *told: skipped.append(told)):
        seen.append((step.kind, step.path))
        if step.path == b"t/in/deeper" and step.kind is FoundKind.DIRECTORY:
            (tree / "in").rename(tree / "was")
            (tree / "in").symlink_to("/etc")
    assert (FoundKind.FILE, b"t/in/z") not in seen
    assert skipped[0][0] == b"t/in"
    assert skipped[0][2] is Loss.UNREADABLE
    assert seen[-1] == (FoundKind.END, b"t")
    source.close()


def test_a_directory_that_vanishes_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t" / "gone").mkdir(parents=True)
    opened = os.open

    def vanish(path: bytes, *args: int, **more: int) -> int:
        if path == b"gone":
            (tmp_path / "t" / "gone").rmdir()
        return opened(path, *args, **more)

    monkeypatch.setattr(os, "open", vanish)
    steps, skipped = walked(tmp_path / "t")
    assert len(steps) == 2
    assert skipped == [(b"t/gone", "it vanished", Loss.NOTHING)]


def test_a_walk_that_is_not_finished_leaves_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    source = Source(tmp_path / "a")
    before = open_files()
    steps = walk(source, lambda *_: None)
    next(steps)
    next(steps)
    steps.close()
    assert open_files() == before
    source.close()
