"""What an experiment saw: exposures, once a unit, and outcomes, as JSON lines in its folder.

`ExperimentLog.expose` and `ExperimentLog.outcome` are called where decisions are made: they look into a set
and append to a queue, and never touch the disk. `ExperimentLog.flush` writes, from whatever thread has the
time. Several processes may log into one folder: whoever flushes reads first what the others wrote, so that a
unit's exposure stands there once.

- ``exposures.jsonl``: ``{"when_s": 1.0, "unit": "link-7", "arm": "control"}``
- ``outcomes.jsonl``: ``{"when_s": 2.0, "unit": "link-7", "values": {"regret": 0.25}}``
"""

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

import msgspec

from dwcp.errors import InputError
from dwcp.safety.json_lines import JsonLines, append_lines, locked, read_lines

__all__ = ["ExperimentLog", "ExposureLine", "LogStats", "OutcomeLine"]

_EXPOSURES, _OUTCOMES = "exposures.jsonl", "outcomes.jsonl"


class ExposureLine(msgspec.Struct, frozen=True):
    """A unit met its arm for the first time."""

    when_s: float
    unit: str
    arm: str


class OutcomeLine(msgspec.Struct, frozen=True):
    """What came of a unit, once: a figure for each metric that was measured."""

    when_s: float
    unit: str
    values: dict[str, float]


class LogStats(msgspec.Struct, frozen=True):
    """What became of what was logged.

    Attributes:
        exposures: written by this process.
        outcomes: likewise.
        dropped: came while the queue was full; a dropped exposure is logged when the unit comes again.
        waiting: in the queue.
    """

    exposures: int
    outcomes: int
    dropped: int
    waiting: int


class ExperimentLog:
    """The log of one experiment, for one process; its threads may share it.

    Args:
        folder: the experiment's.
        capacity: exposures, and outcomes, that wait at most.
        most_units: whose exposure is remembered; the exposures of more are dropped and counted.

    Raises:
        InputError: a size is not positive, or the exposures cannot be read.
    """

    def __init__(self, folder: Path, capacity: int = 65_536, most_units: int = 1_000_000) -> None:
        if capacity < 1 or most_units < 1:
            raise InputError("an experiment log's capacity and most_units must be at least 1")
        self._folder, self._capacity, self._most_units = folder, capacity, most_units
        self._exposures: deque[ExposureLine] = deque()
        self._outcomes: deque[OutcomeLine] = deque()
        self._written_units: set[str] = set()
        self._queued_units: set[str] = set()
        self._read_until = 0
        self._counts = [0, 0]
        self._dropped = 0
        self._lock = Lock()
        self._flushing = Lock()
        self._catch_up()

    def expose(self, unit: str, arm: str, now: float) -> None:
        """A unit meets its arm; all times but the first cost a look into a set.

        Args:
            unit: which.
            arm: of `Experiment.arm`.
            now: seconds since 1970, UTC.
        """
        if unit in self._written_units or unit in self._queued_units:
            return
        with self._lock:
            if unit in self._queued_units:
                return
            known = len(self._written_units) + len(self._queued_units)
            if known >= self._most_units or len(self._exposures) >= self._capacity:
                self._dropped += 1
                return
            self._queued_units.add(unit)
            self._exposures.append(ExposureLine(now, unit, arm))

    def outcome(self, unit: str, values: Mapping[str, float], now: float) -> None:
        """What came of a unit.

        Args:
            unit: which.
            values: finite figures by metric.
            now: seconds since 1970, UTC.
        """
        if len(self._outcomes) >= self._capacity:
            with self._lock:
                self._dropped += 1
            return
        self._outcomes.append(OutcomeLine(now, unit, dict(values)))

    def flush(self) -> None:
        """Write what waits.

        Raises:
            StorageError: the disk is full or may not be written; what waits is kept for the next time.
            InputError: the exposures that stand there cannot be read.
        """
        with self._flushing:
            self._flush_exposures()
            self._flush_outcomes()

    def stats(self) -> LogStats:
        """What became of what was logged."""
        waiting = len(self._exposures) + len(self._outcomes)
        return LogStats(self._counts[0], self._counts[1], self._dropped, waiting)

    def exposures(self) -> JsonLines[ExposureLine]:
        """Every exposure, by every process.

        Raises:
            InputError: the file cannot be read.
        """
        return read_lines(self._folder / _EXPOSURES, ExposureLine)

    def outcomes(self) -> JsonLines[OutcomeLine]:
        """Every outcome, by every process.

        Raises:
            InputError: the file cannot be read.
        """
        return read_lines(self._folder / _OUTCOMES, OutcomeLine)

    def _catch_up(self) -> None:
        found = read_lines(self._folder / _EXPOSURES, ExposureLine, self._read_until)
        self._read_until = found.end
        self._written_units.update(line.unit for line in found.lines)

    def _flush_exposures(self) -> None:
        waiting = list(self._exposures)
        if not waiting:
            return
        file = self._folder / _EXPOSURES
        with locked(file):
            self._catch_up()
            fresh = [line for line in waiting if line.unit not in self._written_units]
            if fresh:
                append_lines(file, fresh)
            self._catch_up()
        self._counts[0] += len(fresh)
        with self._lock:
            for _ in waiting:
                self._exposures.popleft()
            self._queued_units.difference_update(line.unit for line in waiting)

    def _flush_outcomes(self) -> None:
        waiting = list(self._outcomes)
        if not waiting:
            return
        file = self._folder / _OUTCOMES
        with locked(file):
            append_lines(file, waiting)
        self._counts[1] += len(waiting)
        for _ in waiting:
            self._outcomes.popleft()
