"""Every experiment of a home: its plan, its journal and what it saw, each in a folder of its own.

``<home>/experiments/<name>/`` holds ``plan.json``, written once; ``journal.jsonl``, who did what, when and
why; and what `ExperimentLog` writes. State and traffic are what the journal adds up to, so that history and
state are one thing. A line that a crash tore was never acknowledged and is passed over.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dwcp.errors import InputError
from dwcp.evaluation.files import atomic_write
from dwcp.safety.experiments.assignment import Experiment
from dwcp.safety.experiments.life import ExperimentEvent, ExperimentState, moved, state_after
from dwcp.safety.experiments.log import ExperimentLog, OutcomeLine
from dwcp.safety.experiments.observations import Exposure, Observations, Outcome, observations_of
from dwcp.safety.experiments.plan import ExperimentPlan, metric_values, plan_from_json
from dwcp.safety.json_lines import append_lines, locked, read_lines

__all__ = ["ExperimentBook", "ExperimentRecord", "JournalLine"]

_PLAN, _JOURNAL = "plan.json", "journal.jsonl"


class JournalLine(msgspec.Struct, frozen=True):
    """What was done to an experiment.

    Attributes:
        when_s: seconds since 1970, UTC.
        who: did it.
        event: what moved it; None where only the traffic changed.
        traffic: share of all units from now on.
        why: the reason.
    """

    when_s: float
    who: str
    event: ExperimentEvent | None
    traffic: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class ExperimentRecord:
    """An experiment as it stands.

    Attributes:
        plan: what was planned.
        state: of its life.
        traffic: share of all units that take part while it runs.
        journal: oldest first.
    """

    plan: ExperimentPlan
    state: ExperimentState
    traffic: float
    journal: tuple[JournalLine, ...]

    def experiment(self) -> Experiment:
        """What the asking path needs of it."""
        return Experiment(self.plan, self.traffic, running=self.state is ExperimentState.RUNNING)

    def as_json(self) -> dict[str, object]:
        """The record as JSON values."""
        return {
            "name": self.plan.name,
            "state": self.state.value,
            "traffic": self.traffic,
            "plan": self.plan.as_json(),
            "journal": [msgspec.to_builtins(line) for line in self.journal],
        }


class ExperimentBook:
    """The experiments of a home. Several processes may use it at once.

    Args:
        home: the folder that holds ``experiments``; it need not be there yet.
    """

    def __init__(self, home: Path) -> None:
        self.root = home / "experiments"

    def names(self) -> list[str]:
        """Every experiment, by the alphabet."""
        return sorted(plan.parent.name for plan in self.root.glob(f"*/{_PLAN}"))

    def __contains__(self, name: str) -> bool:
        """Whether there is an experiment of that name."""
        return name in self.names()

    def create(self, plan: ExperimentPlan) -> ExperimentRecord:
        """Write a plan down, as a draft.

        Raises:
            InputError: there is an experiment of that name with another plan.
            StorageError: it cannot be written.
        """
        file = self.root / plan.name / _PLAN
        with locked(file):
            if plan.name in self:
                standing = self.record(plan.name)
                if standing.plan != plan:
                    raise InputError(
                        f"experiment {plan.name} stands with another plan, and changing it would move units; "
                        f"take a new name"
                    )
                return standing
            atomic_write(file, msgspec.json.format(msgspec.json.encode(plan)) + b"\n")
        return self.record(plan.name)

    def record(self, name: str) -> ExperimentRecord:
        """An experiment as it stands.

        Raises:
            InputError: there is none of that name, or its files cannot be read.
        """
        if name not in self:
            known = ", ".join(self.names()) or "none"
            raise InputError(f"there is no experiment {name!r} in {self.root}; there are: {known}")
        file = self.root / name / _PLAN
        try:
            plan = plan_from_json(file.read_bytes(), str(file))
        except OSError as error:
            raise InputError(f"{file} cannot be read: {(error.strerror or str(error)).lower()}") from error
        journal = read_lines(self.root / name / _JOURNAL, JournalLine).lines
        state = state_after(name, (line.event for line in journal if line.event is not None))
        return ExperimentRecord(plan, state, journal[-1].traffic if journal else 0.0, journal)

    def start(self, name: str, traffic: float, *, now: float, who: str, why: str) -> ExperimentRecord:
        """Let units in; of one that runs, change how many.

        Args:
            name: of a draft, or of a stopped or running experiment.
            traffic: share of all units, above 0 and at most 1.
            now: seconds since 1970, UTC.
            who: starts it.
            why: for the journal.

        Raises:
            InputError: no such experiment, it is concluded, or the traffic is out of range.
            StorageError: it cannot be written.
        """
        if not 0 < traffic <= 1 or math.isnan(traffic):
            raise InputError(f"the traffic of experiment {name} must be above 0 and at most 1, not {traffic}")
        standing = self.record(name)
        event = None if standing.state is ExperimentState.RUNNING else ExperimentEvent.STARTED
        return self._write(name, JournalLine(now, who, event, traffic, why))

    def stop(self, name: str, *, now: float, who: str, why: str, conclude: bool = False) -> ExperimentRecord:
        """Let no unit in any more; concluded, it never starts again.

        Raises:
            InputError: no such experiment, or it does not run.
            StorageError: it cannot be written.
        """
        event = ExperimentEvent.CONCLUDED if conclude else ExperimentEvent.STOPPED
        return self._write(name, JournalLine(now, who, event, self.record(name).traffic, why))

    def log(self, name: str) -> ExperimentLog:
        """Where an experiment's exposures and outcomes go.

        Raises:
            InputError: no such experiment, or its exposures cannot be read.
        """
        self.record(name)
        return ExperimentLog(self.root / name)

    def observations(self, name: str) -> tuple[Observations, int]:
        """What an experiment saw, and how many lines of its log could not be used.

        Raises:
            InputError: no such experiment, or its files cannot be read.
        """
        plan, log = self.record(name).plan, self.log(name)
        exposures, outcomes = log.exposures(), log.outcomes()
        usable = [each for line in outcomes.lines if (each := _usable(line, plan)) is not None]
        seen = observations_of(
            [arm.name for arm in plan.arms],
            [metric.name for metric in plan.metrics],
            (Exposure(line.when_s, line.unit, line.arm) for line in exposures.lines),
            usable,
        )
        return seen, len(exposures.bad) + len(outcomes.bad) + len(outcomes.lines) - len(usable)

    def records(self) -> Iterator[ExperimentRecord]:
        """Every experiment as it stands, by the alphabet.

        Raises:
            InputError: one's files cannot be read.
        """
        return (self.record(name) for name in self.names())

    def _write(self, name: str, line: JournalLine) -> ExperimentRecord:
        file = self.root / name / _JOURNAL
        with locked(file):
            standing = self.record(name)
            if line.event is not None:
                moved(name, standing.state, line.event)
            append_lines(file, [line])
        return self.record(name)


def _usable(line: OutcomeLine, plan: ExperimentPlan) -> Outcome | None:
    try:
        return Outcome(line.when_s, line.unit, metric_values(line.values, plan.metrics))
    except InputError:
        return None
