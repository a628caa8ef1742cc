"""How right answers were, and what they gained, over the last day in steps of five minutes."""

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence

import msgspec

from dwcp.errors import InputError
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
_FORMAT = 1


class _Step(Tally, array_like=True):
    """One step; ``number`` counts them from 1970."""

    number: int = 0


_Ring = deque[_Step]
"""Steps, the latest last."""


class _Format(msgspec.Struct):
    format: int


class _Task(msgspec.Struct, forbid_unknown_fields=True):
    """What is kept of a task: `MODEL` and `CONTROL`, and each version, that judged longest ago first."""

    arms: dict[str, list[_Step]]
    versions: dict[str, list[_Step]]


class _Kept(_Format, forbid_unknown_fields=True):
    tasks: dict[str, _Task]


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
            for step in self._find(task, arm):
                if first <= step.number <= latest:
                    told[(step.number - first) // slots].merge(step)
        return told

    def snapshot(self) -> bytes:
        """All of it, for `restore`. Holds nobody up for longer than a task's part takes, some 0.2 ms."""
        tasks = {}
        for name, arms in self._arms.items():
            with self._lock:
                versions = self._versions[name]
                part = _Task(
                    {arm: list(ring) for arm, ring in arms.items()},
                    {version: list(ring) for version, ring in versions.items()},
                )
                tasks[name] = msgspec.Raw(msgspec.json.encode(part))
        return msgspec.json.encode({"format": _FORMAT, "tasks": tasks})

    def restore(self, content: bytes, now: float) -> None:
        """Go on from a snapshot, in the place of what was told so far.

        What is more than a day old is left out, and so are tasks that are not kept; what is later than now,
        as after a clock that was set back, counts as of now.

        Args:
            content: the snapshot.
            now: seconds since 1970.

        Raises:
            InputError: it is none, or of another format; nothing is changed.
        """
        kept = _decoded(content)
        latest = int(now // SLOT_S)
        with self._lock:
            for name, task in kept.items():
                if name not in self._arms:
                    continue
                for arm in self._arms[name]:
                    self._arms[name][arm] = _ring_of(task.arms.get(arm, ()), latest)
                versions = list(task.versions.items())[-self._most :]
                self._versions[name] = OrderedDict(
                    (version, _ring_of(steps, latest)) for version, steps in versions
                )

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
    number = int(now // SLOT_S)
    _fold(ring, number)
    if not ring or ring[-1].number < number:
        ring.append(_Step(number=number))
    ring[-1].add(verdict)


def _fold(ring: _Ring, latest: int) -> None:
    """Lay steps that are later than the latest, as a clock that steps back leaves them, to that one."""
    while ring and ring[-1].number > latest:
        late = ring.pop()
        if not ring or ring[-1].number < latest:
            ring.append(_Step(number=latest))
        ring[-1].merge(late)


def _ring_of(steps: Iterable[_Step], latest: int) -> _Ring:
    ring = _new_ring()
    for step in sorted(steps, key=lambda one: one.number):
        if step.number > latest - _SLOTS:
            ring.append(step)
    _fold(ring, latest)
    return ring


def _decoded(content: bytes) -> dict[str, _Task]:
    try:
        found = msgspec.json.decode(content, type=_Format).format
        if found != _FORMAT:
            raise InputError(f"it is of format {found}, not {_FORMAT}")
        kept = msgspec.json.decode(content, type=_Kept).tasks
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"it holds no judgements: {error}") from error
    arms = [steps for task in kept.values() for part in (task.arms, task.versions) for steps in part.values()]
    if not all(_is_sound(step) for steps in arms for step in steps):
        raise InputError("it holds no judgements: a count is negative, or there are more right than judged")
    return kept


def _is_sound(step: _Step) -> bool:
    return 0 <= step.correct <= step.judged and step.regrets >= 0 and step.moved >= 0
