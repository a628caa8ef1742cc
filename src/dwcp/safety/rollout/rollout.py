"""A rollout as a server uses it: which arm a unit gets, what was measured, and the next move.

`Rollout.arm` and `Rollout.record` are what every hint pays for: a look-up, a hash, an append, no lock. What
they read is replaced as a whole when the rollout moves. `Rollout.tick`, called every few seconds by one
background thread, does the rest. Several processes may do so with one home: each sees the others' samples and
moves, and whoever comes first moves.

Whatever goes wrong with the files, nobody gets a candidate who should not: a journal that cannot be read
means control for all, a rollback that cannot be written holds in this process until it can.
"""

import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from threading import RLock

from dwcp.errors import DwcpError, InputError
from dwcp.safety.rollout import orders
from dwcp.safety.rollout.deciding import Standing, due, standing_of
from dwcp.safety.rollout.gates import Metric
from dwcp.safety.rollout.kill import KillSwitches
from dwcp.safety.rollout.ledger import Ledger
from dwcp.safety.rollout.measuring import Arm, Measurement
from dwcp.safety.rollout.plan import DEFAULT_REGION
from dwcp.safety.rollout.samples import Samples
from dwcp.safety.rollout.stages import Event
from dwcp.safety.rollout.state import Entry, RolloutState, Start
from dwcp.safety.rollout.steering import NO_ROLLOUT, Assignment, Lane, lanes_of

__all__ = ["Rollout", "rollout_tasks"]

_TASK = re.compile(r"[a-z][a-z0-9_]*")
_log = logging.getLogger(__name__)


class Rollout:
    """The rollout of one task. Safe to share between threads.

    Args:
        home: the folder that holds ``rollouts``.
        task: whose model is rolled out.
        switches: kill switches and flags; the switches of the home unless given.
        takes_part: whether this process asks models and measures; otherwise it looks on and takes orders.
        who: names this process in the journal.

    Raises:
        InputError: the task's name is not one.
    """

    def __init__(
        self,
        home: Path,
        task: str,
        *,
        switches: KillSwitches | None = None,
        takes_part: bool = True,
        who: str = "automatic",
    ) -> None:
        if not _TASK.fullmatch(task):
            raise InputError(f"{task!r} is not the name of a task; names look like compression")
        self.task = task
        self._who = who
        self._switches = switches or KillSwitches(home)
        self._ledger = Ledger(home / "rollouts" / f"{task}.jsonl")
        self._samples = Samples(home / "rollouts" / f"{task}.samples", takes_part=takes_part)
        self._moving = RLock()
        self._lanes: Mapping[str, Lane] = {}
        self._held_back: frozenset[int] = frozenset()
        self._trouble = ""
        self.poll()

    @property
    def state(self) -> RolloutState | None:
        """Where it stands, as of the last `poll`; None when nothing was ever started or can be read."""
        return self._ledger.state

    @property
    def fault(self) -> str:
        """What is wrong with the files, in a sentence; empty when nothing is."""
        return self._ledger.fault or self._trouble

    @property
    def killed(self) -> str | None:
        """Why no model of the task may be asked, as of the last `poll`; None when one may."""
        return self._switches.engaged(self.task)

    def arm(self, unit: str, region: str = DEFAULT_REGION) -> Assignment:
        """What a unit gets; lock-free, never raises.

        Args:
            unit: who asks: the same unit gets the same arm.
            region: where; one that is not in the plan gets control.
        """
        lane = self._lanes.get(region)
        if lane is None:
            return NO_ROLLOUT
        if lane.below and lane.buckets.of(unit) < lane.below:
            return lane.candidate
        return lane.control

    def record(self, assignment: Assignment, arm: Arm, one: Measurement) -> None:
        """Take in what was measured of an arm under an assignment; never raises.

        In shadow there are two arms to measure under one assignment.
        """
        if assignment.visit:
            self._samples.record(assignment.visit, arm, one)

    def poll(self) -> bool:
        """Read what changed since the last time; whether anything did. A ``stat`` a file, never raises."""
        with self._moving:
            switched = self._switches.poll()
            moved = self._ledger.poll()
            self._steer()
            return switched or moved

    def tick(self, now: float) -> tuple[Entry, ...]:
        """Sum up, judge and move; gives what this process wrote. Never raises a `DwcpError`: see `fault`.

        Args:
            now: seconds since 1970.
        """
        with self._moving:
            self.poll()
            state = self.state
            if state is None or not state.active:
                return ()
            self._trouble = ""
            self._attempt(lambda: self._samples.settle(self._span(state, now)))
            foreseen = self._due(state, now)
            if not foreseen:
                return ()
            moved = self._attempt(lambda: self._ledger.write(lambda fresh: self._due(fresh, now)))
            if moved is None:
                back = [entry.region for entry in foreseen if entry.event is Event.BREACHED]
                self._held_back = frozenset(state.regions[str(name)].visit for name in back)
            self._steer()
            return moved or ()

    def standings(self, now: float) -> dict[str, Standing]:
        """Every region with what was measured and what it waits for, as of the last `poll`.

        Args:
            now: seconds since 1970.
        """
        with self._moving:
            return self._standings(self.state, now)

    def history(self) -> tuple[Entry, ...]:
        """Every line of the journal, oldest first; earlier rollouts of the task included.

        Raises:
            InputError: a line is not an entry.
            StorageError: the journal cannot be read.
        """
        return self._ledger.entries()

    def start(
        self, start: Start, measured: Collection[Metric], *, now: float, who: str, why: str
    ) -> tuple[Entry, ...]:
        """Begin: the first wave goes to shadow, unless a kill switch is engaged.

        Args:
            start: candidate, control and plan.
            measured: the metrics that the task measures.
            now: seconds since 1970.
            who: for the journal.
            why: for the journal.

        Raises:
            InputError: another rollout goes on, or a gate's metric is not measured, or the plan is none.
            StorageError: the journal cannot be written.
        """
        begun = self._order(lambda state: orders.started(state, start, measured, now, who, why))
        return begun + self.tick(now)

    def approve(self, region: str | None, *, now: float, who: str, why: str) -> tuple[Entry, ...]:
        """A person's yes; the region moves on. None names the only region.

        Raises:
            InputError: there is no rollout or region, or it does not wait for a yes.
            StorageError: the journal cannot be written.
        """
        return self._order(lambda state: [orders.approved(self._asked(state, now), region, now, who, why)])

    def advance(self, region: str | None, *, now: float, who: str, why: str) -> tuple[Entry, ...]:
        """One stage forward without waiting; refused where a gate fails. None names the only region.

        Raises:
            InputError: there is no rollout or region, no further stage, a kill switch, or a gate that fails.
            StorageError: the journal cannot be written.
        """
        return self._order(lambda state: [orders.advanced(self._asked(state, now), region, now, who, why)])

    def withdraw(self, region: str | None, *, now: float, who: str, why: str) -> tuple[Entry, ...]:
        """Roll a region back, or with None all.

        Raises:
            InputError: there is no rollout or region, or it is rolled back already.
            StorageError: the journal cannot be written.
        """
        return self._order(
            lambda state: orders.withdrawn(self._standings(self._required(state), now), region, now, who, why)
        )

    def promoted(self, *, now: float, who: str, why: str) -> tuple[Entry, ...]:
        """Say that the candidate, complete everywhere, was made champion in the registry: the last event.

        Raises:
            InputError: there is no rollout, or it is not complete.
            StorageError: the journal cannot be written.
        """
        return self._order(lambda state: [orders.promoted(self._required(state), now, who, why)])

    def close(self) -> None:
        """Let another process take over what this one measured, as of its last tick."""
        self._samples.close()

    def _order(self, decide: Callable[[RolloutState | None], Sequence[Entry]]) -> tuple[Entry, ...]:
        with self._moving:
            written = self._ledger.write(decide)
            self.poll()
            return written

    def _asked(self, state: RolloutState | None, now: float) -> dict[str, Standing]:
        """What a forward order is held against."""
        found = self._standings(self._required(state), now)
        if self.killed:
            raise InputError(f"nothing goes forward while a kill switch is engaged: {self.killed}")
        return found

    def _required(self, state: RolloutState | None) -> RolloutState:
        if state is None or not state.active:
            raise InputError(
                f"nothing is being rolled out for {self.task}; dwcp rollout start begins, and dwcp rollout "
                f"history shows what was"
            )
        return state

    def _standings(self, state: RolloutState | None, now: float) -> dict[str, Standing]:
        if state is None:
            return {}
        self._samples.keep(state.visits())
        samples, released_s = self._samples.merged(), self._switches.released_s(self.task)
        return {name: standing_of(state, name, samples, now, released_s) for name in state.regions}

    def _due(self, state: RolloutState | None, now: float) -> list[Entry]:
        if state is None or not state.active:
            return []
        standings = list(self._standings(state, now).values())
        return due(state, standings, now, self._who, forward=self.killed is None)

    def _span(self, state: RolloutState, now: float) -> int:
        return int(now // state.start.plan.recent_s)

    def _attempt(self, act: Callable[[], tuple[Entry, ...] | None]) -> tuple[Entry, ...] | None:
        try:
            return act()
        except DwcpError as error:
            self._trouble = str(error)
            _log.error("the rollout of %s: %s", self.task, error)
            return None

    def _steer(self) -> None:
        """Lay the lanes out anew, and say which samples count."""
        state = self.state
        if state is not None:
            self._samples.keep(state.visits())
        if state is None or self.killed:
            self._lanes = {}
        else:
            self._lanes = lanes_of(state, self.task, self._switches.share_cap_percent, self._held_back)


def rollout_tasks(home: Path) -> tuple[str, ...]:
    """The tasks under a home that were ever rolled out."""
    found = (path.stem for path in (home / "rollouts").glob("*.jsonl"))
    return tuple(sorted(name for name in found if _TASK.fullmatch(name)))
