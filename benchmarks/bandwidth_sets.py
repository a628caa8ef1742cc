"""The throughput sets that forecasts are judged on: of what, how they are split, which rows count."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeVar

from dwcp.errors import InputError
from dwcp.evaluation import Case
from dwcp.tasks.bandwidth.contract import HORIZON_STEPS, Action, Context, Outcome, Regime
from dwcp.tasks.bandwidth.inputs import WINDOW
from dwcp.tasks.bandwidth.oracle import truths
from dwcp.tasks.bandwidth.recorded import stretch_cases
from dwcp.telemetry.sources.throughput import ThroughputTrace, read_throughput

BandwidthCase = Case[Context, Action, Outcome]
ItemT = TypeVar("ItemT")

DEFAULT_FOLDER = Path("data/bandwidth")
SEED = 11
SHARES = (0.6, 0.2, 0.2)
LEAST_HISTORY, LEAST_STEPS = 2, 2 + HORIZON_STEPS
LEAST_ROWS_A_TRACE = 60


@dataclass(frozen=True)
class ThroughputSet:
    """A published set.

    Attributes:
        name: for tables.
        file: its file's name.
        regime: the gates that hold for it.
        link_type: as a context says it.
    """

    name: str
    file: str
    regime: Regime
    link_type: str


SETS = (
    ThroughputSet("cisco-fabric", "cisco_fabric_10s.csv.gz", "datacenter", "dc"),
    ThroughputSet("alibaba", "alibaba2018_dcmean_10s.csv.gz", "datacenter", "dc"),
    ThroughputSet("ec2-net-in", "nab_ec2_netin_300s.csv.gz", "datacenter", "dc"),
    ThroughputSet("cloudpilot", "cloudpilot_interregion_1s.csv.gz", "internet", "wan"),
    ThroughputSet("abilene", "abilene_od_300s.csv.gz", "internet", "wan"),
    ThroughputSet("fcc", "fcc_webget_5s.csv.gz", "internet", "edge"),
    ThroughputSet("hsdpa", "hsdpa_norway_native.csv.gz", "internet", "edge"),
    ThroughputSet("starlink", "fjordlink_starlink_1s.csv.gz", "internet", "edge"),
    ThroughputSet("irish-5g", "irish5g_dl_1s.csv.gz", "internet", "edge"),
    ThroughputSet("lumos-5g", "lumos5g_1s.csv.gz", "internet", "edge"),
    ThroughputSet("puffer", "puffer_220218_2s.csv.gz", "internet", "edge"),
)


@dataclass(frozen=True)
class SetCases:
    """Forecasts to make on one set, whole traces in one part each.

    Attributes:
        which: the set.
        train: for what is fitted.
        validation: for what is chosen, and what a policy has seen before.
        test: unseen traces, which figures are of.
        traces: how many traces the parts hold.
    """

    which: ThroughputSet
    train: list[BandwidthCase]
    validation: list[BandwidthCase]
    test: list[BandwidthCase]
    traces: tuple[int, int, int]


def bandwidth_folder(given: Path | None) -> Path:
    """The folder: the one given, else ``DWCP_BANDWIDTH``, else ``data/bandwidth``.

    Raises:
        InputError: there is no such folder.
    """
    folder = given or Path(os.environ.get("DWCP_BANDWIDTH") or DEFAULT_FOLDER)
    if not folder.is_dir():
        raise InputError(
            f"there are no throughput traces at {folder}: give their folder with --data DIR or DWCP_BANDWIDTH"
        )
    return folder


def load(which: ThroughputSet, folder: Path, most: tuple[int, int, int]) -> SetCases:
    """Read a set, deal its traces to the parts, and cut so many rows of each part.

    Raises:
        InputError: the file cannot be read, or holds too few traces.
    """
    by_name: dict[str, list[ThroughputTrace]] = {}
    for stretch in read_throughput(folder / which.file):
        if len(stretch) >= LEAST_STEPS:
            by_name.setdefault(stretch.name, []).append(stretch)
    if len(by_name) < len(SHARES):
        raise InputError(f"{which.file} holds {len(by_name)} traces that are long enough; three are needed")
    parts = dealt(sorted(by_name), SEED)
    cases = [
        cut([by_name[name] for name in part], which, rows, Random(f"{SEED}:{which.name}:{number}"))
        for number, (part, rows) in enumerate(zip(parts, most, strict=True))
    ]
    counted = tuple(len({case.group for case in part}) for part in cases)
    return SetCases(which, *cases, traces=counted)  # type: ignore[arg-type]


def dealt(names: Sequence[ItemT], seed: int) -> tuple[list[ItemT], list[ItemT], list[ItemT]]:
    """Three parts of these, by their shares, each with one at least."""
    shuffled = list(names)
    Random(seed).shuffle(shuffled)
    first = min(max(1, round(SHARES[0] * len(names))), len(names) - 2)
    second = min(max(first + 1, round((SHARES[0] + SHARES[1]) * len(names))), len(names) - 1)
    return shuffled[:first], shuffled[first:second], shuffled[second:]


def cut(
    traces: Sequence[list[ThroughputTrace]], which: ThroughputSet, most: int, rng: Random
) -> list[BandwidthCase]:
    """Some rows of each trace, one after the other, until there are enough."""
    a_trace = max(LEAST_ROWS_A_TRACE, most // len(traces))
    found: list[BandwidthCase] = []
    for stretches in traces:
        stretch = max(stretches, key=len)
        rows = len(stretch) - LEAST_STEPS + 1
        begin = rng.randrange(max(1, rows - a_trace + 1))
        found += _known(_window(stretch, which, begin, a_trace))
        if len(found) >= most:
            break
    return found[:most]


def _window(stretch: ThroughputTrace, which: ThroughputSet, begin: int, rows: int) -> Iterator[BandwidthCase]:
    """Forecasts from a row on; the first of them knows what lies before that row."""
    first = max(0, begin - WINDOW)
    end = begin + rows + LEAST_STEPS - 1
    made = stretch_cases(stretch, first, end, regime=which.regime, link_type=which.link_type)
    return (case for case in made if len(case.context.steps) >= min(begin - first, WINDOW))


def _known(cases: Iterable[BandwidthCase]) -> Iterator[BandwidthCase]:
    """Those with a whole horizon measured."""
    for case in cases:
        outcome = next(iter(case.outcomes.values()))
        if None not in truths(outcome.steps):
            yield case
