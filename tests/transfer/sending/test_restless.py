"""Files that change, vanish or turn into something else while they are read."""

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sending_peer import MIB, Receiver, drain, noise, outgoing_of, run, words

from dwcp.errors import InputError, SourceChangedError
from dwcp.transfer.protocol import Catalogue, Listing, Root, Want
from dwcp.transfer.sending import Outgoing, SendingOptions

BIG = 9 * MIB


def no_listing() -> Listing:
    raise AssertionError("nobody listed anything")


def drive(outgoing: Outgoing, receiver: Receiver, meddle: Callable[[int], None]) -> Iterator[None]:
    """A session; after each batch something may happen to the source."""
    outgoing.accepted(receiver.accept())
    for number, message in enumerate(outgoing.batches(no_listing)):
        want = receiver.take(message)
        if want is not None:
            outgoing.take_want(want)
        if isinstance(message, Catalogue):
            meddle(number)
        drain(outgoing, receiver)
        yield
    drain(outgoing, receiver)


def finish(outgoing: Outgoing, receiver: Receiver, meddle: Callable[[int], None]) -> None:
    for _ in drive(outgoing, receiver, meddle):
        pass


@pytest.mark.parametrize("has_nothing", [True, False])
@pytest.mark.parametrize("how", ["grow", "shrink", "rewrite"])
def test_a_file_that_changes_once_is_read_again(tmp_path: Path, has_nothing: bool, how: str) -> None:
    file = tmp_path / "tree" / "file"
    file.parent.mkdir()
    file.write_bytes(noise(BIG))
    (tmp_path / "tree" / "other").write_bytes(words(100_000))

    def meddle(number: int) -> None:
        if number:
            return
        match how:
            case "grow":
                with file.open("ab") as opened:
                    opened.write(b"more")
            case "shrink":
                os.truncate(file, BIG - 100_000)
            case "rewrite":
                file.write_bytes(noise(BIG, seed=2))

    outgoing, receiver = outgoing_of(tmp_path / "tree"), Receiver(has_nothing=has_nothing)
    finish(outgoing, receiver, meddle)
    assert receiver.retracted == 1
    assert receiver.missing() == []
    receiver.check_against(tmp_path / "tree")
    assert outgoing.is_done
    assert outgoing.done_bytes == outgoing.total_bytes


def test_chunks_of_a_reading_that_was_taken_back_are_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(noise(BIG))
    outgoing, receiver = outgoing_of(file), Receiver(has_nothing=False)
    outgoing.accepted(receiver.accept())
    wants, meddled = [], False
    for message in outgoing.batches(no_listing):
        wants.append(receiver.take(message))
        if not meddled:
            file.write_bytes(noise(BIG, seed=2))
            meddled = True
    for want in wants:
        if want is not None:
            outgoing.take_want(want)
    drain(outgoing, receiver)
    assert receiver.retracted == 1
    # Chunks of the first reading that the second has as well: the receiver had asked for them.
    outgoing.take_want(Want(len(receiver.chunks), tuple((number, 1) for number in receiver.missing())))
    drain(outgoing, receiver)
    assert receiver.missing() == []
    receiver.check_against(file)
    assert outgoing.is_done


def test_a_file_that_never_rests_is_left_out_and_told(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "busy").write_bytes(noise(BIG))
    (tree / "still").write_bytes(words(1000))
    outgoing, receiver = outgoing_of(tree, clock=count().__next__), Receiver()
    finish(outgoing, receiver, lambda number: os.truncate(tree / "busy", BIG - number - 1))
    assert receiver.retracted == 4
    assert receiver.files.keys() == {(b"still",)}
    [skipped] = outgoing.counters.skipped
    assert (skipped.path, skipped.reason) == (b"tree/busy", "it changed each time it was read")
    receiver.check_root()


def test_where_it_would_be_deleted_it_ends_the_session(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "busy").write_bytes(noise(BIG))
    outgoing = outgoing_of(tree, SendingOptions(mode="sync", delete=True), clock=count().__next__)
    with pytest.raises(SourceChangedError, match="busy is left out"):
        finish(outgoing, Receiver(), lambda number: os.truncate(tree / "busy", BIG - number - 1))


def test_a_small_file_that_changes_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"before")
    read, changes = os.read, []

    def read_and_change(fd: int, length: int) -> bytes:
        data = read(fd, length)
        if not changes:
            changes.append(file.write_bytes(b"and after"))
        return data

    monkeypatch.setattr(os, "read", read_and_change)
    receiver = Receiver()
    run(outgoing_of(tmp_path), receiver)
    assert receiver.plain_of((b"file",)) == b"and after"
    assert receiver.retracted == 0


def test_what_vanishes_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(noise(100_000))
    opened = os.open

    def vanish(path: bytes, *args: int, **more: int) -> int:
        if path == b"b":
            (tmp_path / "b").unlink()
        return opened(path, *args, **more)

    monkeypatch.setattr(os, "open", vanish)
    outgoing, receiver = (
        outgoing_of(tmp_path, SendingOptions(mode="sync", delete=True)),
        Receiver(has_nothing=False),
    )
    run(outgoing, receiver)
    assert receiver.files.keys() == {(b"a",), (b"c",)}
    assert [one.reason for one in outgoing.counters.skipped] == ["it vanished"]


def test_what_turns_into_a_link_or_a_pipe_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tmp_path / "secret").write_bytes(b"not to be sent")
    for name in ("a", "b"):
        (tree / name).write_bytes(noise(100))
    opened = os.open

    def turn(path: bytes, *args: int, **more: int) -> int:
        if path in (b"a", b"b"):
            target = tree / os.fsdecode(path)
            target.unlink(missing_ok=True)
            if path == b"a":
                target.symlink_to("../secret")
            else:
                os.mkfifo(target)
        return opened(path, *args, **more)

    monkeypatch.setattr(os, "open", turn)
    outgoing, receiver = outgoing_of(tree), Receiver()
    run(outgoing, receiver)
    assert receiver.files == {}
    assert len(outgoing.counters.skipped) == 2


def test_a_read_error_takes_the_file_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "bad").write_bytes(noise(BIG))
    (tree / "good").write_bytes(words(100_000))
    pread = os.pread

    def fail(fd: int, length: int, offset: int) -> bytes:
        if length > MIB and offset > 4 * MIB:
            raise OSError(5, "Input/output error")
        return pread(fd, length, offset)

    monkeypatch.setattr(os, "pread", fail)
    outgoing, receiver = outgoing_of(tree), Receiver()
    run(outgoing, receiver)
    assert receiver.files.keys() == {(b"good",)}
    assert receiver.retracted == 1
    assert "Input/output error" in outgoing.counters.skipped[0].reason
    with pytest.raises(InputError, match="would be deleted"):
        run(outgoing_of(tree, SendingOptions(mode="sync", delete=True)), Receiver())


def test_what_was_taken_back_may_come_again_elsewhere(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").write_bytes(noise(BIG))
    (tree / "b").write_bytes(noise(BIG))
    receiver = Receiver()
    outgoing = outgoing_of(tree)

    def meddle(number: int) -> None:
        if number == 0:
            (tree / "a").write_bytes(words(1000))

    finish(outgoing, receiver, meddle)
    for message in (receiver.root,):
        assert isinstance(message, Root)
    assert receiver.missing() == []
    receiver.check_against(tree)
