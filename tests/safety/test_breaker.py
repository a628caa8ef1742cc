import itertools
import json
import threading
from collections.abc import Callable

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dwcp.errors import InputError, SettingsError
from dwcp.safety import TRANSITIONS, BreakerEvent, BreakerSettings, BreakerState, CircuitBreaker

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


def opened(at: float = 0.0, **settings) -> CircuitBreaker:
    breaker = CircuitBreaker(BreakerSettings(**settings))
    for _ in range(breaker.settings.consecutive_failures):
        breaker.record_failure(at)
    assert breaker.state is OPEN
    return breaker


def half_open(at: float = 60.0, **settings) -> CircuitBreaker:
    breaker = opened(at - settings.get("open_s", 60.0), **settings)
    assert breaker.allow(at)
    assert breaker.state is HALF_OPEN
    return breaker


def test_the_table_holds_every_move_there_is():
    assert {(a, event, b) for a, moves in TRANSITIONS.items() for event, b in moves.items()} == {
        (CLOSED, BreakerEvent.TRIPPED, OPEN),
        (OPEN, BreakerEvent.WAITED, HALF_OPEN),
        (HALF_OPEN, BreakerEvent.TRIAL_FAILED, OPEN),
        (HALF_OPEN, BreakerEvent.TRIALS_PASSED, CLOSED),
    }


def test_every_state_can_reach_closed():
    reached = {CLOSED}
    for _ in BreakerState:
        reached |= {state for state, moves in TRANSITIONS.items() if reached & set(moves.values())}
    assert reached == set(BreakerState)


def test_the_defaults_are_the_published_ones():
    settings = BreakerSettings()
    assert (settings.consecutive_failures, settings.open_s, settings.closing_successes) == (5, 60.0, 2)


def test_a_new_breaker_admits_every_call():
    breaker = CircuitBreaker()
    assert breaker.state is CLOSED
    assert all(breaker.allow(now) for now in range(100))


def test_five_failures_in_a_row_open_it_and_four_do_not():
    breaker = CircuitBreaker()
    for now in range(4):
        breaker.record_failure(now)
    assert breaker.state is CLOSED
    breaker.record_failure(4)
    assert breaker.state is OPEN
    assert not breaker.allow(4)


def test_a_success_ends_a_run_of_failures():
    breaker = CircuitBreaker(BreakerSettings(failure_rate=1.0))
    for now in range(50):
        for _ in range(4):
            breaker.record_failure(now)
        breaker.record_success(now, 0.1)
    assert breaker.state is CLOSED


def test_a_failure_rate_opens_it_once_there_are_enough_calls():
    breaker = CircuitBreaker(BreakerSettings(minimum_calls=10, failure_rate=0.5))
    for number in range(9):
        breaker.record_failure(0) if number % 2 else breaker.record_success(0, 0.1)
    assert breaker.state is CLOSED
    breaker.record_failure(0)
    assert breaker.state is OPEN


def test_just_under_the_failure_rate_it_stays_closed():
    breaker = CircuitBreaker(BreakerSettings(minimum_calls=10, window_calls=10, failure_rate=0.5))
    for number in range(1000):
        breaker.record_failure(0) if number % 10 in (1, 3, 5, 7) else breaker.record_success(0, 0.1)
    assert breaker.state is CLOSED


def test_a_rate_of_slow_calls_opens_it_though_none_failed():
    breaker = CircuitBreaker(BreakerSettings(minimum_calls=10, slow_call_ms=5.0, slow_rate=0.5))
    for number in range(10):
        breaker.record_success(0, 5.1 if number % 2 else 5.0)
        assert breaker.state is (OPEN if number == 9 else CLOSED)


def test_failures_and_slow_calls_do_not_add_up():
    breaker = CircuitBreaker(
        BreakerSettings(minimum_calls=5, window_calls=5, failure_rate=0.5, slow_rate=0.5)
    )
    for _ in range(100):
        for _ in range(2):
            breaker.record_failure(0)
        for duration_ms in (9.0, 9.0, 0.1):
            breaker.record_success(0, duration_ms)
    assert breaker.state is CLOSED


def test_calls_leave_the_window_by_count():
    breaker = CircuitBreaker(BreakerSettings(minimum_calls=4, window_calls=4, failure_rate=0.75))
    for fine in (False, False, True, True, True, False):
        breaker.record_success(0, 0.1) if fine else breaker.record_failure(0)
    assert breaker.state is CLOSED


def test_calls_leave_the_window_by_time():
    def run(gap_s: float) -> BreakerState:
        breaker = CircuitBreaker(BreakerSettings(minimum_calls=4, window_s=10.0, failure_rate=0.5))
        for now, fine in ((0, True), (0, False), (gap_s, False), (gap_s, True)):
            breaker.record_success(now, 0.1) if fine else breaker.record_failure(now)
        return breaker.state

    assert run(9.9) is OPEN
    assert run(10.0) is CLOSED


def test_it_stays_open_for_the_whole_wait_and_no_longer():
    breaker = opened(100.0)
    assert not breaker.allow(100.0)
    assert not breaker.allow(159.999)
    assert breaker.state is OPEN
    assert breaker.allow(160.0)
    assert breaker.state is HALF_OPEN


def test_asking_does_not_prolong_the_wait():
    breaker = opened(0.0)
    assert [breaker.allow(now) for now in range(61)] == [False] * 60 + [True]


def test_late_results_are_passed_over_while_open():
    breaker = opened(0.0)
    for _ in range(10):
        breaker.record_success(1.0, 0.1)
        breaker.record_failure(30.0)
    assert breaker.state is OPEN
    assert breaker.allow(60.0)


def test_half_open_admits_a_few_trials_at_a_time():
    breaker = half_open(60.0, trial_calls=2)
    assert breaker.allow(60.0)
    assert not breaker.allow(60.0)
    breaker.record_success(60.1, 0.1)
    assert breaker.allow(60.1)
    assert not breaker.allow(60.1)


def test_two_good_trials_close_it():
    breaker = half_open(60.0)
    breaker.record_success(60.1, 0.1)
    assert breaker.state is HALF_OPEN
    assert breaker.allow(60.2)
    breaker.record_success(60.3, 0.1)
    assert breaker.state is CLOSED
    assert all(breaker.allow(60.4) for _ in range(10))


def test_a_failed_trial_opens_it_for_another_whole_wait():
    breaker = half_open(60.0)
    breaker.record_success(60.1, 0.1)
    breaker.allow(61.0)
    breaker.record_failure(62.0)
    assert breaker.state is OPEN
    assert not breaker.allow(121.9)
    assert breaker.allow(122.0)
    breaker.record_success(122.1, 0.1)
    assert breaker.state is HALF_OPEN, "good trials before the failed one must not count"


def test_a_slow_trial_opens_it_again():
    breaker = half_open(60.0, slow_call_ms=5.0)
    breaker.record_success(60.1, 5.1)
    assert breaker.state is OPEN


def test_a_result_without_a_trial_under_way_is_passed_over():
    breaker = half_open(60.0)
    breaker.record_success(60.1, 0.1)
    breaker.record_failure(60.2)
    assert breaker.state is HALF_OPEN


def test_after_closing_the_past_is_forgotten():
    breaker = half_open(1.0, open_s=1.0, minimum_calls=4, failure_rate=0.5, closing_successes=1)
    breaker.record_success(1.0, 0.1)
    assert breaker.state is CLOSED
    for _ in range(3):
        breaker.record_success(1.1, 0.1)
    breaker.record_failure(1.1)
    assert breaker.state is CLOSED


def test_trials_that_never_come_back_do_not_keep_it_half_open():
    breaker = half_open(60.0, trial_calls=1)
    assert not breaker.allow(119.9)
    assert breaker.allow(120.0)
    assert not breaker.allow(120.1)
    breaker.record_success(120.2, 0.1)
    assert breaker.allow(120.3)
    breaker.record_success(120.4, 0.1)
    assert breaker.state is CLOSED


def test_a_trial_that_was_not_needed_is_given_back():
    breaker = half_open(60.0, trial_calls=1)
    assert not breaker.allow(60.1)
    breaker.record_unused()
    assert breaker.allow(60.1)
    breaker.record_unused()
    breaker.record_unused()
    assert breaker.allow(60.1)
    assert not breaker.allow(60.1)


def test_giving_back_changes_nothing_when_closed_or_open():
    breaker = CircuitBreaker()
    breaker.record_unused()
    assert breaker.allow(0.0)
    breaker = opened(0.0)
    breaker.record_unused()
    assert not breaker.allow(1.0)


def test_a_clock_that_steps_back_costs_one_wait_at_most():
    breaker = opened(1e9)
    assert not breaker.allow(5.0)
    assert breaker.allow(65.0)
    breaker = half_open(1e9, trial_calls=1)
    assert not breaker.allow(5.0)
    assert breaker.allow(65.0)


@pytest.mark.parametrize("outage_s", [0.0, 10.0, 59.0, 61.0, 3600.0])
@pytest.mark.parametrize("calls_per_s", [0.05, 1.0, 20.0])
def test_it_recovers_by_itself_after_any_outage(outage_s, calls_per_s):
    """Calls go on all the time; the model is broken until ``outage_s``."""
    breaker = CircuitBreaker()
    settings = breaker.settings
    gap_s = 1 / calls_per_s
    enough_s = outage_s + settings.open_s + (settings.closing_successes + 2) * gap_s
    for number in itertools.count():
        now = number * gap_s
        if now > enough_s:
            break
        if breaker.allow(now):
            breaker.record_success(now, 0.1) if now >= outage_s else breaker.record_failure(now)
    assert breaker.state is CLOSED


def test_it_recovers_though_most_admitted_calls_never_report():
    breaker = opened(0.0)
    now = 0.0
    for number in range(100_000):
        now = number * 1.0
        if breaker.allow(now) and number % 97 == 0:
            breaker.record_success(now, 0.1)
        if breaker.state is CLOSED:
            break
    assert breaker.state is CLOSED


def restarted(breaker: CircuitBreaker, now: float, later: float) -> CircuitBreaker:
    saved = json.loads(json.dumps(breaker.snapshot(now)))
    again = CircuitBreaker(breaker.settings)
    again.restore(saved, later)
    assert again.state is breaker.state
    return again


def test_an_open_breaker_stays_open_over_a_restart_for_what_was_left_of_the_wait():
    again = restarted(opened(1000.0), 1045.0, later=3.0)
    assert not again.allow(17.9)
    assert again.allow(18.0)


def test_a_closed_breaker_remembers_a_run_of_failures_over_a_restart():
    breaker = CircuitBreaker()
    for _ in range(4):
        breaker.record_failure(1000.0)
    again = restarted(breaker, 1000.0, later=0.0)
    again.record_failure(0.0)
    assert again.state is OPEN


def test_a_half_open_breaker_remembers_good_trials_over_a_restart_and_forgets_those_under_way():
    breaker = half_open(60.0, trial_calls=1)
    breaker.record_success(60.1, 0.1)
    assert breaker.allow(60.2)
    again = restarted(breaker, 60.3, later=0.0)
    assert again.allow(0.0)
    again.record_success(0.1, 0.1)
    assert again.state is CLOSED


def test_restoring_forgets_the_window():
    breaker = CircuitBreaker(BreakerSettings(minimum_calls=3, failure_rate=0.5))
    breaker.record_failure(0.0)
    breaker.restore(CircuitBreaker().snapshot(0.0), 0.0)
    breaker.record_success(0.0, 0.1)
    breaker.record_failure(0.0)
    assert breaker.state is CLOSED


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "ajar"},
        {"state": None},
        {"waited_s": -1},
        {"waited_s": float("nan")},
        {"waited_s": "5"},
        {"failures_in_row": None},
        {"successes": True},
    ],
)
def test_a_damaged_snapshot_is_refused_and_changes_nothing(changes):
    breaker = opened(0.0)
    with pytest.raises(InputError, match="saved state cannot be used"):
        breaker.restore({**breaker.snapshot(0.0), **changes}, 1e6)
    assert breaker.state is OPEN
    assert not breaker.allow(59.0)


def test_an_empty_snapshot_is_refused():
    with pytest.raises(InputError):
        CircuitBreaker().restore({}, 0.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"consecutive_failures": 0},
        {"open_s": 0.0},
        {"open_s": float("nan")},
        {"closing_successes": 0},
        {"trial_calls": 0},
        {"window_calls": 0},
        {"window_s": -1.0},
        {"minimum_calls": 101},
        {"failure_rate": 0.0},
        {"failure_rate": 1.1},
        {"slow_rate": float("nan")},
        {"slow_call_ms": 0.0},
    ],
)
def test_settings_out_of_range_are_refused_by_name(changes):
    with pytest.raises(SettingsError, match=f"breaker setting {next(iter(changes))} "):
        BreakerSettings(**changes)


def test_threads_never_get_more_trials_than_allowed():
    breaker = opened(0.0, trial_calls=3)
    start = threading.Barrier(8)
    admitted: list[bool] = []

    def ask():
        start.wait()
        admitted.extend([breaker.allow(60.0) for _ in range(500)])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(admitted) == 3


@pytest.mark.parametrize(("more_failures", "state"), [(3000, OPEN), (2999, CLOSED)])
def test_no_result_is_lost_between_threads(more_failures, state):
    """Eight threads report 4000 calls, 1000 of them failures; 8000 calls with 4000 failures trip it."""
    breaker = CircuitBreaker(
        BreakerSettings(consecutive_failures=10**6, window_calls=8000, minimum_calls=8000, failure_rate=0.5)
    )
    start = threading.Barrier(8)

    def report(number: int) -> None:
        start.wait()
        for _ in range(500):
            breaker.record_failure(0.0) if number % 4 == 0 else breaker.record_success(0.0, 0.1)

    threads = [threading.Thread(target=report, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4000):
        assert breaker.state is CLOSED
        breaker.record_failure(0.0) if number < more_failures else breaker.record_success(0.0, 0.1)
    assert breaker.state is state


class Reference:
    """The breaker as one would write it down: the whole past is kept, and looked through at every call."""

    def __init__(self, settings: BreakerSettings) -> None:
        self.settings = settings
        self.state = CLOSED
        self.enter(CLOSED, 0.0)

    def enter(self, state: BreakerState, now: float) -> None:
        self.state, self.entered, self.past, self.good, self.admitted = state, now, [], 0, []

    def allow(self, now: float) -> bool:
        if self.state is OPEN and now - self.entered >= self.settings.open_s:
            self.enter(HALF_OPEN, now)
        if self.state is HALF_OPEN:
            if len(self.admitted) >= self.settings.trial_calls:
                if now - self.admitted[-1] < self.settings.open_s:
                    return False
                self.admitted = []
            self.admitted.append(now)
        return self.state is not OPEN

    def result(self, now: float, kind: str) -> None:
        if self.state is CLOSED:
            self.past.append((now, kind))
            if self.too_bad(now):
                self.enter(OPEN, now)
        elif self.state is HALF_OPEN and self.admitted:
            last = self.admitted[-1]
            self.admitted = [last] * (len(self.admitted) - 1)
            if kind != "good":
                self.enter(OPEN, now)
            else:
                self.good += 1
                if self.good == self.settings.closing_successes:
                    self.enter(CLOSED, now)

    def too_bad(self, now: float) -> bool:
        run = len(list(itertools.takewhile(lambda call: call[1] == "failed", reversed(self.past))))
        window = [kind for at, kind in self.past if now - at < self.settings.window_s]
        window = window[-self.settings.window_calls :]
        enough = len(window) >= self.settings.minimum_calls
        return run >= self.settings.consecutive_failures or (
            enough
            and (
                window.count("failed") / len(window) >= self.settings.failure_rate
                or window.count("slow") / len(window) >= self.settings.slow_rate
            )
        )


class BreakerMachine(RuleBasedStateMachine):
    """Any calls at any times: the breaker and the reference answer the same."""

    @initialize(
        settings=st.builds(
            BreakerSettings,
            consecutive_failures=st.integers(1, 6),
            open_s=st.sampled_from([1.0, 5.0]),
            closing_successes=st.integers(1, 3),
            trial_calls=st.integers(1, 3),
            window_calls=st.integers(4, 8),
            window_s=st.sampled_from([2.0, 10.0]),
            minimum_calls=st.integers(1, 4),
            failure_rate=st.sampled_from([0.25, 0.5, 1.0]),
            slow_rate=st.sampled_from([0.25, 0.5, 1.0]),
        )
    )
    def start(self, settings: BreakerSettings) -> None:
        self.now = 0.0
        self.breaker = CircuitBreaker(settings)
        self.reference = Reference(settings)

    @rule(passed_s=st.sampled_from([0.25, 1.0, 5.0, 20.0]))
    def wait(self, passed_s: float) -> None:
        self.now += passed_s

    @rule(times=st.integers(1, 4))
    def ask(self, times: int) -> None:
        for _ in range(times):
            assert self.breaker.allow(self.now) is self.reference.allow(self.now)

    @rule(kind=st.sampled_from(["good", "slow", "failed"]), times=st.integers(1, 3))
    def report(self, kind: str, times: int) -> None:
        record: dict[str, Callable[[], None]] = {
            "good": lambda: self.breaker.record_success(self.now, 5.0),
            "slow": lambda: self.breaker.record_success(self.now, 5.5),
            "failed": lambda: self.breaker.record_failure(self.now),
        }
        for _ in range(times):
            record[kind]()
            self.reference.result(self.now, kind)

    @invariant()
    def same_state(self) -> None:
        if hasattr(self, "breaker"):
            assert self.breaker.state is self.reference.state


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = hypothesis_settings(max_examples=100, stateful_step_count=30, deadline=None)
