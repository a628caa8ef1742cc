"""Candidates that are asked beside the champion, on a thread of their own: nobody waits for them."""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from random import Random
from typing import Any, NamedTuple

from dwcp.serving._asked import Recent
from dwcp.serving._checks import DeclinedError
from dwcp.serving._served import ServedPolicy
from dwcp.serving.hint import Hint, Reason
from dwcp.serving.steering import Route

__all__ = ["Judge", "Shadowed", "Shadows"]

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
Judge = Callable[[Route, Any], None]
"""Told where a question went and what the candidate would have done."""


class Shadows:
    """Asks candidates, and remembers their answers until an outcome comes. Safe from any thread.

    Questions that come faster than they are answered are dropped and counted. No lock is held while a
    candidate is asked or an outcome judged.

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
        self._waiting: SimpleQueue[_Question | threading.Event | None] = SimpleQueue()
        self._told: Recent[_Question] = Recent()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self.dropped = 0
        """Questions that the candidate was never asked."""

    def offer(self, one: Shadowed) -> None:
        """Have a candidate asked soon; takes microseconds."""
        if self._closed or self._waiting.qsize() >= _MOST_WAITING:
            with self._lock:
                self.dropped += 1
            return
        question = _Question(one)
        self._told.add(one.context, question)
        self._waiting.put(question)
        if self._thread is None:
            self._start()

    def when_answered(self, context: Any, judge: Judge) -> None:
        """Have a question's outcome judged, once: now, or on the thread when the candidate has answered.

        Nothing is judged where it was not asked, gives no answer, or is not asked before the end.

        Args:
            context: of the question.
            judge: must not raise.
        """
        question = self._told.pop(context)
        if question is None:
            return
        with self._lock:
            if question.one is not None:
                question.judge = judge
                return
        question.judged_by(judge)

    def drain(self, timeout_s: float) -> bool:
        """Wait until every question so far is answered, and judged; whether that came true in time."""
        thread = self._thread
        if thread is None or not thread.is_alive():
            return self._waiting.empty()
        reached = threading.Event()
        self._waiting.put(reached)
        return reached.wait(timeout_s)

    def close(self) -> None:
        """End the thread; questions that wait are dropped, with their outcomes."""
        with self._lock:
            self._closed = True
            thread = self._thread
        if thread is not None:
            self._waiting.put(None)
            thread.join()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="dwcp-shadow", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (question := self._waiting.get()) is not None and not self._closed:
            if isinstance(question, threading.Event):
                question.set()
            elif question.one is not None:
                self._take(question, question.one)

    def _take(self, question: "_Question", one: Shadowed) -> None:
        hint = self._ask(one)
        self._answered(one, hint)
        with self._lock:
            question.action, question.one = hint.action, None
            judge = question.judge
        if judge is not None:
            question.judged_by(judge)
        self._told.settle()

    def _ask(self, one: Shadowed) -> Hint[Any]:
        started_s = self._clock()
        try:
            decision = one.candidate.answer(one.context, started_s, self._rng)
        except DeclinedError as declined:
            took_ms = (self._clock() - started_s) * 1e3
            return Hint(None, declined.reason, 0.0, one.candidate.ref, {}, (), declined.detail, took_ms)
        took_ms = (self._clock() - started_s) * 1e3
        return Hint(decision.action, Reason.MODEL, decision.confidence, one.candidate.ref, latency_ms=took_ms)


class _Question:
    """One question, with what has come of it so far."""

    __slots__ = ("action", "judge", "one", "route")

    def __init__(self, one: Shadowed) -> None:
        self.one: Shadowed | None = one
        """Until the candidate has answered: what is remembered after that holds no model and no context."""
        self.route = one.route
        self.action: Any = None
        self.judge: Judge | None = None

    def judged_by(self, judge: Judge) -> None:
        """Judge what was answered; nothing where nothing was."""
        if self.action is not None:
            judge(self.route, self.action)
