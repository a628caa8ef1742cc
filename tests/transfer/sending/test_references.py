"""Deltas: against siblings in the tree, other trees, and sketches; each time the bytes arrive."""

from pathlib import Path
from random import Random

import pytest
from sending_peer import FakeLink, Receiver, noise, outgoing_of, send, small_chunking, words

from dwcp.blocks import cut_pieces
from dwcp.codecs import plaintext_id
from dwcp.transfer.sending import SendingOptions
from dwcp.transfer.sending.part import FileKey
from dwcp.transfer.sending.siblings import Siblings

SIZE = 600_000
CHUNKING = small_chunking()


def edited(plain: bytes, edits: int = 40, seed: int = 5) -> bytes:
    """A newer version: bytes replaced, inserted and taken out in places."""
    rng = Random(seed)
    newer = bytearray(plain)
    for _ in range(edits):
        at = rng.randrange(len(newer))
        match rng.randrange(3):
            case 0:
                newer[at : at + 20] = rng.randbytes(20)
            case 1:
                newer[at:at] = rng.randbytes(30)
            case _:
                del newer[at : at + 25]
    return bytes(newer)


def blocks_of(plain: bytes) -> dict[bytes, bytes]:
    """What a receiver knows that has a file."""
    return {
        chunk_id: bytes(plain[offset : offset + length])
        for piece in cut_pieces(plain, CHUNKING)
        for offset, length, chunk_id in _located(piece)
    }


def _located(piece: object) -> list[tuple[int, int, bytes]]:
    found, offset = [], piece.offset  # type: ignore[attr-defined]
    for length, chunk_id in zip(piece.lengths, piece.ids, strict=True):  # type: ignore[attr-defined]
        found.append((offset, length, chunk_id))
        offset += length
    return found


def stored_bytes(receiver: Receiver) -> int:
    return sum(bundle.stored_bytes for bundle in receiver.bundles)


def delta_bundles(receiver: Receiver) -> int:
    return sum(bool(bundle.data.reference) or bundle.data.sketch is not None for bundle in receiver.bundles)


@pytest.mark.parametrize("has_nothing", [True, False])
@pytest.mark.parametrize(
    "names", [("app-1.2.img", "app-1.3.img"), ("v1/data", "v2/data"), ("log.1", "log.10")]
)
def test_a_later_version_in_the_tree_is_sent_as_a_delta(
    tmp_path: Path, names: tuple[str, str], has_nothing: bool
) -> None:
    older, newer = (tmp_path / "tree" / name for name in names)
    for path, plain in ((older, noise(SIZE)), (newer, edited(noise(SIZE)))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(plain)
    options = SendingOptions(chunking=CHUNKING)
    receiver = send(tmp_path / "tree", Receiver(has_nothing=has_nothing), options, link=FakeLink(10))
    assert delta_bundles(receiver) > 0
    assert receiver.again == []
    assert stored_bytes(receiver) < SIZE * 1.06


def test_what_has_not_arrived_is_no_reference(tmp_path: Path) -> None:
    (tmp_path / "v1").write_bytes(noise(SIZE))
    (tmp_path / "v2").write_bytes(edited(noise(SIZE)))
    outgoing = outgoing_of(tmp_path, SendingOptions(chunking=CHUNKING), FakeLink(10))
    receiver = Receiver()
    outgoing.accepted(receiver.accept())
    bundles = []
    for message in outgoing.batches(list):  # type: ignore[arg-type]
        receiver.take(message)
        while (bundle := outgoing.next_bundle(0)) is not None:
            bundles.append(bundle)
    while (bundle := outgoing.next_bundle(0)) is not None:
        bundles.append(bundle)
    assert not any(bundle.data.reference for bundle in bundles)


def test_the_same_file_of_another_tree_is_a_reference(tmp_path: Path) -> None:
    old, new = tmp_path / "yesterday", tmp_path / "today"
    for root in (old, new):
        (root / "sub").mkdir(parents=True)
    plain = noise(SIZE)
    (old / "sub" / "disk").write_bytes(plain)
    (new / "sub" / "disk").write_bytes(edited(plain))
    options = SendingOptions(chunking=CHUNKING, references=(old,))
    known = Receiver(has_nothing=False, known=blocks_of(plain))
    receiver = send(new, known, options, link=FakeLink(10))
    without = send(
        new, Receiver(has_nothing=False, known=blocks_of(plain)), SendingOptions(chunking=CHUNKING)
    )
    assert delta_bundles(receiver) > 0
    assert stored_bytes(receiver) < stored_bytes(without) / 4


def test_what_lies_round_the_place_is_in_the_reference_too(tmp_path: Path) -> None:
    """Content that changed its place by more than a chunk, between chunks that did not change."""
    old, new = tmp_path / "old", tmp_path / "new"
    parts = [noise(60_000, seed=n) for n in range(10)]
    moved = [*parts[:3], edited(parts[5], 4), parts[4], edited(parts[3], 4), *parts[6:]]
    old.write_bytes(b"".join(parts))
    new.write_bytes(b"".join(moved))
    options = SendingOptions(chunking=CHUNKING, references=(old,))
    known = blocks_of(old.read_bytes())
    receiver = send(new, Receiver(has_nothing=False, known=known), options, link=FakeLink(10))
    assert receiver.again == []
    assert stored_bytes(receiver) < 0.2 * 120_000


def test_an_old_version_at_hand_serves_better_than_its_sketch(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    plain = noise(SIZE)
    old.write_bytes(plain)
    new.write_bytes(edited(plain, 200))
    options = SendingOptions(chunking=CHUNKING, references=(old,))
    known = Receiver(has_nothing=False, known=blocks_of(plain), old={(b"new",): plain})
    receiver = send(new, known, options, link=FakeLink(10))
    assert any(bundle.data.reference for bundle in receiver.bundles)
    assert not any(bundle.data.matched for bundle in receiver.bundles)


def test_a_single_file_may_be_the_reference_of_a_file(tmp_path: Path) -> None:
    plain = noise(SIZE)
    (tmp_path / "old").write_bytes(plain)
    (tmp_path / "new").write_bytes(edited(plain))
    options = SendingOptions(chunking=CHUNKING, references=(tmp_path / "old",))
    receiver = send(
        tmp_path / "new", Receiver(has_nothing=False, known=blocks_of(plain)), options, link=FakeLink(10)
    )
    assert delta_bundles(receiver) > 0


def test_a_reference_that_the_receiver_lacks_is_given_up(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    for n in range(30):
        plain = noise(100_000, seed=n)
        (old / f"{n:02}x").write_bytes(plain)
        (new / f"{n:02}x").write_bytes(edited(plain, seed=n))
    options = SendingOptions(chunking=CHUNKING, references=(old,))
    receiver = send(new, Receiver(has_nothing=False), options, link=FakeLink(10))
    assert receiver.again
    assert 0 < delta_bundles(receiver) <= 8
    assert not any(bundle.data.reference for bundle in receiver.bundles[-4:])


@pytest.mark.parametrize("edits", [0, 5, 200])
def test_sketches_say_what_the_receiver_has(tmp_path: Path, edits: int) -> None:
    plain = noise(SIZE)
    (tmp_path / "file").write_bytes(edited(plain, edits))
    old = Receiver(has_nothing=False, old={(b"file",): plain})
    receiver = send(tmp_path, old, link=FakeLink(10))
    assert receiver.again == []
    assert delta_bundles(receiver) > 0
    assert stored_bytes(receiver) < SIZE // 40 + 5000 * edits


def test_a_sketch_of_something_else_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(words(SIZE))
    receiver = send(tmp_path, Receiver(has_nothing=False, old={(b"file",): noise(SIZE)}), link=FakeLink(10))
    assert delta_bundles(receiver) == 0


def test_on_a_fast_link_no_references_are_looked_for(tmp_path: Path) -> None:
    plain = noise(SIZE)
    (tmp_path / "file").write_bytes(edited(plain))
    old = Receiver(has_nothing=False, old={(b"file",): plain})
    assert delta_bundles(send(tmp_path, old, link=FakeLink(20_000))) == 0


def test_siblings_differ_in_numbers_and_little_in_size() -> None:
    siblings = Siblings()
    first = FileKey(0, b"r/app-1.2.img", 1_000_000)
    siblings.end(first)
    assert siblings.before(first) is None
    for number, (path, size, expected) in enumerate(
        (
            (b"r/app-1.10.img", 1_900_000, first),
            (b"r/app-1.10.img", 2_100_000, None),
            (b"r/app-1.10.img", 400_000, None),
            (b"r/app-x.img", 1_000_000, None),
            (b"r/app-1.3.img", 1_000, None),
        ),
        1,
    ):
        file = FileKey(number, path, size)
        siblings.begin(file)
        assert siblings.before(file) == expected


def test_ids_name_the_reference_in_order(tmp_path: Path) -> None:
    (tmp_path / "v1").write_bytes(noise(SIZE))
    (tmp_path / "v2").write_bytes(edited(noise(SIZE)))
    receiver = send(tmp_path, options=SendingOptions(chunking=CHUNKING), link=FakeLink(10))
    for bundle in receiver.bundles:
        assert len(bundle.data.reference) <= 128
        assert all(plaintext_id(receiver.content[one]) == one for one in bundle.data.reference)
