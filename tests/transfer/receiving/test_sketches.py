import random
from pathlib import Path

import pytest
from tiny_sender import NOW, Exchange, TinySender, pieces, snapshot

from dwcp.blocks import DEFAULT_CHUNKING
from dwcp.errors import ProtocolError
from dwcp.transfer.receiving import Destination
from dwcp.transfer.receiving.gaps import Gap, OldPart, gaps
from dwcp.transfer.receiving.sketches import Sketches

MB = 1 << 20


def _edited(tmp_path: Path, data: bytes, **options: object) -> Exchange:
    """A file of 2 MiB that the destination has, and another version of it to sync."""
    source = tmp_path / "tree"
    source.mkdir(exist_ok=True)
    destination = Destination(tmp_path / "there", now=NOW)
    (source / "file").write_bytes(random.Random(1).randbytes(2 * MB))
    Exchange(TinySender(source, DEFAULT_CHUNKING), destination).run()
    (source / "file").write_bytes(data)
    sender = TinySender(source, DEFAULT_CHUNKING, mode="sync")
    return Exchange(sender, destination, delta=True, batch=100, **options)  # type: ignore[arg-type]


def _scattered(seed: int, edits: int) -> bytes:
    rng = random.Random(seed)
    data = bytearray(random.Random(1).randbytes(2 * MB))
    for _ in range(edits):
        at = rng.randrange(len(data))
        change = rng.choice(["replace", "insert", "delete"])
        some = rng.randbytes(rng.randrange(1, 100))
        data[at : at + (0 if change == "insert" else 100)] = b"" if change == "delete" else some
    return bytes(data)


@pytest.mark.parametrize("edits", [1, 5, 40])
@pytest.mark.parametrize("seed", range(2))
def test_edits_travel_as_deltas(tmp_path: Path, edits: int, seed: int) -> None:
    exchange = _edited(tmp_path, _scattered(seed, edits))
    exchange.stored_bytes = 0
    exchange.run()
    assert snapshot(tmp_path / "there" / "tree") == snapshot(tmp_path / "tree")
    assert exchange.deltas
    assert exchange.stored_bytes < edits * 12_000
    assert exchange.incoming.progress.chunks_wrong == 0
    exchange.destination.close()


@pytest.mark.parametrize("keep", [slice(MB), slice(MB, None), slice(500_000, 1_700_000), slice(0)])
def test_what_was_cut_off_or_added_at_the_ends(tmp_path: Path, keep: slice) -> None:
    rng = random.Random(8)
    data = rng.randbytes(3000) + random.Random(1).randbytes(2 * MB)[keep] + rng.randbytes(3000)
    exchange = _edited(tmp_path, data)
    exchange.run()
    assert snapshot(tmp_path / "there" / "tree") == snapshot(tmp_path / "tree")
    exchange.destination.close()


def test_an_old_version_that_changes_meanwhile(tmp_path: Path) -> None:
    exchange = _edited(tmp_path, _scattered(1, 3), stop_after_bundles=None)
    exchange.begin()
    records = exchange.sender.records()
    exchange.incoming.take_records(records)
    exchange.incoming.root(exchange.sender.root())
    (tmp_path / "there" / "tree" / "file").write_bytes(random.Random(2).randbytes(2 * MB))
    exchange.finish()
    exchange.commit()
    assert exchange.incoming.progress.chunks_wrong > 0
    assert snapshot(tmp_path / "there" / "tree") == snapshot(tmp_path / "tree")
    exchange.destination.close()


def _drawn(plain: bytes, complete: bool = False) -> tuple[Sketches, bytes]:
    sketches = Sketches(lambda _, at, length: plain[at : at + length], lambda _: complete)
    (sketch,) = sketches.draw(b"path", [Gap(0, 3, 0, len(plain))])
    assert sketch.number == 0
    assert sketch.span == (0, 3)
    return sketches, sketch.digests


def test_a_reference_is_the_pieces_that_were_named() -> None:
    plain = random.Random(1).randbytes(30_000)
    sketches, digests = _drawn(plain)
    cut = list(pieces(plain))
    assert len(digests) == 8 * len(cut)
    matched = bytearray((len(cut) + 7) // 8)
    chosen = [0, 3, 4, len(cut) - 1]
    for each in chosen:
        matched[each >> 3] |= 1 << (each & 7)
    assert sketches.reference(0, bytes(matched)) == b"".join(cut[each] for each in chosen)


@pytest.mark.parametrize(
    "change", [lambda bits: bits[:-1], lambda bits: bits + b"\0", lambda bits: b"\xff" * len(bits)]
)
def test_pieces_that_there_are_not(change: object) -> None:
    plain = random.Random(1).randbytes(30_000)
    sketches, digests = _drawn(plain)
    assert len(digests) // 8 % 8
    with pytest.raises(ProtocolError, match="pieces of sketch 0"):
        sketches.reference(0, change(bytes((len(digests) // 8 + 7) // 8)))  # type: ignore[operator]


def test_a_sketch_that_was_never_drawn() -> None:
    sketches, _ = _drawn(random.Random(1).randbytes(30_000))
    with pytest.raises(ProtocolError, match="only 1 were drawn"):
        sketches.reference(1, b"")


def test_sketches_are_forgotten_once_their_chunks_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dwcp.transfer.receiving.sketches._SWEEP_EVERY", 1)
    plain = random.Random(1).randbytes(30_000)
    sketches, digests = _drawn(plain, complete=True)
    sketches.draw(b"path", [Gap(3, 1, 0, len(plain))])
    assert sketches.reference(0, bytes((len(digests) // 8 + 7) // 8)) is None


def test_no_more_sketches_than_memory_allows_or_the_sender_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = random.Random(1).randbytes(30_000)
    found = [Gap(number, 1, 0, len(plain)) for number in range(1000)]
    monkeypatch.setattr("dwcp.transfer.receiving.sketches._MAX_OPEN_PIECES", 500)
    sketches = Sketches(lambda _, at, length: plain[at : at + length], lambda _: False)
    assert 10 < len(sketches.draw(b"path", found)) < 30
    sketches = Sketches(lambda _, at, length: plain[at : at + length], lambda _: True)
    monkeypatch.setattr("dwcp.transfer.receiving.sketches._MAX_OPEN_PIECES", 1 << 20)
    assert len(sketches.draw(b"path", found)) == 128


def test_nothing_is_drawn_where_there_is_nothing_to_draw() -> None:
    sketches = Sketches(lambda *_: b"short", lambda _: False)
    assert sketches.draw(b"path", [Gap(0, 1, 0, 5000), Gap(1, 1, 300, 300), Gap(2, 1, 300, 200)]) == []


def _parts(*parts: tuple[int, int | None]) -> list[OldPart]:
    return [OldPart(number, length, old is None, old) for number, (length, old) in enumerate(parts)]


def test_gaps_lie_between_what_is_known() -> None:
    parts = _parts((100, 0), (50, None), (60, None), (100, 300), (10, None), (100, 400))
    assert list(gaps(parts, 0, 500)) == [Gap(1, 2, 100, 300), Gap(4, 1, 400, 400)]


def test_gaps_at_the_ends_and_in_a_file_that_went_on() -> None:
    assert list(gaps(_parts((10, None), (10, 50), (10, None)), 20, 100)) == [
        Gap(0, 1, 20, 50),
        Gap(2, 1, 60, 100),
    ]
    assert list(gaps([], 0, 100)) == []


def test_large_gaps_are_cut() -> None:
    found = list(gaps(_parts(*[(MB, None)] * 10), 0, 20 * MB))
    assert [(gap.first, gap.chunks) for gap in found] == [(0, 4), (4, 4), (8, 2)]
    assert found[0].begin == 0
    assert all(gap.begin < gap.first * MB for gap in found[1:])
    assert all(gap.end > (gap.first + gap.chunks) * MB for gap in found)
    assert all(gap.end - gap.begin <= 4 * MB + 2 * MB for gap in found)
