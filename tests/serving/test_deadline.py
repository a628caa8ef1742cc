import os
import threading
import time
from collections.abc import Iterator

import pytest

from dwcp.serving._deadline import Watchdog

LONG_S = 20.0


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    made = Watchdog()
    yield made
    made.close()


def alive() -> int:
    return sum(thread.name == "dwcp-deadline" for thread in threading.enumerate())


def test_what_is_late_is_stopped_in_its_turn(watchdog: Watchdog) -> None:
    order: list[str] = []
    last = threading.Event()
    watchdog.begin(lambda: (order.append("second"), last.set())[0], 0.04)
    watchdog.begin(lambda: order.append("first"), 0.005)
    watchdog.begin(lambda: order.append("never"), LONG_S)
    assert last.wait(LONG_S)
    assert order == ["first", "second"]


def test_what_ends_in_time_is_not_stopped(watchdog: Watchdog) -> None:
    stopped: list[int] = []
    ended: list[int] = []
    later = threading.Event()
    for number in range(50):
        watch = watchdog.begin(lambda number=number: stopped.append(number), 0.01)  # type: ignore[misc]
        watchdog.end(watch)
        if time.monotonic() < watch.expires_s:
            ended.append(number)
    watchdog.begin(later.set, 0.02)
    assert later.wait(LONG_S)
    assert ended
    assert not set(ended) & set(stopped)


def test_a_sooner_expiry_wakes_a_thread_that_sleeps_longer(watchdog: Watchdog) -> None:
    watchdog.begin(lambda: None, LONG_S)
    soon = threading.Event()
    watchdog.begin(soon.set, 0.005)
    assert soon.wait(LONG_S / 2)


def test_calls_in_quick_succession_do_not_wake_it_each(
    watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()
    due = watchdog._due

    def look(now: float) -> object:
        try:
            return due(now)
        finally:
            looked.set()

    monkeypatch.setattr(watchdog, "_due", look)
    first = watchdog.begin(lambda: None, LONG_S)
    watchdog.end(first)
    assert looked.wait(LONG_S)
    assert watchdog._wakes_s == first.expires_s
    watchdog.begin(lambda: None, LONG_S)
    assert watchdog._wakes_s == first.expires_s


def test_any_deadline_will_do(watchdog: Watchdog) -> None:
    watch = watchdog.begin(lambda: None, 1e300)
    soon = threading.Event()
    watchdog.begin(soon.set, 0.005)
    assert soon.wait(LONG_S)
    watchdog.end(watch)


def test_ending_twice_or_after_the_stop_is_nothing(watchdog: Watchdog) -> None:
    stopped = threading.Event()
    watch = watchdog.begin(stopped.set, 0.0)
    assert stopped.wait(LONG_S)
    watchdog.end(watch)
    watchdog.end(watch)


def test_one_thread_from_the_start_until_closed_and_again_after() -> None:
    before = alive()
    watchdog = Watchdog()
    assert alive() == before
    watchdog.start()
    watchdog.start()
    watchdog.end(watchdog.begin(lambda: None, LONG_S))
    assert alive() == before + 1
    watchdog.close()
    watchdog.close()
    assert alive() == before
    stopped = threading.Event()
    watchdog.begin(stopped.set, 0.005)
    assert stopped.wait(LONG_S)
    watchdog.close()
    assert alive() == before


def test_many_threads_at_once(watchdog: Watchdog) -> None:
    stopped: list[bool] = []

    def one() -> None:
        for _ in range(20):
            late = threading.Event()
            watchdog.end(watchdog.begin(late.set, LONG_S))
            watchdog.begin(late.set, 0.001)
            stopped.append(late.wait(LONG_S))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
    assert stopped == [True] * 80


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_has_its_own_thread(watchdog: Watchdog) -> None:
    watchdog.begin(lambda: None, LONG_S)
    child = os.fork()
    if child == 0:
        stopped = threading.Event()
        watchdog.begin(stopped.set, 0.005)
        os._exit(0 if stopped.wait(LONG_S) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
