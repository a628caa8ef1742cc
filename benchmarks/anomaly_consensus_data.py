"""Recordings of clusters for the benchmark: where they are, how they are cut, what is done to their level."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dwcp.errors import InputError
from dwcp.tasks.consensus.contract import FINE, MEASURES, Step
from dwcp.tasks.consensus.recorded import series_of
from dwcp.tasks.consensus.series import ConsensusCase, Series, cases_of
from dwcp.telemetry.sources.recording import Event, read_recording

VARIABLE = "DWCP_ANOMALY"
TRAIN_SHARE, VALIDATION_SHARE = 0.38, 0.12
_SHIFTED = ("_ms", "requests_", "proposals_committed", "queue_depth", "cpu_cores")


@dataclass(frozen=True, eq=False)
class Recorded:
    """A recording as a benchmark needs it.

    Attributes:
        name: of its folder.
        members: how many the cluster has.
        series: its seconds.
        cases: its seconds as decisions, with the levels of quiet seconds before each.
        events: faults and benign events.
        files: what was read.
    """

    name: str
    members: int
    series: Series
    cases: list[ConsensusCase]
    events: tuple[Event, ...]
    files: tuple[Path, ...]


def recordings(given: Sequence[Path]) -> list[Recorded]:
    """Every recording in the folders given, or in that of the environment.

    Raises:
        InputError: there is none, or one cannot be read.
    """
    roots = list(given) or ([Path(os.environ[VARIABLE])] if VARIABLE in os.environ else [])
    folders = [folder for root in roots for folder in _below(root)]
    if not folders:
        raise InputError(
            f"no recording of a cluster was found; name folders with --data, or their folder in {VARIABLE}"
        )
    return [_read(folder) for folder in folders]


def cut(recorded: Recorded) -> tuple[list[ConsensusCase], list[ConsensusCase], list[ConsensusCase]]:
    """Training, validation and test by time, cut in quiet seconds."""
    kinds = kinds_of(recorded.cases)
    quiet = np.flatnonzero(kinds == "quiet")
    first, second = (
        int(quiet[min(np.searchsorted(quiet, share * len(kinds)), len(quiet) - 1)])
        for share in (TRAIN_SHARE, TRAIN_SHARE + VALIDATION_SHARE)
    )
    return recorded.cases[:first], recorded.cases[first:second], recorded.cases[second:]


def kinds_of(cases: Sequence[ConsensusCase]) -> NDArray[np.str_]:
    """What was going on, row by row."""
    return np.array([case.outcomes[FINE].kind for case in cases], dtype=np.str_)


def events_of(cases: Sequence[ConsensusCase]) -> NDArray[np.str_]:
    """Name of the event, row by row."""
    return np.array([case.outcomes[FINE].event for case in cases], dtype=np.str_)


def times_of(cases: Sequence[ConsensusCase]) -> NDArray[np.float64]:
    """Seconds, row by row."""
    return np.array([case.time_s for case in cases])


def act_of(event: str) -> str:
    """What was done, whoever it was done to: ``kill_leader 3`` is ``kill``."""
    words = event.split(" ")[0].split("_")
    return "_".join(word for word in words if word not in ("leader", "follower"))


def quiet_with_shift(recorded: Recorded, calm_s: int, factor: float) -> list[ConsensusCase]:
    """The quiet seconds alone, one after the other, at another level after some.

    Args:
        recorded: where they are from.
        calm_s: how many of them come before the level shifts.
        factor: what latencies, load and processor use are multiplied by from then on.
    """
    rows = zip(recorded.series.steps, recorded.series.kinds, strict=True)
    steps = [step for step, kind in rows if kind == "quiet"]
    moved = steps[:calm_s] + [_shifted(step, factor) for step in steps[calm_s:]]
    count = len(moved)
    series = Series(
        f"{recorded.name} x {factor:g}",
        tuple(map(float, range(count))),
        tuple(moved),
        ("quiet",) * count,
        ("",) * count,
    )
    return list(cases_of(series, levels=False))


def _shifted(step: Step, factor: float) -> Step:
    moved = {
        name: value * factor
        for name in MEASURES
        if any(word in name for word in _SHIFTED)
        and "share" not in name
        and (value := getattr(step, name)) is not None
    }
    return replace(step, **moved)


def _below(root: Path) -> list[Path]:
    """The folder itself where it is a recording, else the recordings in it."""
    return [root] if _is_recording(root) else [one for one in sorted(root.glob("*")) if _is_recording(one)]


def _is_recording(folder: Path) -> bool:
    return any(folder.glob("cluster.csv*")) and any(folder.glob("nodes.csv*"))


def _read(folder: Path) -> Recorded:
    found = read_recording(folder)
    series = series_of(found, folder.name)
    members = int(max(step.members or 0 for step in series.steps))
    files = tuple(
        sorted(path for stem in ("cluster", "nodes", "faults") for path in folder.glob(f"{stem}.csv*"))
    )
    return Recorded(folder.name, members, series, list(cases_of(series)), found.events, files)
