"""Credit and the queue of ready bundles: bounded, in order, and in nobody's way at the end."""

import threading
from types import SimpleNamespace

from dwcp.transfer.endpoints.flow import Credit, ReadyQueue


def bundle(size: int) -> SimpleNamespace:
    return SimpleNamespace(stored_bytes=size)


def started(work) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_credit_is_taken_and_given_back():
    credit = Credit(100)
    assert credit.take(60)
    assert credit.take(40)
    assert credit.exhausted
    waiting = started(lambda: credit.take(30))
    credit.give(60)
    waiting.join(10)
    assert not waiting.is_alive()
    assert not credit.exhausted


def test_one_bundle_is_let_through_however_large():
    assert Credit(10).take(10_000)


def test_a_closed_credit_lets_everybody_go():
    credit = Credit(10)
    credit.take(10)
    answers = []
    waiting = [started(lambda: answers.append(credit.take(5))) for _ in range(3)]
    credit.close()
    for thread in waiting:
        thread.join(10)
    assert answers == [False] * 3


def test_what_is_ready_comes_in_order():
    ready = ReadyQueue()
    ready.begin(1 << 19)
    ready.resize(100)
    ready.put(bundle(1))
    ready.put(bundle(2))
    assert [ready.get(1.0).stored_bytes for _ in range(2)] == [1, 2]
    assert ready.get(0.0) is None


def test_too_much_waits():
    ready = ReadyQueue()
    ready.begin(1 << 19)
    ready.resize(10)
    waiting = started(lambda: ready.put(bundle(10)))
    waiting.join(0.05)
    assert waiting.is_alive()
    assert ready.get(1.0).stored_bytes == 10
    waiting.join(10)
    assert not waiting.is_alive()


def test_little_is_encoded_before_anything_has_arrived():
    ready = ReadyQueue()
    ready.begin(1 << 19)
    ready.resize(100 << 20)
    waiting = started(lambda: ready.put(bundle(1 << 20)))
    assert ready.get(1.0).stored_bytes == 1 << 20
    waiting.join(0.05)
    assert waiting.is_alive()
    ready.settle(1 << 20, arrived=True)
    waiting.join(10)
    assert not waiting.is_alive()
    assert ready.put(bundle(2 << 20))


def test_streams_that_wait_for_what_is_under_way_are_not_starved():
    ready = ReadyQueue()
    ready.begin(1000)
    ready.resize(1000)
    waiting = started(lambda: ready.get(30.0))
    while not ready.starved:
        pass
    putting = started(lambda: ready.put(bundle(1500)))
    waiting.join(10)
    idle = started(lambda: ready.get(30.0))
    idle.join(0.05)
    assert not ready.starved, "the network has to carry what was sent before more is encoded"
    ready.settle(1500, arrived=True)
    putting.join(10)
    assert ready.starved
    ready.close()
    idle.join(10)


def test_what_was_lost_makes_room_and_earns_none():
    ready = ReadyQueue()
    ready.begin(1 << 19)
    ready.resize(100 << 20)
    started(lambda: ready.put(bundle(1 << 20)))
    assert ready.get(1.0).stored_bytes == 1 << 20
    ready.settle(1 << 20, arrived=False)
    assert ready.put(bundle(1 << 18))
    waiting = started(lambda: ready.put(bundle(1 << 19)))
    waiting.join(0.05)
    assert waiting.is_alive()
    ready.close()


def test_more_room_wakes_who_waits():
    ready = ReadyQueue()
    ready.begin(1 << 19)
    ready.resize(10)
    waiting = started(lambda: ready.put(bundle(10)))
    ready.resize(20)
    waiting.join(10)
    assert not waiting.is_alive()


def test_a_closed_queue_gives_and_takes_nothing():
    ready = ReadyQueue()
    ready.begin(1 << 19)
    ready.resize(10)
    waiting = started(lambda: ready.put(bundle(10)))
    ready.close()
    waiting.join(10)
    assert ready.get(1.0) is None
    assert not ready.put(bundle(1))


def test_starved_is_a_stream_that_waits_for_nothing():
    ready = ReadyQueue()
    ready.begin(1 << 19)
    ready.resize(10)
    assert not ready.starved
    waiting = started(lambda: ready.get(30.0))
    while not ready.starved:
        pass
    ready.put(bundle(1))
    waiting.join(10)
    assert not ready.starved
