"""A sender driven through every mode by a receiver in memory; what arrives is what lies on disk."""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from sending_peer import (
    MIB,
    FakeLink,
    Receiver,
    drain,
    noise,
    outgoing_of,
    run,
    send,
    small_chunking,
    words,
)

from dwcp.codecs import plaintext_id
from dwcp.errors import InputError, ProtocolError, SourceChangedError
from dwcp.transfer.protocol import File, Listed, Want
from dwcp.transfer.sending import SendingOptions

SMALL = SendingOptions(chunking=small_chunking())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One of everything."""
    root = tmp_path / "tree"
    (root / "a" / "deep" / "er").mkdir(parents=True)
    (root / "a.b").mkdir()
    (root / "empty folder").mkdir()
    (root / "a" / "text.txt").write_bytes(words(300_000))
    (root / "a" / "deep" / "noise.bin").write_bytes(noise(200_000))
    (root / "a" / "deep" / "er" / "same.txt").write_bytes(words(300_000))
    (root / "a.b" / "empty").write_bytes(b"")
    (root / "a.b" / "one").write_bytes(b"1")
    (root / "\n odd \\ name ü").write_bytes(b"odd")
    Path(os.fsdecode(os.fsencode(root) + b"/\xff\xfe not UTF-8")).write_bytes(b"odder")
    (root / "link").symlink_to("a/text.txt")
    (root / "dangling").symlink_to("/nowhere/at/all")
    (root / "a" / "loop").symlink_to("..")
    with (root / "sparse").open("wb") as file:
        file.truncate(9 * MIB)
        file.seek(3 * MIB + 5)
        file.write(b"an island")
    (root / "zeros").write_bytes(bytes(2 * MIB))
    for n in range(60):
        (root / "a" / f"small-{n}.dat").write_bytes(words(n * 40, seed=n))
    os.mkfifo(root / "pipe")
    return root


@pytest.mark.parametrize("codec", [None, "none", "lz4", "zstd-3"])
@pytest.mark.parametrize("has_nothing", [True, False])
def test_all_of_a_tree_arrives(tree: Path, codec: str | None, has_nothing: bool) -> None:
    options = SendingOptions(codec=codec, chunking=small_chunking())
    receiver = send(tree, Receiver(has_nothing=has_nothing), options)
    assert receiver.again == []
    if codec:
        assert {bundle.codec for bundle in receiver.bundles} <= {codec, "none"}


def test_one_file_and_one_link_are_roots_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(words(100_000))
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "empty").write_bytes(b"")
    assert send(tmp_path / "file").files.keys() == {()}
    assert send(tmp_path / "empty").files.keys() == {()}
    receiver = send(tmp_path / "link")
    assert receiver.links == {(): b"file"}


def test_what_is_left_out_is_told(tree: Path) -> None:
    outgoing = outgoing_of(tree)
    run(outgoing, Receiver())
    assert [(one.path, one.reason) for one in outgoing.counters.skipped] == [(b"tree/pipe", "it is a pipe")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_cannot_be_read_is_left_out(tree: Path) -> None:
    (tree / "a" / "text.txt").chmod(0)
    outgoing = outgoing_of(tree)
    run(outgoing, Receiver())
    assert b"tree/a/text.txt" in [one.path for one in outgoing.counters.skipped]


def test_a_source_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        outgoing_of(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="a pipe"):
        outgoing_of(tmp_path / "pipe")
    with pytest.raises(InputError, match="no name of its own"):
        outgoing_of(Path("/"))


def test_the_offer_tells_the_name_and_a_stable_key(tree: Path) -> None:
    first, again = outgoing_of(tree).offer(), outgoing_of(tree / "." / "a" / "..").offer()
    assert first.name == again.name == b"tree"
    assert first.resume_key == again.resume_key
    assert first.total_bytes is None
    assert outgoing_of(tree / "zeros").offer().total_bytes == 2 * MIB
    assert outgoing_of(tree / "zeros").offer().resume_key != first.resume_key


def test_what_occurs_twice_is_sent_once(tmp_path: Path) -> None:
    text = words(500_000)
    (tmp_path / "one").write_bytes(text)
    (tmp_path / "two").write_bytes(text)
    receiver = send(tmp_path)
    assert sum(bundle.data.plain_bytes for bundle in receiver.bundles) == len(text)


def test_only_what_is_missing_is_sent(tmp_path: Path) -> None:
    text = noise(500_000)
    (tmp_path / "file").write_bytes(text)
    whole = send(tmp_path, options=SMALL)
    holes = {plain_id: plain for n, (plain_id, plain) in enumerate(whole.content.items()) if n % 3}
    receiver = send(tmp_path, Receiver(has_nothing=False, known=holes), SMALL)
    sent = sum(bundle.data.plain_bytes for bundle in receiver.bundles)
    assert sent == len(text) - sum(map(len, holes.values()))
    everything = send(tmp_path, Receiver(has_nothing=False, known=whole.content), SMALL)
    assert everything.bundles == []


def test_bundles_that_are_lost_are_sent_again(tree: Path) -> None:
    rng = Random(3)
    receiver = Receiver()
    receiver.lose = lambda _: rng.random() < 0.4
    send(tree, receiver, SMALL)


def test_chunks_that_prove_wrong_are_sent_again(tree: Path) -> None:
    rng = Random(3)
    receiver = Receiver(has_nothing=False)
    receiver.corrupt = lambda _: rng.random() < 0.2
    send(tree, receiver, SMALL)
    assert receiver.again


def test_a_receiver_that_asks_for_nonsense_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(noise(100_000))
    outgoing = outgoing_of(tmp_path, SMALL)
    receiver = Receiver(has_nothing=False)
    outgoing.accepted(receiver.accept())
    for message in outgoing.batches(list):  # type: ignore[arg-type]
        receiver.take(message)
    chunks = len(receiver.chunks)
    with pytest.raises(ProtocolError, match="speaks of chunk"):
        outgoing.take_want(Want(chunks + 1, ()))
    with pytest.raises(ProtocolError, match="not below"):
        outgoing.take_want(Want(chunks, ((0, chunks + 1),)))
    with pytest.raises(ProtocolError, match="ACK names bundle"):
        outgoing.take_ack([0])
    outgoing.take_want(Want(chunks, ()))
    for_ever = Want(chunks, ((0, chunks),))
    with pytest.raises(ProtocolError, match="again and again"):
        _repeat(10_000, lambda: outgoing.take_want(for_ever))


def _repeat(times: int, act: Callable[[], None]) -> None:
    for _ in range(times):
        act()


def test_what_changed_after_it_was_catalogued_ends_the_session(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(noise(100_000))
    outgoing = outgoing_of(file, SMALL, budget_bytes=0)
    receiver = Receiver(has_nothing=False)
    outgoing.accepted(receiver.accept())
    wants = [receiver.take(message) for message in outgoing.batches(list)]  # type: ignore[arg-type]
    file.write_bytes(noise(100_000, seed=2))
    for want in wants:
        if want is not None:
            outgoing.take_want(want)
    with pytest.raises(SourceChangedError, match="file changed"):
        outgoing.next_bundle(0)
    assert outgoing.changed is not None
    outgoing.close()


def test_what_vanished_after_it_was_catalogued_ends_the_session(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(noise(100_000))
    outgoing = outgoing_of(tmp_path, SMALL, budget_bytes=0)
    receiver = Receiver(has_nothing=False)
    outgoing.accepted(receiver.accept())
    wants = [receiver.take(message) for message in outgoing.batches(list)]  # type: ignore[arg-type]
    file.unlink()
    for want in wants:
        if want is not None:
            outgoing.take_want(want)
    with pytest.raises(SourceChangedError, match="no such file"):
        outgoing.next_bundle(0)
    outgoing.close()


def test_files_that_are_there_by_size_and_time_are_not_read(tree: Path) -> None:
    first = send(tree)
    listed = []
    for path, state in first.files.items():
        told = state.record
        listed.append(Listed(path, told.size_bytes, told.mtime_ns, state.builder.finish().to_bytes()))
    changed = (b"a", b"text.txt")
    listed = [entry for entry in listed if entry.path != changed] + [Listed(changed, 5, 5, b"")]
    options = SendingOptions(mode="sync")
    receiver = send(tree, Receiver(has_nothing=False, known=first.content, listed=listed), options)
    assert receiver.files.keys() == {changed}
    assert receiver.kept.keys() == first.files.keys() - {changed}
    assert receiver.root == first.root or receiver.root is not None
    checked = SendingOptions(mode="sync", checksum=True)
    receiver = send(tree, Receiver(has_nothing=False, known=first.content, listed=listed), checked)
    assert receiver.kept == {}


def test_a_listing_out_of_order_is_refused(tree: Path) -> None:
    receiver = Receiver(has_nothing=False, listed=[Listed((b"b",), 1, 1, b""), Listed((b"a",), 1, 1, b"")])
    receiver.listed.reverse()
    with pytest.raises(ProtocolError, match="order of the walk"):
        run(outgoing_of(tree, SendingOptions(mode="sync")), receiver)


def test_nothing_is_deleted_because_it_cannot_be_read(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def refuse(path: bytes, *args: int, **more: int) -> int:
        if path == b"text.txt":
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **more)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InputError, match="would be deleted"):
        run(outgoing_of(tree, SendingOptions(mode="sync", delete=True)), Receiver(has_nothing=False))


def test_stopping_lets_everybody_go(tree: Path) -> None:
    outgoing = outgoing_of(tree)
    outgoing.accepted(Receiver().accept())
    batches = outgoing.batches(list)  # type: ignore[arg-type]
    next(batches)
    outgoing.stop()
    assert list(batches) == []
    assert outgoing.next_bundle(10.0) is None
    outgoing.close()
    outgoing.close()


def test_progress_goes_from_nothing_to_everything(tree: Path) -> None:
    outgoing = outgoing_of(tree, SMALL)
    receiver = Receiver()
    outgoing.accepted(receiver.accept())
    assert outgoing.done_bytes == 0
    assert outgoing.total_bytes is None
    seen = []
    for message in outgoing.batches(list):  # type: ignore[arg-type]
        receiver.take(message)
        drain(outgoing, receiver)
        seen.append(outgoing.done_bytes)
    drain(outgoing, receiver)
    assert outgoing.done_bytes == outgoing.total_bytes
    assert outgoing.is_done
    outgoing.close()


def test_options_that_cannot_be_met_are_refused() -> None:
    with pytest.raises(InputError, match="no codec"):
        SendingOptions(codec="zip")
    with pytest.raises(InputError, match="16 bytes"):
        SendingOptions(resume_key=b"short")
    with pytest.raises(InputError, match="only a sync"):
        SendingOptions(delete=True)


def test_a_codec_that_the_receiver_lacks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    outgoing = outgoing_of(tmp_path, SendingOptions(codec="lz4"))
    with pytest.raises(InputError, match="does not understand"):
        outgoing.accepted(Receiver().accept(), ["zstd", "delta"])
    outgoing.close()


def test_only_codecs_that_the_receiver_has_are_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(words(2 * MIB))
    for mbps, codecs in ((20.0, ("lz4",)), (20.0, ()), (20.0, ("zstd-3",))):
        outgoing = outgoing_of(tmp_path, link=FakeLink(mbps))
        receiver = Receiver()
        outgoing.accepted(receiver.accept(), codecs)
        for message in outgoing.batches(list):  # type: ignore[arg-type]
            receiver.take(message)
            drain(outgoing, receiver)
        drain(outgoing, receiver)
        assert {bundle.codec for bundle in receiver.bundles} == set(codecs or ("none",))
        outgoing.close()


def test_one_chunk_files_have_the_link_that_a_builder_gives(tmp_path: Path) -> None:
    chunking = small_chunking()
    for size in (0, 1, 255, 256, 257, 300):
        (tmp_path / f"f{size}").write_bytes(noise(size))
    receiver = send(tmp_path, options=SendingOptions(chunking=chunking))
    assert all(isinstance(state.record, File) for state in receiver.files.values())
    assert plaintext_id(noise(255)) in receiver.content
