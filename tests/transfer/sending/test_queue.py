"""The ledger, what is retained, and the queue, against a model that keeps everything."""

from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sending_peer import MIB

from dwcp.errors import StorageError
from dwcp.transfer.sending.chunk_queue import ChunkQueue
from dwcp.transfer.sending.ledger import Ledger
from dwcp.transfer.sending.part import FileKey, Part
from dwcp.transfer.sending.retained import Retained
from dwcp.transfer.sending.seen import SeenIds
from dwcp.transfer.sending.spans import overlap, spans_of, split, without

SETS = st.sets(st.integers(0, 60), max_size=40)


def spans(numbers: set[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and sum(found[-1]) == number:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((number, 1))
    return found


def numbers(of: list[tuple[int, int]]) -> list[int]:
    return [number for first, count in of for number in range(first, first + count)]


@given(SETS, SETS)
def test_spans_without_others(some: set[int], gone: set[int]) -> None:
    left = list(without(spans(some), spans(gone)))
    assert numbers(left) == sorted(some - gone)


@given(SETS, st.integers(0, 61))
def test_spans_split_at_a_number(some: set[int], at: int) -> None:
    below, above = split(spans(some), at)
    assert numbers(below) == sorted(number for number in some if number < at)
    assert numbers(above) == sorted(number for number in some if number >= at)


def test_overlap() -> None:
    assert overlap((3, 2), 4, 9)
    assert not overlap((3, 2), 5, 9)
    assert not overlap((3, 2), 0, 3)


def part(first: int, lengths: list[int], file: FileKey, offset: int = 0) -> Part:
    ids = b"".join((first + place).to_bytes(32, "big") for place in range(len(lengths)))
    return Part(first, file, offset, lengths, ids, bytes(sum(lengths)))


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.lists(st.integers(1, 5000), min_size=1, max_size=20), min_size=1, max_size=40), st.randoms()
)
def test_the_ledger_finds_everything_again(sizes: list[list[int]], rng: Random) -> None:
    with closing(Ledger()) as ledger:
        check_ledger(ledger, sizes, rng)


def check_ledger(ledger: Ledger, sizes: list[list[int]], rng: Random) -> None:
    chunks, offset = [], 0
    file = ledger.file(b"start", 0)
    for lengths in sizes:
        if rng.random() < 0.4:
            file, offset = ledger.file(b"file %d" % len(chunks), sum(lengths)), 0
        offset += rng.choice((0, 1000))
        first = len(chunks)
        ids = b"".join((first + place).to_bytes(32, "big") for place in range(len(lengths)))
        assert ledger.add(file, offset, lengths, ids) == first
        for place, length in enumerate(lengths):
            chunks.append((file, offset, length, ids[32 * place : 32 * place + 32]))
            offset += length
    assert ledger.chunks == len(chunks)
    for _ in range(20):
        low, high = sorted((rng.randrange(len(chunks)), rng.randrange(len(chunks) + 1)))
        found = list(ledger.parts(low, high))
        flat = [
            (one.file, one.offset + sum(one.lengths[:place]), length, one.id_of(place))
            for one in found
            for place, length in enumerate(one.lengths)
        ]
        assert flat == chunks[low:high]
        begin, end = sorted((rng.randrange(20_000), rng.randrange(1, 20_000)))
        wanted = rng.choice(chunks)[0]
        near = {number for one in ledger.near(wanted, begin, end) for number in range(one.first, one.end)}
        for number, (owner, at, length, _) in enumerate(chunks):
            if owner == wanted and at < end and at + length > begin:
                assert number in near
    total = sum(length for _, _, length, _ in chunks)
    assert ledger.plain_before(len(chunks)) == ledger.plain_bytes == total
    values = [ledger.plain_before(number) for number in range(len(chunks) + 1)]
    assert values == sorted(values)


def test_the_ledger_says_when_the_disk_is_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ledger = Ledger()
    file = ledger.file(b"f", 1)

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.pwrite", full)
    with pytest.raises(StorageError, match="No space"):
        _fill(ledger, file)
    ledger.close()
    monkeypatch.setattr("dwcp.transfer.sending.ledger.TemporaryFile", full)
    with pytest.raises(StorageError, match="TMPDIR"):
        Ledger()


def _fill(ledger: Ledger, file: FileKey) -> None:
    for _ in range(100):
        ledger.add(file, 0, [1] * 1000, bytes(32_000))


def test_retained_parts_go_when_all_of_them_was_used() -> None:
    retained, file = Retained(), FileKey(0, b"f", 0)
    for first in range(0, 30, 10):
        retained.add(part(first, [100] * 10, file))
    full = retained.held_bytes
    retained.done(0, 9)
    assert retained.held_bytes == full
    assert retained.find(9) is not None
    retained.done(9, 15)
    assert retained.find(5) is None
    assert retained.held_bytes < full
    retained.drop(10, 30)
    assert retained.held_bytes == 0
    assert retained.find(25) is None


@given(st.lists(st.integers(0, 400), max_size=300))
def test_retained_agrees_with_a_model(order: list[int]) -> None:
    retained, file = Retained(), FileKey(0, b"f", 0)
    for first in range(0, 5000, 5):
        retained.add(part(first, [1] * 5, file))
    done: set[int] = set()
    for first in order:
        for number in range(first * 10, first * 10 + 7):
            if number not in done:
                done.add(number)
                retained.done(number, number + 1)
    for number in range(0, 5000, 37):
        kept = number // 5 * 5
        assert (retained.find(number) is None) == all(one in done for one in range(kept, kept + 5))


def test_seen_ids_are_bounded_and_the_latest_are_known() -> None:
    seen = SeenIds(100)
    ids = [n.to_bytes(32, "big") for n in range(1000)]
    assert not any(seen.meet(one) for one in ids)
    assert len(seen) <= 100
    assert all(seen.meet(one) for one in ids[-50:])
    assert not seen.meet(ids[0])
    seen.forget(ids[-1])
    assert not seen.meet(ids[-1])


class Model:
    """A queue of one file of chunks of ten bytes."""

    def __init__(self, budget: int = MIB) -> None:
        self.ledger = Ledger()
        self.queue = ChunkQueue(self.ledger, budget)
        self.file = self.ledger.file(b"f", 0)

    def add(self, count: int) -> None:
        first = self.ledger.chunks
        ids = b"".join((first + n).to_bytes(32, "big") for n in range(count))
        self.queue.add(self.file, first * 10, [10] * count, ids, bytes(10 * count))

    def take(self, limit: int = 10**6) -> tuple[int, list[int]]:
        taken = self.queue.take(lambda _, size, __: max(limit - size, 0))
        assert taken is not None
        return taken.number, numbers(list(spans_of(taken.parts)))


def test_chunks_go_in_order_and_again_first() -> None:
    model = Model()
    model.add(100)
    assert model.queue.take(lambda *_: 1) is None
    model.queue.want(100, [(0, 10), (20, 10)])
    assert model.take(50) == (0, [0, 1, 2, 3, 4])
    assert model.take(50) == (1, [5, 6, 7, 8, 9])
    model.queue.lost(0)
    assert model.queue.want(100, [(5, 2)]) == [(5, 2)]
    assert model.take() == (2, [0, 1, 2, 3, 4, 5, 6])
    assert model.take() == (3, list(range(20, 30)))
    assert not model.queue.is_done
    model.queue.end()
    for number in range(4):
        model.queue.acknowledged(number)
    assert model.queue.is_done
    assert model.queue.acknowledged(0) is None
    model.ledger.close()


def test_what_waits_already_is_not_queued_twice() -> None:
    model = Model()
    model.add(100)
    model.queue.want(100, [(0, 100)])
    model.queue.want(100, [(40, 20)])
    assert model.take() == (0, list(range(100)))
    assert not model.queue.has_wanted
    assert model.queue.wanted_bytes == 0
    model.ledger.close()


def test_what_the_receiver_holds() -> None:
    model = Model()
    model.add(100)
    assert not model.queue.held_at_receiver(0, 1)
    model.queue.want(50, [(10, 10), (30, 10)])
    assert model.queue.held_at_receiver(0, 10)
    assert not model.queue.held_at_receiver(9, 11)
    assert not model.queue.held_at_receiver(50, 51)
    number, _ = model.take(100)
    assert not model.queue.held_at_receiver(10, 20)
    model.queue.acknowledged(number)
    assert model.queue.held_at_receiver(0, 30)
    model.ledger.close()


def test_what_was_retracted_is_not_sent() -> None:
    model = Model()
    model.add(5)
    model.add(95)
    model.queue.want(60, [(0, 60)])
    model.take(100)
    model.queue.retract(5, 100)
    model.queue.want(100, [(60, 40)])
    assert not model.queue.has_wanted
    model.queue.lost(0)
    assert model.take()[1] == [0, 1, 2, 3, 4]
    assert model.queue.is_retracted(50)
    assert not model.queue.is_retracted(4)
    assert model.queue.held_bytes == 0
    model.ledger.close()


def test_the_reader_waits_for_room_only_where_encoders_have_work() -> None:
    model = Model(budget=5000)
    model.add(400)
    assert model.queue.has_room
    model.add(400)
    assert model.queue.has_room, "nothing is wanted yet, so there is no use in waiting"
    assert model.queue.held_bytes < 6000
    model.queue.want(800, [(0, 800)])
    assert not model.queue.has_room
    while model.queue.has_wanted:
        model.take(500)
    assert model.queue.has_room
    model.queue.want(800, [])
    model.add(400)
    model.queue.close()
    assert model.queue.has_room
    model.ledger.close()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 40), st.randoms()), max_size=40))
def test_everything_wanted_is_sent_whatever_happens(steps: list[tuple[int, int, Random]]) -> None:
    model = Model(budget=3000)
    with closing(model.ledger):
        check_queue(model, steps)


def check_queue(model: Model, steps: list[tuple[int, int, Random]]) -> None:
    answered = 0
    arrived: set[int] = set()
    wanted: set[int] = set()
    away: dict[int, list[int]] = {}
    for what, amount, rng in steps:
        if what == 0:
            model.add(amount)
        elif what == 1:
            upto = min(answered + amount, model.ledger.chunks)
            missing = {n for n in range(answered, upto) if rng.random() < 0.6}
            model.queue.want(upto, spans(missing))
            wanted |= missing
            answered = upto
        elif what == 2 and model.queue.has_wanted:
            number, taken = model.take(amount * 10)
            away[number] = taken
        elif what == 3 and away:
            number = rng.choice(list(away))
            model.queue.lost(number)
            del away[number]
        elif what == 4 and away:
            number = rng.choice(list(away))
            model.queue.acknowledged(number)
            arrived |= set(away.pop(number))
        elif what == 5 and arrived:
            again = set(rng.sample(sorted(arrived), min(amount, len(arrived))))
            arrived -= again
            model.queue.want(answered, spans(again))
    while model.queue.has_wanted:
        number, taken = model.take(500)
        away[number] = taken
    for number, taken in away.items():
        model.queue.acknowledged(number)
        arrived |= set(taken)
    assert arrived == wanted
    assert model.queue.settled_bytes() == 10 * answered
    model.queue.want(model.ledger.chunks, [])
    assert model.queue.held_bytes == 0
