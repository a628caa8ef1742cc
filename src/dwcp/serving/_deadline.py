"""A thread that stops what overstays its deadline.

The caller's own thread does the work: handing it to another would cost two switches a hint, and each
waits for the interpreter when other threads are busy. So the watchdog only watches. It sleeps until the
earliest expiry in flight, and for good when nothing is in flight: a call that ends in time does not wake
it, and calls in quick succession wake it once in a deadline, not once each.
"""

import math
import threading
import time
from collections.abc import Callable

__all__ = ["Watch", "Watchdog"]


class Watch:
    """One call in flight."""

    __slots__ = ("expires_s", "stop")

    def __init__(self, stop: Callable[[], None], expires_s: float) -> None:
        self.stop = stop
        self.expires_s = expires_s


class Watchdog:
    """Calls a function when its time is up, unless the watch is over before. Safe from any thread.

    It keeps real time, whatever clock its users go by, because it must cut short real waiting.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watches: set[Watch] = set()
        self._wakes_s = math.inf
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, which can take longer than a deadline, before the first watch needs it."""
        with self._lock:
            self._start()

    def begin(self, stop: Callable[[], None], within_s: float) -> Watch:
        """Call ``stop`` in ``within_s`` seconds from the watchdog's thread, unless `end` comes first."""
        watch = Watch(stop, time.monotonic() + within_s)
        with self._lock:
            self._start()
            self._watches.add(watch)
            sooner = watch.expires_s < self._wakes_s
            if sooner:
                self._wakes_s = watch.expires_s
                self._wake.set()
        return watch

    def end(self, watch: Watch) -> None:
        """The call is over: its ``stop`` need not be called any more."""
        with self._lock:
            self._watches.discard(watch)

    def close(self) -> None:
        """End the thread; what is watched meanwhile is not stopped. A later watch starts it again."""
        with self._lock:
            thread, self._thread = self._thread, None
            wake, self._wake = self._wake, threading.Event()
            wake.set()
        if thread is not None:
            thread.join()

    def _start(self) -> None:
        # Not alive: never started, closed, or left behind in the parent by a fork.
        if self._thread is not None and self._thread.is_alive():
            return
        self._wakes_s = math.inf
        self._wake = threading.Event()
        self._thread = threading.Thread(
            target=self._watch, args=(self._wake,), name="dwcp-deadline", daemon=True
        )
        self._thread.start()

    def _watch(self, wake: threading.Event) -> None:
        wait_s: float | None = None
        while True:
            wake.wait(wait_s)
            wake.clear()
            with self._lock:
                if self._wake is not wake:
                    return
                late, wait_s = self._due(time.monotonic())
            for watch in late:
                watch.stop()

    def _due(self, now: float) -> tuple[list[Watch], float | None]:
        """What is late, earliest first, and how long to sleep then; None while nothing is in flight."""
        late: list[Watch] = []
        # Before its time it was woken to sleep less, and does not look: what woke it may be over already,
        # and going idle would let the very next call wake it again.
        if now >= self._wakes_s:
            late = sorted((w for w in self._watches if w.expires_s <= now), key=lambda w: w.expires_s)
            self._watches.difference_update(late)
            self._wakes_s = min((w.expires_s for w in self._watches), default=math.inf)
        if math.isinf(self._wakes_s):
            return late, None
        return late, min(self._wakes_s - now, threading.TIMEOUT_MAX)
