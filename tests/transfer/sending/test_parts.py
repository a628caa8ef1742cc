"""The small parts: batches, listings, bundle sizes, flows, regions, sketches, telemetry, waiting."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sending_peer import MIB, FakeLink, Receiver, drain, noise, outgoing_of, run, words

from dwcp.blocks import DEFAULT_CHUNKING, Chunking
from dwcp.errors import ProtocolError
from dwcp.telemetry import check_record
from dwcp.transfer.protocol import Chunks, EndFile, File, Listed, Listing, Sketch, Symlink
from dwcp.transfer.sending import Counters, SendingOptions
from dwcp.transfer.sending.batch import Batch
from dwcp.transfer.sending.bundling import Forming, share_bytes, target_bytes
from dwcp.transfer.sending.flows import flow_of
from dwcp.transfer.sending.listings import Listings
from dwcp.transfer.sending.older import OtherFile, other_file
from dwcp.transfer.sending.part import FileKey, Part
from dwcp.transfer.sending.references import Plan
from dwcp.transfer.sending.region import Place, find_region
from dwcp.transfer.sending.sketches import Sketches, digests_of, match

KIB = 1024


def chunks_of(count: int, length: int = 64 * KIB) -> Chunks:
    return Chunks(bytes(32 * count), (length,) * count)


def test_the_first_batch_goes_soon_and_later_ones_speak_of_more() -> None:
    batch = Batch()
    assert not batch
    assert not batch.add(chunks_of(1), 0.0)
    assert batch.add(chunks_of(3), 0.0)
    assert batch.take().records == (chunks_of(1), chunks_of(3))
    assert not batch.add(chunks_of(4), 0.0)
    assert batch.add(chunks_of(4), 0.0)


def test_a_batch_is_bounded_in_records_bytes_and_age() -> None:
    batch = Batch()
    assert [batch.add(EndFile(), 0.0) for _ in range(4096)].index(True) == 4095
    batch.take()
    assert [batch.add(Symlink(b"n" * 255, b"t" * 4095, 0), 0.0) for _ in range(200)].index(True) < 130
    batch.take()
    assert [batch.add(File(b"n" * 255, 0, 0, 0), 0.0) for _ in range(4096)].index(True) < 2000
    batch.take()
    assert not batch.add(EndFile(), 10.0)
    assert batch.add(EndFile(), 10.06)


def listed(*path: bytes) -> Listed:
    return Listed(path, 1, 1, b"")


def pages_of(*pages: Listing) -> Listings:
    left = list(pages)
    return Listings(lambda: left.pop(0))


def test_listed_files_are_found_in_walk_order() -> None:
    entries = [listed(b"a", b"z"), listed(b"a.b"), listed(b"b")]
    listings = pages_of(Listing(tuple(entries[:1]), False), Listing(tuple(entries[1:]), True))
    assert listings.find((b"a", b"y")) is None
    assert listings.find((b"a", b"z")) == entries[0]
    assert listings.find((b"a", b"zz")) is None
    assert listings.find((b"b",)) == entries[2]
    assert listings.find((b"c",)) is None
    assert listings.find((b"d",)) is None


def test_listings_that_are_wrong_are_refused() -> None:
    with pytest.raises(ProtocolError, match="order of the walk"):
        pages_of(Listing((listed(b"b"), listed(b"b")), True)).find((b"z",))
    with pytest.raises(ProtocolError, match="empty page"):
        pages_of(Listing((), False)).find((b"z",))
    assert pages_of(Listing((), True)).find((b"z",)) is None


def test_bundles_grow_with_what_has_arrived_up_to_what_the_link_takes() -> None:
    targets = [target_bytes(arrived, 1e9, 1.0) for arrived in (0, 256 * KIB, MIB, 2 * MIB, 100 * MIB)]
    assert targets == [256 * KIB, 256 * KIB, MIB, 2 * MIB, 4 * MIB]
    assert target_bytes(100 * MIB, 1e3, 1.0) == 256 * KIB
    assert 256 * KIB < target_bytes(100 * MIB, 1.25e6, 0.3) < 4 * MIB
    assert share_bytes(4 * MIB, 8 * MIB, 4) == MIB
    assert share_bytes(4 * MIB, 100, 2) == 256 * KIB


def part(file: FileKey, plain_bytes: int, first: int = 0) -> Part:
    return Part(first, file, 0, [plain_bytes], bytes(32))


def test_small_files_go_together_unless_they_are_of_another_kind() -> None:
    photo, text = FileKey(0, b"r/a.jpg", 1000), FileKey(1, b"r/a.txt", 1000)
    forming = Forming(MIB, 1e6, lambda _: None, lambda flow: flow == "*.jpg", lambda _: False)
    assert forming.room([], 0, part(text, 1000)) == MIB
    taken = [part(text, 1000)]
    assert forming.room(taken, 1000, part(photo, 1000)) > 0, "too little yet to be worth a bundle"
    assert forming.room(taken, 200 * KIB, part(photo, 1000)) == 0
    assert forming.room(taken, 200 * KIB, part(text, 1000)) == MIB - 200 * KIB
    assert forming.room(taken, MIB - 10, part(text, 1000)) == 0


def test_chunks_with_a_reference_go_by_themselves() -> None:
    file, other = FileKey(0, b"r/a", MIB), FileKey(1, b"r/b", MIB)
    plans = {0: Plan("a", file, "x"), 1: None}
    forming = Forming(4 * MIB, 1e6, lambda part: plans[part.file.number], lambda _: False, lambda _: False)
    assert forming.room([], 0, part(file, 1000)) == MIB
    assert forming.plan is plans[0]
    assert forming.room([part(file, 1000)], 1000, part(other, 1000)) == 0
    assert forming.room([part(file, 1000)], 1000, part(file, 1000)) == MIB - 1000


@pytest.mark.parametrize(
    ("is_new", "mbps", "limit"), [(True, 10, MIB), (True, 1000, 4 * MIB), (False, 10, 4 * MIB)]
)
def test_of_a_flow_that_is_new_little_is_committed_on_slow_links(
    is_new: bool, mbps: float, limit: int
) -> None:
    text = FileKey(1, b"r/a.txt", 9 * MIB)
    forming = Forming(4 * MIB, mbps * 125e3, lambda _: None, lambda _: False, lambda _: is_new)
    assert forming.room([], 0, part(text, 1000)) == limit


def test_flows_go_by_suffix_and_large_files_are_their_own() -> None:
    assert flow_of(FileKey(0, b"r/x/Photo.JPG", 100)) == flow_of(FileKey(1, b"r/y.jpg", 100)) == "*.jpg"
    assert flow_of(FileKey(0, b"r/Makefile", 100)) == flow_of(FileKey(0, b"r/x.a-very-long-suffix", 1)) == "*"
    assert flow_of(FileKey(0, b"r/\xff.img", 10 * MIB)) == "r/\\xff.img"


def places(*sizes: tuple[str, int]) -> list[Place]:
    found, offset = [], 0
    for name, length in sizes:
        found.append(Place(offset, length, name.encode()))
        offset += length
    return found


def names(of: list[Place]) -> str:
    return "".join(place.chunk_id.decode() for place in of)


def test_between_two_anchors_lies_the_older_version() -> None:
    new = places(("a", 100), ("N", 100), ("c", 100))
    old = places(("a", 100), ("b", 150), ("c", 100))
    region = find_region(100, 200, new, old, 0)
    assert (names(region.places), region.shift) == ("b", 0)
    inserted = find_region(100, 200, new, places(("a", 100), ("c", 100)), 0)
    assert inserted.places == []


def test_one_anchor_tells_the_place() -> None:
    far = places(("x", 300 * KIB), ("a", 100), ("b", 100), ("c", 300 * KIB), ("d", 300 * KIB))
    new = [Place(0, 100, b"a"), Place(100, 100, b"N")]
    region = find_region(100, 200, new, far, 0)
    assert (names(region.places), region.shift) == ("bc", 300 * KIB)
    new = [Place(0, 100, b"N"), Place(100, 300 * KIB, b"d")]
    region = find_region(0, 100, new, far, 0)
    assert names(region.places) in ("xabc", "abc", "bc", "c")
    assert region.shift == 600 * KIB + 200 - 100


def test_without_an_anchor_the_same_place_is_taken() -> None:
    old = [Place(n * 100 * KIB, 100 * KIB, b"%d" % n) for n in range(20)]
    region = find_region(1000 * KIB, 1100 * KIB, [], old, -100 * KIB)
    assert region.shift is None
    assert [place.offset // (100 * KIB) for place in region.places] == [6, 7, 8, 9, 10, 11, 12]


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 5), st.integers(0, 9 * MIB), st.integers(1, 2 * MIB))
def test_a_window_of_a_file_is_cut_as_the_whole_file(
    tmp_path_factory: pytest.TempPathFactory, seed: int, begin: int, length: int
) -> None:
    path = tmp_path_factory.getbasetemp() / f"other-{seed}"
    plain = noise(5 * MIB, seed) + bytes(3 * MIB) + words(MIB, seed)
    if not path.exists():
        path.write_bytes(plain)
    whole = OtherFile(path, len(plain), DEFAULT_CHUNKING).near(0, len(plain))
    found = OtherFile(path, len(plain), DEFAULT_CHUNKING).near(begin, begin + length)
    assert found == [place for place in whole if place.end > begin and place.offset < begin + length]
    assert sum(place.length for place in whole) == 6 * MIB
    other = OtherFile(path, len(plain), DEFAULT_CHUNKING)
    assert other.read(found[:3]) == b"".join(plain[one.offset : one.end] for one in found[:3])


def test_another_tree_that_is_not_there_is_no_reference(tmp_path: Path) -> None:
    assert other_file((tmp_path / "nothing",), b"r/f", DEFAULT_CHUNKING) is None
    (tmp_path / "f").write_bytes(b"")
    assert other_file((tmp_path,), b"r/f", DEFAULT_CHUNKING) is None
    (tmp_path / "f").write_bytes(b"x" * 100)
    found = other_file((tmp_path,), b"r/f", DEFAULT_CHUNKING)
    assert found is not None
    assert found.size_bytes == 100
    [place] = found.near(0, 100)
    (tmp_path / "f").write_bytes(b"y" * 100)
    assert found.read([place]) is None
    (tmp_path / "f").unlink()
    assert found.read([place]) is None


def sketch_of(plain: bytes, number: int = 0, span: tuple[int, int] = (0, 1)) -> Sketch:
    return Sketch(number, span, b"".join(digest for digest, _ in digests_of(plain)))


def test_matching_gives_pieces_in_the_order_of_the_sketch() -> None:
    first, second, third = noise(50_000, 1), noise(50_000, 2), noise(50_000, 3)
    found = match(sketch_of(first + second), third + second)
    assert found is not None
    assert found.plain in second or second.endswith(found.plain[-40_000:])
    assert 40_000 < len(found.plain) <= 50_000
    assert sum(bit.bit_count() for bit in found.bits) > 30
    assert match(sketch_of(first), third) is None
    assert match(sketch_of(first), third * 2 + first[:3000]) is None


def test_sketches_are_found_by_chunk_and_bounded() -> None:
    sketches = Sketches()
    sketches.add(
        [
            sketch_of(noise(1000), 0, (5, 5)),
            sketch_of(noise(1000), 1, (10, 1)),
            sketch_of(noise(1000), 2, (2, 2)),
        ]
    )
    assert sketches.find(4) is None
    assert [one.number if one else None for one in map(sketches.find, (5, 9, 10, 11, 5))] == [
        0,
        0,
        1,
        None,
        None,
    ]
    big = [Sketch(n, (100 + n, 1), bytes(MIB)) for n in range(40)]
    sketches.add(big)
    assert sketches.find(100) is None
    assert sketches.find(139) is not None


class Recorded:
    """Keeps records as they come."""

    def __init__(self) -> None:
        self.records: list[dict[str, object]] = []

    def record(self, kind: str, epoch_time: int, fields: dict[str, object]) -> bool:
        check_record(kind, epoch_time, fields)  # type: ignore[arg-type]
        self.records.append(fields)
        return True


def test_each_encoded_bundle_is_recorded_without_content(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes(words(3 * MIB))
    recorder = Recorded()
    options = SendingOptions(node_id="here", peer_id="there", codec="zstd-3")
    receiver = Receiver()
    run(outgoing_of(tmp_path, options, recorder=recorder), receiver)
    assert len(recorder.records) == len(receiver.bundles)
    assert sum(record["block_bytes"] for record in recorder.records) == 3 * MIB  # type: ignore[misc]
    assert {record["codec"] for record in recorder.records} == {"zstd"}
    assert not any("text" in str(value) for record in recorder.records for value in record.values())
    silent = Recorded()
    run(outgoing_of(tmp_path, SendingOptions(), recorder=silent), Receiver())
    assert silent.records == []


def test_a_bundle_does_not_wait_for_more_where_the_link_is_idle(tmp_path: Path) -> None:
    for n in range(3):
        (tmp_path / f"f{n}").write_bytes(words(1000, n))
    link = FakeLink(is_starved=False)
    outgoing = outgoing_of(tmp_path, link=link)
    receiver = Receiver()
    outgoing.accepted(receiver.accept())
    batches = outgoing.batches(lambda: Listing((), True))
    receiver.take(next(batches))
    outgoing._unasked.publish(3)  # type: ignore[union-attr]
    assert outgoing.next_bundle(0) is None, "too little for a bundle, and nobody waits for one"
    link.is_starved = True
    assert outgoing.next_bundle(0) is not None
    for message in batches:
        receiver.take(message)
    assert drain(outgoing, receiver) == 0


def test_many_runs_of_bytes_are_joined(tmp_path: Path) -> None:
    for n in range(300):
        (tmp_path / f"f{n:03}").write_bytes(noise(500, n))
    receiver = Receiver()
    run(outgoing_of(tmp_path, SendingOptions(codec="none")), receiver)
    assert all(len(bundle.body) <= 64 for bundle in receiver.bundles)


def test_large_raw_bundles_are_not_copied(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(noise(9 * MIB))
    receiver = Receiver()
    run(outgoing_of(tmp_path, SendingOptions(codec="none"), FakeLink(10_000)), receiver)
    views = [view for bundle in receiver.bundles for view in bundle.body]
    assert all(isinstance(view, memoryview) for view in views)
    assert max(map(len, views)) > 2 * MIB


def test_skipped_paths_are_counted_beyond_those_that_are_kept() -> None:
    counters = Counters()
    for n in range(1500):
        counters.skip(b"%d" % n, "why")
    assert (len(counters.skipped), counters.skipped_paths) == (1000, 1500)


def test_a_part_knows_how_much_fits() -> None:
    one = Part(10, FileKey(0, b"f", 0), 100, [10, 20, 30], bytes(96), b"a" * 10 + b"b" * 20 + b"c" * 30)
    assert [one.fitting(limit) for limit in (0, 10, 29, 30, 60, 99)] == [11, 11, 11, 12, 13, 13]
    middle = one.cut(11, 12)
    assert (middle.offset, middle.lengths, bytes(middle.data or b"")) == (110, [20], b"b" * 20)
    assert one.cut(10, 13) is one


def test_chunkings_of_any_size_are_sent(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(noise(3 * MIB))
    for sizes in ((64, 256, 1024), (1024, 4096, 1024 * 1024)):
        receiver = Receiver()
        run(outgoing_of(tmp_path, SendingOptions(chunking=Chunking(*sizes))), receiver)
        receiver.check_against(tmp_path)
