"""How many hints were given, by task, reason and version, and how long they took."""

import threading
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from dwcp.serving.hint import Reason

__all__ = ["LATENCY_BOUNDS_MS", "HintCounts", "HintKey", "Latencies"]

LATENCY_BOUNDS_MS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 15.0, 25.0, 50.0, 100.0)
"""Upper bounds of the buckets that latencies are counted in; one more holds what is above."""


class HintKey(NamedTuple):
    """What hints are counted by; all three have few values.

    Attributes:
        task: the task's name; empty for every name that is no task.
        reason: the hint's reason.
        version: version of the model that answered or would have; empty when there was none.
    """

    task: str
    reason: Reason
    version: str


@dataclass(frozen=True, slots=True)
class Latencies:
    """How long the hints of a task took.

    Attributes:
        counts: hints in each bucket of `LATENCY_BOUNDS_MS`, and above; not added up.
        sum_ms: of all.
    """

    counts: tuple[int, ...]
    sum_ms: float


class HintCounts:
    """Counts that only grow. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, Reason, str], int] = {}
        self._buckets: dict[str, list[int]] = {}
        self._sums_ms: dict[str, float] = {}

    def add(self, task: str, reason: Reason, version: str, latency_ms: float) -> None:
        """One more hint; see `HintKey`."""
        key, bucket = (task, reason, version), bisect_left(LATENCY_BOUNDS_MS, latency_ms)
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + 1
            buckets = self._buckets.get(task)
            if buckets is None:
                buckets = self._buckets[task] = [0] * (len(LATENCY_BOUNDS_MS) + 1)
                self._sums_ms[task] = 0.0
            buckets[bucket] += 1
            self._sums_ms[task] += latency_ms

    def snapshot(self) -> Mapping[HintKey, int]:
        """A copy of all counts so far."""
        with self._lock:
            return {HintKey(*key): count for key, count in self._counts.items()}

    def latencies(self) -> Mapping[str, Latencies]:
        """A copy of all latencies so far, by task."""
        with self._lock:
            return {
                task: Latencies(tuple(buckets), self._sums_ms[task])
                for task, buckets in self._buckets.items()
            }
