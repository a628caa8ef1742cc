"""The samples of the stages that are under way: taken in without a lock, summed, shared between processes.

Each process keeps its sums in a file of its own, its *slot*, which nobody else writes and which its successor
takes over after a restart. What a gate is held against is the sum over all slots. Samples carry the number of
the *visit* they belong to, the journal's line that brought the region to its stage; what belongs to another
visit, such as an outcome that comes late, is dropped.
"""

import contextlib
import fcntl
import os
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock

import msgspec
from msgspec import Struct, field

from dwcp.errors import StorageError
from dwcp.evaluation.files import atomic_write
from dwcp.safety.rollout.measuring import Arm, Measurement, Sums

__all__ = ["ArmSamples", "Samples", "SamplesByVisit"]

_MOST_PENDING = 65_536
"""Measurements that wait for the next tick at most; of more, the last are kept. Nobody who asks sums up."""
_MOST_SLOTS = 1024


class ArmSamples(Struct):
    """One arm in one visit: the last two spans, and all before them."""

    past: Sums = field(default_factory=Sums)
    spans: dict[int, Sums] = field(default_factory=dict)

    def add(self, measured: Sequence[Measurement], span: int) -> None:
        """Take in measurements of the present span."""
        self.spans.setdefault(span, Sums()).add(measured)
        self._age()

    def merge(self, other: "ArmSamples") -> None:
        """Take in all that another process took in."""
        self.past.merge(other.past)
        for span, sums in other.spans.items():
            self.spans.setdefault(span, Sums()).merge(sums)
        self._age()

    def total(self) -> Sums:
        """The sums of the whole visit."""
        return _together((self.past, *self.spans.values()))

    def recent(self, span: int) -> Sums:
        """The sums of the present span and the one before it."""
        return _together(self.spans[held] for held in (span - 1, span) if held in self.spans)

    def _age(self) -> None:
        newest = max(self.spans, default=0)
        for span in [span for span in self.spans if span < newest - 1]:
            self.past.merge(self.spans.pop(span))


SamplesByVisit = dict[int, dict[Arm, ArmSamples]]
"""The samples of every visit that counts."""


class Samples:
    """The samples of one rollout, of this process and of all others.

    Args:
        folder: where the slots are.
        takes_part: whether this process measures, and so has a slot; otherwise it only reads.
    """

    def __init__(self, folder: Path, *, takes_part: bool) -> None:
        self._folder = folder
        self._takes_part = takes_part
        self._pending: deque[tuple[int, Arm, Measurement]] = deque(maxlen=_MOST_PENDING)
        self._summing = Lock()
        self._own: SamplesByVisit = {}
        self._visits: frozenset[int] = frozenset()
        self._slot: Path | None = None
        self._slot_lock: int | None = None
        self._unsaved = False

    def record(self, visit: int, arm: Arm, one: Measurement) -> None:
        """Take in one measurement; lock-free."""
        self._pending.append((visit, arm, one))

    def keep(self, visits: frozenset[int]) -> None:
        """Say which visits count from now on; all others are forgotten."""
        with self._summing:
            self._visits = visits
            self._own = {visit: arms for visit, arms in self._own.items() if visit in visits}

    def settle(self, span: int) -> None:
        """Sum up what was recorded and save it.

        Args:
            span: number of the span that is now.

        Raises:
            StorageError: it cannot be written; the sums are kept in memory.
        """
        with self._summing:
            self._claim()
            self._sum_up(span)
            if self._slot is None or not self._unsaved:
                return
            content, self._unsaved = msgspec.json.encode(self._own), False
        try:
            atomic_write(self._slot, content)
        except StorageError:
            self._unsaved = True
            raise

    def merged(self) -> SamplesByVisit:
        """The sums over every process, as of their last tick."""
        with self._summing:
            found: SamplesByVisit = {}
            for held in (self._own, *self._others()):
                _merge(found, held, self._visits)
        return found

    def close(self) -> None:
        """Let another process take the slot over."""
        if self._slot_lock is not None:
            os.close(self._slot_lock)
        self._slot_lock, self._slot = None, None

    def _sum_up(self, span: int) -> None:
        measured: defaultdict[tuple[int, Arm], list[Measurement]] = defaultdict(list)
        # Others go on recording: what they add from now on is for the next time.
        for _ in range(len(self._pending)):
            visit, arm, one = self._pending.popleft()
            measured[visit, arm].append(one)
        for (visit, arm), those in measured.items():
            if visit in self._visits:
                self._own.setdefault(visit, {}).setdefault(arm, ArmSamples()).add(those, span)
                self._unsaved = True

    def _claim(self) -> None:
        """Take the first slot that no living process has, with what its last owner left."""
        if not self._takes_part or self._slot is not None or not self._visits:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            for number in range(_MOST_SLOTS):
                path = self._folder / f"slot-{number}.json"
                lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    os.close(lock)
                    continue
                self._slot, self._slot_lock = path, lock
                _merge(self._own, _read(path), self._visits)
                return

    def _others(self) -> Iterable[SamplesByVisit]:
        for path in sorted(self._folder.glob("slot-*.json")):
            if path != self._slot:
                yield _read(path)


def _together(parts: Iterable[Sums]) -> Sums:
    sums = Sums()
    for part in parts:
        sums.merge(part)
    return sums


def _merge(
    into: SamplesByVisit, held: Mapping[int, Mapping[Arm, ArmSamples]], visits: frozenset[int]
) -> None:
    for visit in visits & held.keys():
        arms = into.setdefault(visit, {})
        for arm, samples in held[visit].items():
            arms.setdefault(arm, ArmSamples()).merge(samples)


def _read(path: Path) -> SamplesByVisit:
    """What a slot holds; one that cannot be read holds nothing: those samples are measured again."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=SamplesByVisit)
    except (OSError, msgspec.DecodeError):
        return {}
