import json
import os
import shutil
import sys
import time
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from dwcp.cli.demo.transfer import route, transfer
from dwcp.cli.demo.transfer.files import MOST_FILE_BYTES, difference, edit, lay_out
from dwcp.cli.demo.transfer.pair import Ended
from dwcp.cli.demo.transfer.route import SHAPE, Route
from dwcp.errors import InputError, StorageError
from dwcp.registry import Registry
from dwcp.simulate.shaped_link import LinkEnd, ShapedLink

WHY = "network namespaces need root"
HERE = Route(None, WHY)


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Where temporary folders are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def files(tmp_path):
    """Sixty files by name, in folders of tens."""
    folder = tmp_path / "given"
    for number in range(60):
        path = folder / f"d{number // 10}" / f"f{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d, " % number * 500)
    return {f"{path.parent.name}/{path.name}": path for path in sorted(folder.rglob("*.txt"))}


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "registry")


@pytest.fixture
def with_champion(registry, monkeypatch):
    monkeypatch.setattr(Registry, "aliases", lambda *_: {"champion": "1.0.0", "latest": "1.0.1"})
    return registry


@pytest.fixture
def no_link(monkeypatch):
    monkeypatch.setattr(route, "available", lambda: WHY)


@pytest.fixture
def linked(monkeypatch):
    """A machine that makes links; gives what became of them."""
    seen = []

    @contextmanager
    def link(shape):
        seen.append("made")
        try:
            yield ShapedLink(LinkEnd("near", "10.0.0.1"), LinkEnd("far", "10.0.0.2"), shape)
        finally:
            seen.append("removed")

    bytes_so_far = count(0, 1000)
    monkeypatch.setattr(route, "available", lambda: None)
    monkeypatch.setattr(route, "shaped_link", link)
    monkeypatch.setattr(LinkEnd, "sent_bytes", lambda _: next(bytes_so_far))
    return seen


class Host:
    """Runs no processes: a sender copies its folder at once, unless told otherwise.

    Args:
        sender: what each sender ends with instead, or None to have it still run; in order.
        spoil: done to each copy.
        takes_s: seconds that each transfer takes.
    """

    def __init__(self, *sender, spoil=bool, takes_s=0.0):
        self.sender, self.spoil, self.takes_s = list(sender), spoil, takes_s
        self.started, self.ended, self.now = [], [], 0.0

    def __call__(self, words, environment, log):
        self.started.append((list(words), dict(environment)))
        assert log.parent.is_dir()
        return Process(self, list(words))

    def clock(self):
        return self.now


class Process:
    def __init__(self, host, words):
        self.host, self.words = host, words
        self.receives = "receive" in words
        if self.receives:
            host.destination = Path(words[words.index("receive") + 1])

    def first_line(self, _until_s):
        return '{"event": "listening", "address": "127.0.0.1:4711"}'

    def wait(self, _until_s):
        if self.receives:
            return Ended(0, '{"event": "listening"}\n{"event": "received", "bytes_written": 1000}\n', "")
        assert self.words[-1] == "127.0.0.1:4711"
        self.host.now += self.host.takes_s
        if self.host.sender:
            ends = self.host.sender.pop(0)
            if isinstance(ends, BaseException):
                raise ends
            if not callable(ends):
                return ends
        copy = self.host.destination / "files"
        shutil.copytree(self.words[-2], copy, dirs_exist_ok=True)
        self.host.spoil(copy)
        told = {"seconds": 1.5, "plain_bytes": 1000, "wire_bytes": 400, "files_written": 60, "files_kept": 0}
        told["codecs"] = {"lz4": 100, "none": 900}
        return Ended(0, json.dumps(told, indent=2), "")

    def end(self):
        self.host.ended.append(self)


def as_usual():
    """In the place of what a sender ends with."""


def verbs(host):
    return [next(word for word in words if word in ("send", "sync")) for words, _ in host.started[1::2]]


def no_progress(share, words):
    assert 0 <= share <= 1


# All of it, without processes.


def test_three_ways_and_an_update_side_by_side(files, with_champion, linked):
    host = Host()
    done = transfer(files, with_champion, host.clock, no_progress, host)
    assert done.problems == []
    assert [(run.way.verb, run.way.title) for run in done.runs] == [
        ("send", "selector 1.0.0"),
        ("send", "not compressed"),
        ("send", "fallback"),
        ("sync", "selector 1.0.0"),
    ]
    assert (done.shape, done.why_loopback, done.laid.files) == (SHAPE, "", 60)
    assert (done.edited.files, done.edited.inserted_bytes) == (3, 42)
    first = done.copies[0]
    assert (first.seconds, first.plain_bytes, first.wire_bytes, first.files_written) == (1.5, 1000, 400, 60)
    assert first.link_bytes == 4000
    assert list(done.copies[2].codecs.items()) == [("none", 900), ("lz4", 100)]
    options = [
        words[words.index(verb) + 1 : -3]
        for (words, _), verb in zip(host.started[1::2], verbs(host), strict=True)
    ]
    assert options == [
        ["--registry", str(with_champion.root)],
        ["--codec", "none"],
        ["--no-model"],
        ["--registry", str(with_champion.root)],
    ]


def test_each_copy_is_new_with_state_of_its_own_and_the_update_goes_to_the_first(files, registry, linked):
    host = Host()
    transfer(files, registry, host.clock, no_progress, host)
    destinations = [words[words.index("receive") + 1] for words, _ in host.started[::2]]
    assert destinations[-1] == destinations[0]
    assert len(set(destinations)) == 2
    homes = [words[words.index("--home") + 1] for words, _ in host.started[1::2]]
    states = [environment["XDG_STATE_HOME"] for _, environment in host.started[1::2]]
    assert len(set(homes)) == len(set(states)) == 3
    assert len({environment["DWCP_KEYS"] for _, environment in host.started}) == 1


def test_processes_run_at_the_ends_of_the_link_which_is_removed(files, registry, linked, temporary):
    host = Host()
    transfer(files, registry, host.clock, no_progress, host)
    receiver, sender = (words for words, _ in host.started[:2])
    assert receiver[:2] == ["nsenter", "--net=/run/netns/far"]
    assert "10.0.0.2:0" in receiver
    assert sender[:2] == ["nsenter", "--net=/run/netns/near"]
    assert linked == ["made", "removed"]
    assert len(host.ended) == len(host.started)
    assert not any(temporary.iterdir())


def test_without_a_link_it_is_loopback_and_the_reason_is_told(files, registry, no_link):
    host = Host()
    done = transfer(files, registry, host.clock, no_progress, host)
    assert (done.shape, done.why_loopback, done.problems) == (None, WHY, [])
    assert [run.link_bytes for run in done.runs] == [None, None, None]
    assert "127.0.0.1:0" in host.started[0][0]
    assert host.started[0][0][0] == sys.executable


def test_a_link_that_cannot_be_made_after_all_is_loopback(files, registry, linked, monkeypatch):
    def fails(shape):
        raise InputError("the link cannot be set up:\n  `tc` says: no such qdisc")

    monkeypatch.setattr(route, "shaped_link", fails)
    host = Host()
    done = transfer(files, registry, host.clock, no_progress, host)
    assert done.why_loopback == "the link cannot be set up: `tc` says: no such qdisc"
    assert done.problems == []


def test_one_transfer_that_fails_does_not_keep_the_others(files, registry, linked):
    host = Host(as_usual, Ended(1, "", "dwcp: the connection was cut\n"))
    done = transfer(files, registry, host.clock, no_progress, host)
    assert [bool(run.problem) for run in done.runs] == [False, True, False]
    assert done.problems == ["send, not compressed: the sender ended with status 1: the connection was cut"]
    assert len(host.ended) == len(host.started)


def test_without_a_first_copy_there_is_no_update(files, registry, linked):
    host = Host(Ended(1, "", ""))
    done = transfer(files, registry, host.clock, no_progress, host)
    assert done.update is None
    assert done.problems == ["send, fallback: the sender ended with status 1: it did not say why"]


def test_a_copy_that_differs_is_a_problem(files, registry, linked):
    host = Host(spoil=lambda copy: (copy / "d2" / "f20.txt").write_bytes(b"other"))
    done = transfer(files, registry, host.clock, no_progress, host)
    assert done.copies[0].problem == "what arrived differs: d2/f20.txt is not the same"
    assert done.copies[0].seconds == 1.5


def test_what_has_no_time_left_is_left_out_and_that_is_no_problem(files, registry, linked):
    host = Host(takes_s=12.0)
    done = transfer(files, registry, host.clock, no_progress, host)
    assert (len(done.runs), done.problems) == (1, [])
    assert [(way.verb, way.title) for way in done.left_out] == [
        ("send", "not compressed"),
        ("sync", "fallback"),
    ]


def test_the_update_comes_before_the_third_copy(files, with_champion, linked):
    host = Host(takes_s=5.5)
    done = transfer(files, with_champion, host.clock, no_progress, host)
    assert [run.way.title for run in done.runs] == ["selector 1.0.0", "not compressed", "selector 1.0.0"]
    assert [way.title for way in done.left_out] == ["fallback"]


def test_files_that_are_gone_are_a_sentence(registry, linked):
    done = transfer({"a/b": Path("/nowhere/b")}, registry, Host().clock, no_progress, Host())
    assert done.problems == ["none of the files kept aside can be read any more"]
    assert linked == []


def test_a_link_that_cannot_be_removed_is_a_sentence(files, registry, monkeypatch, linked, temporary):
    @contextmanager
    def stays(shape):
        yield ShapedLink(LinkEnd("near", "10.0.0.1"), LinkEnd("far", "10.0.0.2"), shape)
        raise InputError("the link cannot be removed")

    monkeypatch.setattr(route, "shaped_link", stays)
    host = Host()
    done = transfer(files, registry, host.clock, no_progress, host)
    assert done.problems == ["the link cannot be removed"]
    assert len(done.runs) == 3
    assert not any(temporary.iterdir())


def test_interrupted_nothing_is_left_behind(files, registry, linked, temporary):
    host = Host(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        transfer(files, registry, host.clock, no_progress, host)
    assert linked == ["made", "removed"]
    assert len(host.ended) == len(host.started) == 2
    assert not any(temporary.iterdir())


# What is sent.


def test_files_are_copied_by_name_and_large_ones_in_part(tmp_path):
    large, small = tmp_path / "large", tmp_path / "small"
    large.write_bytes(bytes(MOST_FILE_BYTES + 1))
    small.write_bytes(b"small")
    laid = lay_out({"a/large": large, "a/gone": tmp_path / "gone", "/small": small}, tmp_path / "out")
    assert (laid.files, laid.plain_bytes) == (2, MOST_FILE_BYTES + 5)
    assert (tmp_path / "out" / "a" / "large").stat().st_size == MOST_FILE_BYTES
    assert (tmp_path / "out" / "small").read_bytes() == b"small"


def test_a_folder_holds_some_tens_of_megabytes_at_most(tmp_path):
    large = tmp_path / "large"
    large.write_bytes(bytes(MOST_FILE_BYTES))
    laid = lay_out({f"a/{number}": large for number in range(30)}, tmp_path / "out")
    assert laid.plain_bytes == 40_000_000


def test_a_full_disk_is_a_sentence(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "out").write_bytes(b"not a folder")
    with pytest.raises(StorageError, match=r"out cannot be written \(File exists\): free some space"):
        lay_out({"a/b": tmp_path / "file"}, tmp_path / "out")


def test_an_edit_is_small_and_leaves_most_files_alone(files, tmp_path):
    laid = lay_out(files, tmp_path / "out")
    done = edit(tmp_path / "out")
    changed = [n for n, path in files.items() if (tmp_path / "out" / n).read_bytes() != path.read_bytes()]
    assert len(changed) == done.files == 3
    size = sum(path.stat().st_size for path in (tmp_path / "out").rglob("*.txt"))
    assert size == laid.plain_bytes + done.inserted_bytes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (bool, ""),
        (lambda copy: (copy / "d1" / "f10.txt").unlink(), "d1/f10.txt is missing"),
        (lambda copy: (copy / "d9").mkdir(), "d9 should not be there"),
        (lambda copy: (copy / "d1" / "f10.txt").chmod(0o600), "d1/f10.txt is not the same"),
        (lambda copy: os.utime(copy / "d1", (1, 1)), "d1 is not the same"),
        (shutil.rmtree, ". is missing"),
    ],
)
def test_folders_that_differ(files, tmp_path, change, words):
    lay_out(files, tmp_path / "out")
    shutil.copytree(tmp_path / "out", tmp_path / "copy")
    change(tmp_path / "copy")
    if words and "not the same" not in words:
        for folder in (tmp_path / "out", tmp_path / "copy"):
            for path in (folder, *folder.rglob("*")):
                if path.exists():
                    os.utime(path, (1, 1))
    assert difference(tmp_path / "out", tmp_path / "copy") == words


# For real.


@pytest.mark.slow
def test_files_arrive_over_loopback(files, registry, no_link, temporary):
    done = transfer(files, registry, time.monotonic, no_progress)
    assert done.problems == []
    assert [run.way.title for run in done.runs] == ["fallback", "not compressed", "fallback"][
        : len(done.runs)
    ]
    for run in done.copies:
        assert (run.files_written, run.files_kept) == (60, 0)
        assert run.plain_bytes == done.laid.plain_bytes
        assert run.wire_bytes > 0
    assert done.copies[0].wire_bytes < done.laid.plain_bytes / 2
    assert not any(temporary.iterdir())
