from collections.abc import Callable, Iterator

import pytest
from blake3 import blake3

from dwcp.tasks.compression import calibration
from dwcp.tasks.compression.calibration import best_of, calibrate, calibration_buffer
from dwcp.tasks.compression.contract import CANDIDATES

DIGEST = "4a96fa518c0b5aa78807380dfc026ba45343c9386d79bc797b03b7c2438a6be6"
"""Speeds are compared across machines: the buffer must be the same bytes everywhere."""


def test_the_buffer_is_the_pinned_one() -> None:
    assert len(calibration_buffer()) == 256 * 1024
    assert blake3(calibration_buffer()).hexdigest() == DIGEST


def _runs(monkeypatch: pytest.MonkeyPatch, durations_ms: list[float]) -> Callable[[], int]:
    """A run that takes the given milliseconds of a clock that only it moves; gives its own number."""
    clock_ns = 0
    numbers = iter(range(1, len(durations_ms) + 1))
    taken: Iterator[float] = iter(durations_ms)

    def run() -> int:
        nonlocal clock_ns
        clock_ns += int(next(taken) * 1e6)
        return next(numbers)

    monkeypatch.setattr(calibration.time, "thread_time_ns", lambda: clock_ns)
    return run


def test_the_best_time_is_the_least(monkeypatch: pytest.MonkeyPatch) -> None:
    run = _runs(monkeypatch, [5.0, 3.0, 4.0, 9.0])
    assert best_of(run, budget_ms=1e9, most=4) == (4, 3.0)


def test_a_budget_that_is_spent_ends_the_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    run = _runs(monkeypatch, [4.0] * 9)
    assert best_of(run, budget_ms=10.0) == (3, 4.0)


def test_a_slow_run_is_still_made_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    run = _runs(monkeypatch, [100.0, 90.0, 1.0])
    assert best_of(run, budget_ms=10.0) == (2, 90.0)


def test_fast_runs_are_not_made_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    run = _runs(monkeypatch, [0.0] * 100)
    assert best_of(run, budget_ms=10.0) == (9, 0.0)


def test_a_calibration_names_every_candidate() -> None:
    speeds = calibrate(budget_ms=0.0)
    assert [name for name, _ in speeds] == [action.name for action in CANDIDATES]
    named = dict(speeds)
    assert all(ms_per_mib > 0 for ms_per_mib in named.values())
    assert named["none"] < named["zstd-1"] < named["zstd-19"]
