"""Drift of what models are asked and of what comes of it, watched from a sample of live questions.

A model's reference is what it was asked first after it came into service; later questions are held against
that. Features are made inside the graph, so what is compared are raw inputs: of a window the newest row.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from dwcp.safety.drift import DriftMonitor, DriftReport, DriftSettings, sketch
from dwcp.serving.hint import Hint, Reason
from dwcp.task import Task, Verdict

__all__ = ["DriftWatch"]

_MOST_WAITING = 256
_MOST_COLUMNS = 100
_CONFIDENCE = "confidence"


class DriftWatch:
    """Watches all tasks. `offer` and `judged` are for the asking path, the rest is for a thread beside.

    Args:
        tasks: by name.
        every: of how many answers of a model one is looked at.
        reference_rows: first rows after a model came into service that later ones are held against.
        settings: of the monitors, which see only what is looked at here.
    """

    def __init__(
        self,
        tasks: Mapping[str, Task],
        *,
        every: int = 16,
        reference_rows: int = 1000,
        settings: DriftSettings | None = None,
    ) -> None:
        self._tasks = tasks
        self._every = every
        self._reference_rows = reference_rows
        self.settings = settings or DriftSettings(every=1)
        self._answers: dict[str, int] = {}
        self._waiting: deque[tuple[str, Any, Hint[Any]]] = deque(maxlen=_MOST_WAITING)
        self._watched: dict[str, _Watched] = {}

    def offer(self, task_name: str, context: Any, hint: Hint[Any]) -> None:
        """A hint was given; microseconds, and nothing but a count for most."""
        if hint.reason is not Reason.MODEL:
            return
        # Counted by task: of tasks asked in turn the same one would be looked at each time. Threads may lose
        # a count to each other, which moves the sample by one.
        count = self._answers[task_name] = self._answers.get(task_name, 0) + 1
        if count % self._every == 0:
            self._waiting.append((task_name, context, hint))

    def judged(self, task_name: str, verdict: Verdict) -> None:
        """An outcome was measured."""
        watched = self._watched.get(task_name)
        if watched is not None and watched.monitor is not None and verdict.regret is not None:
            watched.monitor.observe(verdict.regret)

    def tick(self) -> None:
        """Take in what waits."""
        while self._waiting:
            name, context, hint = self._waiting.popleft()
            version = hint.model.version if hint.model is not None else ""
            watched = self._watched.get(name)
            if watched is None or watched.version != version:
                watched = self._watched[name] = _Watched(version)
            watched.take(_row(self._tasks[name], context), hint.confidence, self)

    def reports(self, now: float) -> Mapping[str, DriftReport]:
        """What has drifted, by task; of those with a whole reference.

        Args:
            now: seconds since 1970.
        """
        return {
            name: watched.monitor.report(now)
            for name, watched in list(self._watched.items())
            if watched.monitor is not None
        }

    @property
    def reference_rows(self) -> int:
        """See the class."""
        return self._reference_rows


class _Watched:
    """One model."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.monitor: DriftMonitor | None = None
        self._first: list[dict[str, float]] = []

    def take(self, row: dict[str, float], confidence: float, watch: DriftWatch) -> None:
        if self.monitor is not None:
            self.monitor.offer({**row, _CONFIDENCE: confidence})
            return
        self._first.append({**row, _CONFIDENCE: confidence})
        if len(self._first) >= watch.reference_rows:
            inputs = {name: [one[name] for one in self._first] for name in row}
            predictions = {_CONFIDENCE: [one[_CONFIDENCE] for one in self._first]}
            self.monitor = DriftMonitor(sketch(inputs, predictions), watch.settings)
            self._first = []


def _row(task: Task, context: Any) -> dict[str, float]:
    """The raw inputs of a question as named numbers: scalars, and the newest row of each window."""
    found: dict[str, float] = {}
    for name, array in task.arrays([context]).items():
        newest = np.asarray(array[0], dtype=np.float64)
        while newest.ndim > 1:
            newest = newest[-1]
        if newest.ndim == 0:
            found[name] = float(newest)
            continue
        for place, value in enumerate(newest.tolist()):
            found[f"{name}[{place}]"] = value
    return dict(list(found.items())[:_MOST_COLUMNS])
