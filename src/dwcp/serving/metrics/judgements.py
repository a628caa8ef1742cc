"""How right answers were, and what they gained, over the last day in steps of five minutes."""

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence

from dwcp.serving.metrics.tallies import Tally
from dwcp.task import Verdict

__all__ = ["CONTROL", "DAY_S", "MODEL", "SLOT_S", "Judgements"]

MODEL = "model"
"""The arm of what any model answered."""
CONTROL = "control"
"""The arm of what the rule answered."""
SLOT_S = 300.0
"""Length of a step."""
DAY_S = 86_400.0

_SLOTS = 288
_Ring = deque[tuple[int, Tally]]
"""Numbered steps, the latest last."""


class Judgements:
    """What came of answers, by task and arm. Bounded in memory; safe from any thread.

    An arm is `MODEL`, `CONTROL`, or the version of one model.

    Args:
        tasks: names of the tasks that are kept; verdicts on others are passed over.
        versions: of each task, how many versions are kept by themselves; of more, those that were judged
            longest ago go, and stay counted in `MODEL`.
    """

    def __init__(self, tasks: Iterable[str], versions: int = 8) -> None:
        self._lock = threading.Lock()
        self._arms: dict[str, dict[str, _Ring]] = {
            name: {MODEL: _new_ring(), CONTROL: _new_ring()} for name in tasks
        }
        self._versions: dict[str, OrderedDict[str, _Ring]] = {name: OrderedDict() for name in self._arms}
        self._most = versions

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that are kept."""
        return tuple(self._arms)

    def add(self, task: str, version: str, verdict: Verdict, *, control: bool, now: float) -> None:
        """Take in what came of one answer.

        Args:
            task: which task answered.
            version: of the model that answered; empty where that is not known.
            verdict: what the outcome told.
            control: the rule answered, not a model.
            now: seconds since 1970.
        """
        if task not in self._arms:
            return
        with self._lock:
            _add(self._arms[task][CONTROL if control else MODEL], verdict, now)
            if version and not control:
                _add(self._of_version(task, version), verdict, now)

    def last(self, task: str, arm: str, now: float, span_s: float = DAY_S) -> Tally:
        """What came of answers lately.

        Args:
            task: of which task.
            arm: of which arm.
            now: seconds since 1970.
            span_s: how far back, a day at most.
        """
        [whole] = self.course(task, arm, now, 1, round(min(span_s, DAY_S) / SLOT_S))
        return whole

    def course(self, task: str, arm: str, now: float, steps: int, slots: int = 1) -> Sequence[Tally]:
        """The last steps, oldest first, the one under way last; one for each, also where nothing came.

        Args:
            task: of which task.
            arm: of which arm.
            now: seconds since 1970.
            steps: how many; all of them together are a day at most.
            slots: how many times `SLOT_S` one is long.
        """
        told = [Tally() for _ in range(steps)]
        latest = int(now // SLOT_S)
        first = latest - steps * slots + 1
        with self._lock:
            for number, tally in self._find(task, arm):
                if first <= number <= latest:
                    told[(number - first) // slots].merge(tally)
        return told

    def _find(self, task: str, arm: str) -> _Ring:
        if task not in self._arms:
            return deque()
        return self._arms[task].get(arm) or self._versions[task].get(arm) or deque()

    def _of_version(self, task: str, version: str) -> _Ring:
        kept = self._versions[task]
        ring = kept.pop(version, None) or _new_ring()
        kept[version] = ring
        if len(kept) > self._most:
            kept.popitem(last=False)
        return ring


def _new_ring() -> _Ring:
    return deque(maxlen=_SLOTS)


def _add(ring: _Ring, verdict: Verdict, now: float) -> None:
    """A clock that steps back adds to the latest step."""
    number = int(now // SLOT_S)
    if not ring or ring[-1][0] < number:
        ring.append((number, Tally()))
    ring[-1][1].add(verdict)
