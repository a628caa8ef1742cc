"""What a sender might try."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from tiny_sender import KEY, NOW, Exchange, TinySender, make_tree, snapshot

from dwcp.blocks import MAX_DEPTH, ZERO_RUN_BYTES
from dwcp.codecs import Zstd, plaintext_id
from dwcp.errors import ProtocolError, StorageError, TransferRefusedError
from dwcp.transfer.protocol import (
    Chunks,
    Data,
    EndDirectory,
    EndFile,
    EnterDirectory,
    File,
    Keep,
    Offer,
    Record,
    Retract,
    Root,
    Symlink,
    Zeros,
)
from dwcp.transfer.receiving import Destination, Incoming

OFFER = Offer(b"root", "send", False, False, (64, 256, 1024), KEY)
ENTER = EnterDirectory(b"root", 0o755, 0)
ID = plaintext_id(b"content")


@pytest.fixture
def destination(tmp_path: Path) -> Iterator[Destination]:
    opened = Destination(tmp_path / "there", now=NOW)
    yield opened
    opened.close()


@pytest.fixture
def incoming(destination: Destination) -> Incoming:
    return destination.begin(OFFER, lambda _: None)


@pytest.mark.parametrize("name", [b"", b".", b"..", b"a/b", b"/etc", b"a\0b", b"n" * 256, b".dwcp"])
def test_names_of_roots_that_are_refused(destination: Destination, name: bytes) -> None:
    with pytest.raises(TransferRefusedError):
        destination.begin(replace(OFFER, name=name), print)


@pytest.mark.parametrize("chunking", [(0, 256, 1024), (64, 300, 1024), (256, 64, 1024), (64, 256, 10**9)])
def test_chunkings_that_cannot_be(destination: Destination, chunking: tuple[int, int, int]) -> None:
    with pytest.raises(ProtocolError, match="chunking"):
        destination.begin(replace(OFFER, chunking=chunking), print)


def test_more_than_fits_is_refused_before_anything_is_written(
    destination: Destination, tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match="make room") as raised:
        destination.begin(replace(OFFER, total_bytes=1 << 60), print)
    assert isinstance(raised.value.__cause__, OSError)
    assert not list((tmp_path / "there" / ".dwcp" / "staging").glob("*/tree"))
    destination.begin(replace(OFFER, total_bytes=1000), print)


def test_one_session_at_a_time(destination: Destination, incoming: Incoming) -> None:
    with pytest.raises(TransferRefusedError, match="a session goes on"):
        destination.begin(OFFER, print)
    incoming.stop(None)
    destination.begin(OFFER, print).stop(None)


def test_one_receiver_a_folder(destination: Destination, tmp_path: Path) -> None:
    with pytest.raises(TransferRefusedError, match="another receiver"):
        Destination(tmp_path / "there", now=NOW)
    destination.close()
    Destination(tmp_path / "there", now=NOW).close()
    Destination(tmp_path / "there", now=NOW).close()


@pytest.mark.parametrize("state", ["link", "file"])
def test_a_state_folder_that_is_none(tmp_path: Path, state: str) -> None:
    (tmp_path / "outside").mkdir()
    if state == "link":
        (tmp_path / ".dwcp").symlink_to(tmp_path / "outside")
    else:
        (tmp_path / ".dwcp").write_bytes(b"somebody's")
    with pytest.raises(TransferRefusedError, match="move away"):
        Destination(tmp_path, now=NOW)
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("name", [b"", b".", b"..", b"../../evil", b"/etc/passwd", b"a\0b", b"n" * 256])
@pytest.mark.parametrize(
    "record",
    [
        lambda name: EnterDirectory(name, 0o755, 0),
        lambda name: File(name, 0o644, 0, 0),
        lambda name: Symlink(name, b"target", 0),
        lambda name: Keep(name, 0o644, 0, 0, bytes(33)),
    ],
)
def test_names_that_lead_elsewhere(
    incoming: Incoming, name: bytes, record: Callable[[bytes], Record]
) -> None:
    with pytest.raises(TransferRefusedError):
        incoming.take_records([ENTER, record(name)])


def test_nothing_is_written_through_a_link_that_the_catalogue_makes(
    incoming: Incoming, tmp_path: Path
) -> None:
    """A link, then something below it: names must rise, so the second may not even be said."""
    (tmp_path / "outside").mkdir()
    link = Symlink(b"link", os.fsencode(tmp_path / "outside"), 0)
    with pytest.raises(ProtocolError):
        incoming.take_records([ENTER, link, EnterDirectory(b"link", 0o755, 0), File(b"evil", 0o644, 0, 0)])
    assert list((tmp_path / "outside").iterdir()) == []


def test_too_deep(incoming: Incoming) -> None:
    with pytest.raises(TransferRefusedError, match="deep"):
        incoming.take_records([ENTER, *[EnterDirectory(b"d", 0o755, 0)] * MAX_DEPTH])


def test_too_long_a_path(incoming: Incoming) -> None:
    with pytest.raises(TransferRefusedError, match="4096"):
        incoming.take_records([ENTER, *[EnterDirectory(b"d" * 255, 0o755, 0)] * 17])


FILE = File(b"file", 0o644, 0, 7)
CHUNK = Chunks(ID, (7,))


@pytest.mark.parametrize(
    "records",
    [
        [EndDirectory()],
        [ENTER, EndDirectory(), EndDirectory()],
        [ENTER, EndDirectory(), ENTER],
        [EnterDirectory(b"another", 0o755, 0)],
        [File(b"another", 0o644, 0, 0)],
        [ENTER, CHUNK],
        [ENTER, Zeros(ZERO_RUN_BYTES)],
        [ENTER, EndFile()],
        [ENTER, Retract()],
        [ENTER, FILE, FILE],
        [ENTER, FILE, EndDirectory()],
        [ENTER, FILE, Symlink(b"link", b"target", 0)],
        [ENTER, FILE, EndFile()],
        [ENTER, FILE, CHUNK, CHUNK],
        [ENTER, FILE, CHUNK, EndFile(), FILE],
        [ENTER, FILE, CHUNK, EndFile(), File(b"before", 0o644, 0, 0)],
        [ENTER, File(b"file", 0o644, 0, 8), CHUNK, EndFile()],
        [ENTER, FILE, Chunks(ID, (7, 7))],
        [ENTER, FILE, Chunks(ID, (0,))],
        [ENTER, FILE, Chunks(ID, (-7,))],
        [ENTER, FILE, Zeros(7)],
        [ENTER, File(b"file", 0o644, 0, 7 + ZERO_RUN_BYTES), CHUNK, Zeros(ZERO_RUN_BYTES)],
        [ENTER, FILE, Retract(), CHUNK],
        [ENTER, Keep(b"file", 0o644, 0, 7, b"\0" + ID)],
        [ENTER, File(b"file", 0o10644, 0, 0), EndFile()],
        [ENTER, Symlink(b"link", b"", 0)],
        [ENTER, Symlink(b"link", b"\0", 0)],
        [ENTER, File(b"file", 0o644, 1 << 70, 0), EndFile()],
    ],
)
def test_catalogues_that_cannot_be(incoming: Incoming, records: list[Record]) -> None:
    with pytest.raises(ProtocolError):
        incoming.take_records(records)
    with pytest.raises(ProtocolError):
        incoming.take_records([])


def test_absurd_sizes(incoming: Incoming, tmp_path: Path) -> None:
    huge = 1 << 60
    count = 1 << 15
    chunks = Chunks(b"".join(number.to_bytes(32, "big") for number in range(count)), (8 << 20,) * count)
    with pytest.raises(StorageError, match="make room"):
        incoming.take_records([ENTER, File(b"file", 0o644, 0, huge), *[chunks] * 4])
    assert not list((tmp_path / "there").rglob("file"))


def test_an_absurd_hole(incoming: Incoming) -> None:
    size = (1 << 62) // ZERO_RUN_BYTES * ZERO_RUN_BYTES
    with pytest.raises(StorageError):
        incoming.take_records([ENTER, File(b"file", 0o644, 0, size), Zeros(size), EndFile()])


@pytest.mark.parametrize(
    "root",
    [
        lambda root: replace(root, content=bytes(32)),
        lambda root: replace(root, files=root.files + 1),
        lambda root: replace(root, chunks=root.chunks - 1),
        lambda root: replace(root, plain_bytes=0),
    ],
)
def test_a_root_that_is_not_what_came(tmp_path: Path, root: Callable[[Root], Root]) -> None:
    sender = TinySender(make_tree(tmp_path / "tree", random.Random(1)))
    destination = Destination(tmp_path / "there", now=NOW)
    incoming = destination.begin(sender.offer(), lambda _: None)
    incoming.take_records(sender.records())
    with pytest.raises(ProtocolError, match="but the sender says"):
        incoming.root(root(sender.root()))
    destination.close()
    assert not (tmp_path / "there" / "tree").exists()


def test_a_root_too_early_or_twice(incoming: Incoming, destination: Destination) -> None:
    with pytest.raises(ProtocolError, match="ends before"):
        incoming.root(Root(bytes(32), 0, 0, 0))
    incoming.stop(None)
    incoming = destination.begin(OFFER, print)
    incoming.take_records([ENTER, FILE])
    with pytest.raises(ProtocolError, match="inside a file"):
        incoming.root(Root(bytes(32), 0, 0, 0))


def _announced(incoming: Incoming, *contents: bytes) -> None:
    incoming.take_records([ENTER])
    for number, content in enumerate(contents):
        name = b"%03d" % number
        incoming.take_records(
            [File(name, 0o644, 0, len(content)), Chunks(plaintext_id(content), (len(content),)), EndFile()]
        )


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (Data(0, ((0, 2),), 14, False), b"contentcontent"),
        (Data(0, ((1, 1),), 7, False), b"content"),
        (Data(0, ((0, 1),), 8, False), b"content!"),
        (Data(0, ((0, 1),), 7, False), b"content!"),
        (Data(0, ((0, 1),), 7, False), b"conten"),
        (Data(0, (), 0, False), b""),
        (Data(0, ((0, 0),), 0, False), b""),
        (Data(0, ((0, 1), (0, 1)), 14, False), b"contentcontent"),
        (Data(0, ((0, 1),), 7, True, sketch=0, matched=b"\1"), Zstd(1).encode(b"content")),
    ],
)
def test_bundles_that_cannot_be(incoming: Incoming, data: Data, body: bytes) -> None:
    _announced(incoming, b"content")
    with pytest.raises(ProtocolError):
        incoming.take_bundle(data, memoryview(body))


def test_a_chunk_that_is_never_announced(incoming: Incoming) -> None:
    with pytest.raises(ProtocolError, match="names chunk 4"):
        incoming.wait_known(5, 0.01)


def test_a_decompression_bomb_is_not_decompressed(destination: Destination) -> None:
    wants = []
    incoming = destination.begin(OFFER, wants.append)
    _announced(incoming, b"content")
    bomb = Zstd(1).encode(bytes(200_000_000))
    assert incoming.take_bundle(Data(0, ((0, 1),), 7, True), memoryview(bomb)) == 0
    assert [want.missing for want in wants] == [((0, 1),)]


def test_garbage_is_asked_for_again_but_not_forever(destination: Destination) -> None:
    wants = []
    incoming = destination.begin(OFFER, wants.append)
    _announced(incoming, b"content", b"other")
    for _ in range(4):
        assert incoming.take_bundle(Data(0, ((0, 2),), 12, False), memoryview(b"c0ntentother")) in (0, 5)
    assert [want.missing for want in wants] == [((0, 1),)] * 4
    assert incoming.progress.chunks_wrong == 4
    with pytest.raises(ProtocolError, match="keeps sending wrong bytes"):
        incoming.take_bundle(Data(0, ((0, 1),), 7, False), memoryview(b"c0ntent"))
    with pytest.raises(ProtocolError, match="keeps sending wrong bytes"):
        incoming.wait_complete(1)


def test_a_reference_that_is_not_there_is_not_fatal(destination: Destination) -> None:
    from dwcp.codecs import Delta, Reference

    wants = []
    incoming = destination.begin(OFFER, wants.append)
    _announced(incoming, b"content" * 100)
    reference = Reference.of(b"something that the receiver never had")
    body = Delta(3).encode(b"content" * 100, reference)
    for data in (
        Data(0, ((0, 1),), 700, True, reference=(reference.id,)),
        Data(1, ((0, 1),), 700, True, reference=(plaintext_id(b"content" * 100),)),
        Data(2, ((0, 1),), 700, True),
    ):
        assert incoming.take_bundle(data, memoryview(body)) == 0
    assert [want.missing for want in wants] == [((0, 1),)] * 3


def test_data_nobody_asked_for_changes_nothing(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "tree", random.Random(1))
    destination = Destination(tmp_path / "there", now=NOW)
    Exchange(TinySender(source), destination).run()
    exchange = Exchange(TinySender(source, mode="sync", checksum=True), destination)
    exchange.begin()
    exchange.catalogue()
    exchange.finish()
    for number in range(len(exchange.sender.chunks)):
        data, body = exchange.bundle([number])
        assert exchange.incoming.take_bundle(data, memoryview(body)) == 0
        wrong = bytes(data.plain_bytes)
        assert exchange.incoming.take_bundle(replace(data, framed=False), memoryview(wrong)) == 0
    exchange.commit()
    assert snapshot(tmp_path / "there" / "tree") == snapshot(source)
    destination.close()


def test_too_many_files_taken_back(incoming: Incoming, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dwcp.transfer.receiving.plan._MAX_RETRACTED", 10)
    with pytest.raises(TransferRefusedError, match="more than 10"):
        incoming.take_records([ENTER, *[FILE, Retract()] * 11])


def test_a_mount_point_below_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_tree(tmp_path / "tree", random.Random(1))
    destination = Destination(tmp_path / "there", now=NOW)
    Exchange(TinySender(source), destination).run()
    exchange = Exchange(TinySender(source, mode="sync"), destination)
    exchange.begin()
    look = os.stat

    def elsewhere(path: object, **options: object) -> os.stat_result:
        told = look(path, **options)  # type: ignore[call-overload]
        return os.stat_result((*told[:2], told.st_dev + 1, *told[3:])) if path == b"deep" else told

    monkeypatch.setattr(os, "stat", elsewhere)
    with pytest.raises(TransferRefusedError, match="another file system"):
        exchange.catalogue()
    monkeypatch.undo()
    destination.close()
