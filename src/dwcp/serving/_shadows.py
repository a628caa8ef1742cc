"""Candidates that are asked beside the champion, on a thread of their own: nobody waits for them."""

import threading
import time
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from dwcp.serving._asked import Recent
from dwcp.serving._checks import DeclinedError
from dwcp.serving._served import ServedPolicy
from dwcp.serving.hint import Hint, Reason
from dwcp.serving.steering import Route

__all__ = ["Shadowed", "Shadows"]

_MOST_WAITING = 256


class Shadowed(NamedTuple):
    """A question that went to a candidate besides.

    Attributes:
        task_name: of which task.
        route: where it went.
        context: what it was about.
        hint: what was answered and used.
        candidate: who is asked besides.
    """

    task_name: str
    route: Route
    context: Any
    hint: Hint[Any]
    candidate: ServedPolicy


Answered = Callable[[Shadowed, Hint[Any]], None]


class Shadows:
    """Asks candidates, and remembers their answers until an outcome comes. Safe from any thread.

    Questions that come faster than they are answered are dropped and counted.

    Args:
        answered: called from the thread with each question and the candidate's hint; must not raise.
        clock: seconds that only go forward.
        seed: of the generator that policies are handed.
    """

    def __init__(
        self, answered: Answered, clock: Callable[[], float] = time.monotonic, seed: int = 0
    ) -> None:
        self._answered = answered
        self._clock = clock
        self._rng = Random(seed)
        self._waiting: deque[Shadowed] = deque()
        self._told: Recent[Any] = Recent()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self.dropped = 0
        """Questions that the candidate was never asked."""

    def offer(self, one: Shadowed) -> None:
        """Have a candidate asked soon; takes microseconds."""
        with self._changed:
            if self._closed or len(self._waiting) >= _MOST_WAITING:
                self.dropped += 1
                return
            self._waiting.append(one)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="dwcp-shadow", daemon=True)
                self._thread.start()
            self._changed.notify()

    def answer_to(self, context: Any) -> Any | None:
        """What the candidate would have done, once; None where it was not asked or gave no answer."""
        return self._told.pop(context)

    def drain(self, timeout_s: float) -> bool:
        """Wait until every question so far is answered; whether that came true in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout_s)

    def close(self) -> None:
        """End the thread; questions that wait are dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                one = self._waiting[0]
            hint = self._ask(one)
            if hint.action is not None:
                self._told.add(one.context, hint.action)
            self._answered(one, hint)
            with self._changed:
                self._waiting.popleft()
                self._changed.notify_all()

    def _ask(self, one: Shadowed) -> Hint[Any]:
        started_s = self._clock()
        try:
            decision = one.candidate.answer(one.context, started_s, self._rng)
        except DeclinedError as declined:
            took_ms = (self._clock() - started_s) * 1e3
            return Hint(None, declined.reason, 0.0, one.candidate.ref, {}, (), declined.detail, took_ms)
        took_ms = (self._clock() - started_s) * 1e3
        return Hint(decision.action, Reason.MODEL, decision.confidence, one.candidate.ref, latency_ms=took_ms)
