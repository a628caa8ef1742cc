"""How many hints were given, by task, reason and version."""

import threading
from collections.abc import Mapping
from typing import NamedTuple

from dwcp.serving.hint import Reason

__all__ = ["HintCounts", "HintKey"]


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


class HintCounts:
    """Counts that only grow. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[HintKey, int] = {}

    def add(self, key: HintKey) -> None:
        """One more."""
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + 1

    def snapshot(self) -> Mapping[HintKey, int]:
        """A copy of all counts so far."""
        with self._lock:
            return dict(self._counts)
