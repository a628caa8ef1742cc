"""Whatever comes, in whatever order: a fault is named, and nothing happens outside."""

import os
import random
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_sender import KEY, NOW, TinySender, make_tree, snapshot

from dwcp.blocks import ZERO_RUN_BYTES
from dwcp.codecs import Delta, Reference, Zstd, plaintext_id
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
from dwcp.transfer.receiving import Destination, Incoming, ReceivingOptions

CONTENTS = [b"a" * 100, b"b" * 70, bytes(64), b"something longer " * 50]
NAMES = st.sampled_from([b"root", b"a", b"b", b"c", b"deep", b"twice", b"link", b"..", b"x/y"])
MODES = st.sampled_from([0, 0o644, 0o755, 0o7777])
TIMES = st.sampled_from([0, -1, 10**18, -(2**63), 2**63 - 1])


def _chunks(contents: list[bytes]) -> Chunks:
    return Chunks(b"".join(map(plaintext_id, contents)), tuple(map(len, contents)))


def _whole(name: bytes, contents: list[bytes]) -> list[Record]:
    chunks: list[Record] = [_chunks(contents)] if contents else []
    return [File(name, 0o644, 0, sum(map(len, contents))), *chunks, EndFile()]


RECORDS = st.one_of(
    st.builds(lambda *fields: [EnterDirectory(*fields)], NAMES, MODES, TIMES),
    st.just([EndDirectory()]),
    st.builds(lambda *fields: [File(*fields)], NAMES, MODES, TIMES, st.sampled_from([0, 64, 170, 2**63 - 1])),
    st.builds(
        lambda contents: [_chunks(contents)], st.lists(st.sampled_from(CONTENTS), min_size=1, max_size=4)
    ),
    st.sampled_from([[Zeros(ZERO_RUN_BYTES)], [EndFile()], [Retract()]]),
    st.builds(lambda name: [Keep(name, 0o644, 0, 100, bytes((0,)) + plaintext_id(CONTENTS[0]))], NAMES),
    st.builds(lambda name, time: [Symlink(name, b"../../outside", time)], NAMES, TIMES),
    st.builds(_whole, NAMES, st.lists(st.sampled_from(CONTENTS), max_size=5)),
    st.builds(_whole, NAMES, st.lists(st.sampled_from(CONTENTS), max_size=5)),
)
BUNDLES = st.builds(
    lambda first, count, content, encoding, sketch, reference: (
        first,
        count,
        content,
        encoding,
        sketch,
        reference,
    ),
    st.integers(0, 8),
    st.integers(1, 2),
    st.sampled_from(CONTENTS),
    st.sampled_from(["raw", "zstd", "delta", "junk"]),
    st.sampled_from([None, None, 0, 1]),
    st.sampled_from([(), (), (plaintext_id(CONTENTS[3]),)]),
)
STEPS = st.lists(st.one_of(RECORDS, RECORDS, BUNDLES), max_size=12)


def _bundle(
    first: int, count: int, content: bytes, encoding: str, sketch: int | None, reference: tuple[bytes, ...]
) -> tuple[Data, bytes]:
    plain = content * count
    body = {
        "raw": plain,
        "zstd": Zstd(1).encode(plain),
        "delta": Delta(1).encode(plain, Reference.of(CONTENTS[3])),
        "junk": b"junk" * 20,
    }[encoding]
    data = Data(
        0,
        ((first, count),),
        len(plain),
        encoding != "raw",
        reference,
        sketch,
        b"\1" if sketch is not None else b"",
    )
    return data, body


def _play(incoming: Incoming, steps: list[object]) -> None:
    for step in steps:
        if isinstance(step, list):
            incoming.take_records(step)
        else:
            data, body = _bundle(*step)  # type: ignore[misc]
            incoming.take_bundle(data, memoryview(body))
    incoming.root(Root(bytes(32), 0, 0, 0))


@settings(max_examples=100, deadline=None)
@given(STEPS, st.booleans(), st.booleans())
def test_any_order_of_anything(steps: list[object], is_sync: bool, begins_well: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        there = Path(name) / "there"
        (Path(name) / "outside").mkdir()
        if is_sync:
            make_tree(there / "root", random.Random(1), files=3)
        before = snapshot(there / "root") if is_sync else {}
        destination = Destination(there, ReceivingOptions(durable=False), now=NOW)
        offer = Offer(b"root", "sync" if is_sync else "send", True, False, (64, 256, 1024), KEY)
        incoming = destination.begin(offer, lambda _: None)
        begin: list[object] = [[EnterDirectory(b"root", 0o755, 0)]] if begins_well else []
        with suppress(ProtocolError, TransferRefusedError, StorageError):
            _play(incoming, begin + steps)
        incoming.stop(None)
        destination.close()
        assert list((Path(name) / "outside").iterdir()) == []
        assert (snapshot(there / "root") if is_sync else {}) == before
        assert {path.name for path in there.iterdir()} <= {".dwcp", "root"}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_flipped_catalogues_never_give_another_tree(data: st.DataObject) -> None:
    """One record of a good catalogue is changed: it is refused, or the root tells."""
    with tempfile.TemporaryDirectory() as name:
        source = make_tree(Path(name) / "tree", random.Random(2), files=3)
        sender = TinySender(source)
        records = sender.records()
        root = sender.root()
        at = data.draw(st.integers(0, len(records) - 1))
        other = data.draw(RECORDS)
        changed = [*records[:at], *other, *records[at + data.draw(st.integers(0, 1)) :]]
        destination = Destination(Path(name) / "there", ReceivingOptions(durable=False), now=NOW)
        incoming = destination.begin(sender.offer(), lambda _: None)
        try:
            incoming.take_records(changed)
            incoming.root(root)
        except (ProtocolError, TransferRefusedError, StorageError):
            is_refused = True
        else:
            is_refused = changed == records
        assert is_refused
        destination.close()
        assert not os.path.lexists(Path(name) / "there" / "tree")
