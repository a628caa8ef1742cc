"""Drift of live questions: what shifts is told, what is steady is not, and asking costs a count."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dwcp.safety.drift import DriftLevel, DriftMonitor, DriftReport, DriftSettings, Role
from dwcp.serving.drifting import DriftWatch
from dwcp.serving.helm import Helm
from dwcp.serving.hint import Hint, ModelRef, Reason
from dwcp.serving.steering import CHAMPION, Route
from dwcp.task import Verdict

ROWS = 400
SETTINGS = DriftSettings(every=1, rows=ROWS, least_rows=200)


class Wide:
    """A task whose questions are two numbers, of which the second makes a window of any width."""

    def __init__(self, width: int = 2) -> None:
        self.width = width

    def arrays(self, contexts: Sequence[tuple[float, float]]) -> dict[str, Any]:
        windows = [np.full((3, self.width), second) for _, second in contexts]
        for window in windows:
            window[0] = 1e9  # an old row, which is not looked at
        return {"x": np.array([first for first, _ in contexts]), "window": np.array(windows)}


@pytest.fixture
def watch() -> DriftWatch:
    return watching()


def watching(width: int = 2, every: int = 1, names: Sequence[str] = ("toy",)) -> DriftWatch:
    tasks: Any = {name: Wide(width) for name in names}
    return DriftWatch(tasks, every=every, reference_rows=ROWS, settings=SETTINGS)


def hint(version: str = "1.0.0", confidence: float = 0.9, reason: Reason = Reason.MODEL) -> Hint[str]:
    return Hint("none", reason, confidence, ModelRef("toy", version, "d"))


def feed(
    watch: DriftWatch, shift: float = 0.0, count: int = ROWS, version: str = "1.0.0", seed: int = 1
) -> None:
    rng = np.random.default_rng(seed)
    for number, (x, last, confidence) in enumerate(rng.normal(size=(count, 3)).tolist()):
        watch.offer("toy", (x + shift, last), hint(version, 0.5 + confidence / 100))
        if number % 100 == 99:
            watch.tick()
    watch.tick()


def report(watch: DriftWatch) -> DriftReport:
    return watch.reports(1000.0)["toy"]


def levels(watch: DriftWatch) -> dict[str, DriftLevel]:
    return {column.name: column.level for column in report(watch).columns}


def test_a_shift_is_told_and_what_is_steady_is_not(watch: DriftWatch) -> None:
    feed(watch)
    feed(watch, seed=2)
    assert set(levels(watch)) == {"x", "window[0]", "window[1]", "confidence"}
    assert set(levels(watch).values()) == {DriftLevel.NONE}
    feed(watch, shift=1.0, seed=3)
    found = levels(watch)
    assert found.pop("x") is DriftLevel.DRIFT
    assert set(found.values()) == {DriftLevel.NONE}
    assert report(watch).level_of(Role.INPUT) is DriftLevel.DRIFT
    assert report(watch).level_of(Role.PREDICTION) is DriftLevel.NONE


def test_too_little_is_a_state_of_its_own(watch: DriftWatch) -> None:
    feed(watch, count=ROWS - 1)
    assert watch.reports(0.0) == {}
    feed(watch, count=1)
    assert report(watch).level is DriftLevel.TOO_LITTLE
    feed(watch, shift=9.0, count=199)
    assert report(watch).level is DriftLevel.TOO_LITTLE
    feed(watch, shift=9.0, count=1)
    assert report(watch).level is DriftLevel.DRIFT


def test_a_new_version_begins_anew(watch: DriftWatch) -> None:
    feed(watch)
    feed(watch, shift=9.0)
    assert report(watch).level is DriftLevel.DRIFT
    feed(watch, shift=9.0, count=1, version="1.1.0")
    assert watch.reports(0.0) == {}
    feed(watch, shift=9.0, count=2 * ROWS - 1, version="1.1.0")
    assert report(watch).level is DriftLevel.NONE


def test_regret_that_rises_is_told(watch: DriftWatch) -> None:
    watch.judged("toy", Verdict(regret=1.0))
    feed(watch)
    rng = np.random.default_rng(4)
    for mean in (1.0, 3.0):
        for regret in rng.exponential(mean, 3000).tolist():
            watch.judged("toy", Verdict(regret=regret))
        watch.judged("toy", Verdict(correct=True))
        assert report(watch).outcome.level is (DriftLevel.NONE if mean == 1.0 else DriftLevel.DRIFT)
    assert report(watch).outcome.regrets == 6000


def test_only_answers_of_models_are_looked_at_and_one_of_so_many() -> None:
    watch = watching(every=4)
    feed(watch, count=4 * ROWS - 1)
    for _ in range(10):
        watch.offer("toy", (0.0, 0.0), hint(reason=Reason.FALLBACK_DEADLINE))
    watch.tick()
    assert watch.reports(0.0) == {}
    feed(watch, count=1)
    assert set(watch.reports(0.0)) == {"toy"}


def test_tasks_that_are_asked_in_turn_are_looked_at_alike() -> None:
    names = ("one", "two", "three", "four")
    watch = watching(every=4, names=names)
    for number in range(4 * ROWS):
        for name in names:
            watch.offer(name, (float(number), 0.0), hint())
        if number % 50 == 49:
            watch.tick()
    assert set(watch.reports(0.0)) == set(names)


def test_columns_and_what_waits_are_bounded() -> None:
    watch = watching(width=500)
    for number in range(10_000):
        watch.offer("toy", (float(number), 0.0), hint())
    watch.tick()
    assert watch.reports(0.0) == {}, "no more waited than a few hundred"
    feed(watch, count=2 * ROWS)
    assert len(report(watch).columns) == 100 + 1
    assert all(column.rows <= ROWS for column in report(watch).columns)
    feed(watch, count=3 * ROWS)
    assert all(column.rows == ROWS for column in report(watch).columns)


def test_a_task_may_come_in_while_reports_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = watching(names=("toy", "other"))
    feed(watch)
    make = DriftMonitor.report

    def meanwhile(monitor: DriftMonitor, now: float) -> DriftReport:
        watch.offer("other", (1.0, 2.0), hint())
        watch.tick()
        return make(monitor, now)

    monkeypatch.setattr(DriftMonitor, "report", meanwhile)
    assert set(watch.reports(0.0)) == {"toy"}


def test_threads_may_offer_and_judge_while_another_ticks() -> None:
    names = [f"task{number}" for number in range(4)]
    watch = watching(names=names)
    over = threading.Event()

    def take_in() -> None:
        while not over.wait(0.01):
            watch.tick()
            watch.reports(0.0)

    def offer(name: str) -> int:
        for number in range(3 * ROWS):
            watch.offer(name, (float(number), 2.0), hint())
            watch.judged(name, Verdict(regret=1.0))
        return number

    with ThreadPoolExecutor(5) as threads:
        reader = threads.submit(take_in)
        assert list(threads.map(offer, names)) == [3 * ROWS - 1] * 4
        over.set()
        reader.result(20.0)


def test_a_helm_shows_it_the_champion_alone(tmp_path: Path) -> None:
    watch = watching()
    helm = Helm(tmp_path, ["toy"], drift=watch, clock=lambda: 0.0)
    for number in range(ROWS):
        helm.answered("toy", CHAMPION, (float(number), 0.0), hint())
        helm.answered("toy", Route("1.1.0"), (float(number), 0.0), hint("1.1.0"))
        helm.judged("toy", CHAMPION, Verdict(regret=1.0), "")
        if number % 100 == 99:
            helm.tick()
    helm.judged("toy", Route("1.1.0"), Verdict(regret=1.0), "1.1.0")
    helm.judged("toy", CHAMPION, Verdict(regret=1.0), "1.0.0")
    assert report(watch).outcome.regrets == 1
