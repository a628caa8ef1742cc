"""A circuit breaker: stops asking a model that fails or dawdles, and finds out by itself when it is well.

Theory
======

Three states, four events, one table (`TRANSITIONS`)::

              TRIPPED                    WAITED
    CLOSED ────────────► OPEN ◄─────────────────────► HALF_OPEN
       ▲                          TRIAL_FAILED            │
       └──────────────────────────────────────────────────┘
                            TRIALS_PASSED

- *Closed*: every call is admitted. The results of the last calls are kept in a window bounded both by
  count and by time. The breaker trips on a run of consecutive failures, or, once the window holds the
  minimum number of calls, on the share of failures or the share of slow calls in it. A slow success ends a
  run of failures and counts as slow.
- *Open*: no call is admitted until the wait is over. Results of calls admitted earlier are passed over.
- *Half-open*: a few calls are admitted as trials. Enough good ones close the breaker; one that fails or is
  slow opens it again. Results bear no name, so while a trial is under way a late result of an earlier call
  may stand for it; with no trial under way it is passed over.

It cannot stay open: the way out of *open* is time alone, and a trial whose result never comes (its caller
was cut off, or decided not to ask after all) is given up after the same wait and replaced by another. A
clock that steps back costs at most one more wait.

The state machine lives in this file alone. It never reads a clock: every call says what time it is, in
seconds of any one clock that does not step by itself. Sources: M. Nygard, *Release It!* (2nd ed., 2018),
chapter 5; the window and slow-call rate are those of resilience4j.

Threads
=======

One lock guards all that changes. `CircuitBreaker.allow` reads the state without it first: reading one
attribute is atomic, and a closed breaker admits every call, so the common case takes no lock. A thread may
so be admitted while another trips the breaker, which is the same as having asked a moment earlier; its
result is then passed over.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from threading import Lock
from types import MappingProxyType

from dwcp.errors import InputError, SettingsError
from dwcp.evaluation.policy import State

__all__ = ["TRANSITIONS", "BreakerEvent", "BreakerSettings", "BreakerState", "CircuitBreaker"]


class BreakerState(StrEnum):
    """Whether calls are admitted."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerEvent(Enum):
    """What moves a breaker from one state to another."""

    TRIPPED = "too many calls failed or were slow"
    WAITED = "the wait is over"
    TRIAL_FAILED = "a trial failed or was slow"
    TRIALS_PASSED = "enough trials were good"


TRANSITIONS: Mapping[BreakerState, Mapping[BreakerEvent, BreakerState]] = MappingProxyType(
    {
        BreakerState.CLOSED: {BreakerEvent.TRIPPED: BreakerState.OPEN},
        BreakerState.OPEN: {BreakerEvent.WAITED: BreakerState.HALF_OPEN},
        BreakerState.HALF_OPEN: {
            BreakerEvent.TRIAL_FAILED: BreakerState.OPEN,
            BreakerEvent.TRIALS_PASSED: BreakerState.CLOSED,
        },
    }
)
"""Every move there is."""


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a breaker trips and how it recovers."""

    consecutive_failures: int = 5
    """Failures in a row that trip it, however few calls there were."""
    open_s: float = 60.0
    """Seconds it stays open before it tries again; also how long a trial's result is waited for."""
    closing_successes: int = 2
    """Good trials that close it."""
    trial_calls: int = 2
    """Trials that may be under way at the same time."""
    window_calls: int = 100
    """Calls the window holds at most."""
    window_s: float = 60.0
    """Seconds after which a call leaves the window."""
    minimum_calls: int = 20
    """Calls the window must hold before a rate trips it."""
    failure_rate: float = 0.5
    """Share of failures in the window that trips it."""
    slow_call_ms: float = 5.0
    """A success that took longer is slow; the default is a hint's default deadline."""
    slow_rate: float = 0.5
    """Share of slow calls in the window that trips it."""

    def __post_init__(self) -> None:
        counts = ("consecutive_failures", "closing_successes", "trial_calls", "window_calls", "minimum_calls")
        for name in (*counts, "open_s", "window_s", "slow_call_ms"):
            if not getattr(self, name) > 0:
                raise SettingsError(f"breaker setting {name} must be above 0, not {getattr(self, name)}")
        for name in ("failure_rate", "slow_rate"):
            if not 0 < getattr(self, name) <= 1:
                raise SettingsError(f"breaker setting {name} must be above 0 and at most 1")
        if self.minimum_calls > self.window_calls:
            raise SettingsError("breaker setting minimum_calls must not be above window_calls")


class CircuitBreaker:
    """One breaker, for one task and version. Safe to share between threads."""

    __slots__ = (
        "_failures_in_row",
        "_lock",
        "_since_s",
        "_state",
        "_successes",
        "_trials",
        "_window",
        "settings",
    )

    def __init__(self, settings: BreakerSettings | None = None) -> None:
        self.settings = settings or BreakerSettings()
        self._lock = Lock()
        self._window = _Window(self.settings)
        self._state = BreakerState.CLOSED
        self._failures_in_row = 0
        # Open: when it opened. Half-open: when the last trial was admitted.
        self._since_s = 0.0
        self._trials = 0
        self._successes = 0

    @property
    def state(self) -> BreakerState:
        """The state as of the last call; an open breaker whose wait is over moves when it is next asked."""
        return self._state

    def allow(self, now: float) -> bool:
        """Whether the model may be asked; if so, say what came of it by one of the other methods.

        Args:
            now: seconds, of the same clock each time.
        """
        if self._state is BreakerState.CLOSED:
            return True
        with self._lock:
            return self._allow_guarded(now)

    def record_success(self, now: float, duration_ms: float) -> None:
        """The model answered.

        Args:
            now: seconds, of the same clock each time.
            duration_ms: how long it took; above `BreakerSettings.slow_call_ms` it counts as slow.
        """
        slow = duration_ms > self.settings.slow_call_ms
        with self._lock:
            if self._state is BreakerState.CLOSED:
                self._failures_in_row = 0
                if self._window.add(now, failed=False, slow=slow):
                    self._move(BreakerEvent.TRIPPED, now)
            elif self._state is BreakerState.HALF_OPEN and self._trials:
                self._end_trial(now, good=not slow)

    def record_failure(self, now: float) -> None:
        """The model raised, answered nonsense, or answered too late to be used.

        Args:
            now: seconds, of the same clock each time.
        """
        with self._lock:
            if self._state is BreakerState.CLOSED:
                self._failures_in_row += 1
                over = self._window.add(now, failed=True, slow=False)
                if over or self._failures_in_row >= self.settings.consecutive_failures:
                    self._move(BreakerEvent.TRIPPED, now)
            elif self._state is BreakerState.HALF_OPEN and self._trials:
                self._end_trial(now, good=False)

    def record_unused(self) -> None:
        """The model was not asked after all, though admitted: gives a trial back at once."""
        if self._state is BreakerState.CLOSED:
            return
        with self._lock:
            self._trials = max(0, self._trials - 1)

    def snapshot(self, now: float) -> State:
        """What must survive a restart, as JSON values. The window need not: a restart is a new sample.

        Times are kept as seconds waited, so a snapshot may be restored under another clock.
        """
        with self._lock:
            return {
                "state": self._state.value,
                "waited_s": max(0.0, now - self._since_s) if self._state is BreakerState.OPEN else 0.0,
                "failures_in_row": self._failures_in_row,
                "successes": self._successes,
            }

    def restore(self, state: State, now: float) -> None:
        """Continue from a snapshot; trials that were under way are forgotten.

        Raises:
            InputError: not a breaker's snapshot; the breaker is as it was.
        """
        try:
            restored = BreakerState(str(state["state"]))
            waited_s = _number(state["waited_s"])
            failures_in_row, successes = (
                int(_number(state["failures_in_row"])),
                int(_number(state["successes"])),
            )
        except (KeyError, ValueError) as error:
            raise InputError(f"a breaker's saved state cannot be used ({error}); delete it") from error
        with self._lock:
            self._state = restored
            self._since_s = now - waited_s
            self._failures_in_row = failures_in_row
            self._successes = successes
            self._trials = 0
            self._window.clear()

    def _allow_guarded(self, now: float) -> bool:
        if self._state is BreakerState.OPEN:
            if not self._waited(now):
                return False
            self._move(BreakerEvent.WAITED, now)
        return self._state is BreakerState.CLOSED or self._admit_trial(now)

    def _move(self, event: BreakerEvent, now: float) -> None:
        self._state = TRANSITIONS[self._state][event]
        self._since_s = now
        self._failures_in_row = 0
        self._trials = 0
        self._successes = 0
        self._window.clear()

    def _waited(self, now: float) -> bool:
        # A clock that stepped back must not prolong the wait by as much as it stepped.
        self._since_s = min(self._since_s, now)
        return now - self._since_s >= self.settings.open_s

    def _admit_trial(self, now: float) -> bool:
        if self._trials >= self.settings.trial_calls:
            if not self._waited(now):
                return False
            self._trials = 0
        self._trials += 1
        self._since_s = now
        return True

    def _end_trial(self, now: float, *, good: bool) -> None:
        self._trials -= 1
        if not good:
            self._move(BreakerEvent.TRIAL_FAILED, now)
            return
        self._successes += 1
        if self._successes >= self.settings.closing_successes:
            self._move(BreakerEvent.TRIALS_PASSED, now)


class _Window:
    """The last calls, bounded by count and by time, with running totals: adding one is cheap."""

    __slots__ = ("_calls", "_failed", "_settings", "_slow")

    def __init__(self, settings: BreakerSettings) -> None:
        self._settings = settings
        self._calls: deque[tuple[float, bool, bool]] = deque()
        self._failed = 0
        self._slow = 0

    def add(self, now: float, *, failed: bool, slow: bool) -> bool:
        """Take in one call; True when a rate is now too high."""
        settings, calls = self._settings, self._calls
        calls.append((now, failed, slow))
        self._failed += failed
        self._slow += slow
        while len(calls) > settings.window_calls or now - calls[0][0] >= settings.window_s:
            _, old_failed, old_slow = calls.popleft()
            self._failed -= old_failed
            self._slow -= old_slow
        count = len(calls)
        return count >= settings.minimum_calls and (
            self._failed >= settings.failure_rate * count or self._slow >= settings.slow_rate * count
        )

    def clear(self) -> None:
        """Forget every call."""
        self._calls.clear()
        self._failed = 0
        self._slow = 0


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ValueError(f"{value!r} is not a number from 0")
    return float(value)
