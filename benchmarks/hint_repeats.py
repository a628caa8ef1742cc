"""How often a question comes again within a second: what a cache of hints could answer at most."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, islice, pairwise
from math import inf
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

import bandwidth_sets
import prefetch_traces
from corpus import digests
from dwcp.errors import InputError
from dwcp.simulate.access import Read
from dwcp.task import Task
from dwcp.tasks import discover
from dwcp.tasks.bandwidth.recorded import stretch_cases
from dwcp.tasks.compression.contract import CostModel
from dwcp.tasks.compression.grid import Point, as_runs, at_point
from dwcp.tasks.compression.table import read_table
from dwcp.tasks.compression.task import cases_of
from dwcp.tasks.prefetch.contract import Action, Context, Outcome
from dwcp.tasks.prefetch.task import TASK as PREFETCH
from dwcp.tasks.prefetch.watch import context_after
from dwcp.telemetry.sources.throughput import read_throughput

__all__ = ["Repeats", "repeats", "repeats_of_traffic", "sources"]

WITHIN_S = 1.0
LINKS_MBPS = (100.0, 10_000.0)
FORECASTS = 5000
ACCESSES, ACCESSES_A_S = 20_000, 1000.0
CACHE_BLOCKS = 1000
ROWS = 256

Asked = Iterable[tuple[float, object]]
"""When it was asked, in order, and what tells questions apart."""


@dataclass(frozen=True)
class Repeats:
    """How often questions came again.

    Attributes:
        task: who was asked.
        traffic: whose questions, one after the other.
        asked: how many there were.
        again: share of them that were asked before within `WITHIN_S`.
        ever: share of them that were asked before at any time.
        same: share of them that were, and are answered as before; None where nobody answered them.
        answer_us: what an answer takes, the median; likewise.
        lookup_us: what it takes to find the earlier answer, or that there is none, the median; likewise.
    """

    task: str
    traffic: str
    asked: int
    again: float
    ever: float
    same: float | None = None
    answer_us: float | None = None
    lookup_us: float | None = None

    def words(self) -> str:
        """The shares, and what they are worth."""
        told = f"{self.again:.2%} again within {WITHIN_S:g} s, {self.ever:.2%} ever"
        if self.same is None:
            return told
        costs = f"an answer takes {self.answer_us:.1f} us, looking it up {self.lookup_us:.1f} us"
        return f"{told}, {self.same:.2%} with the same answer; {costs}"


def repeats(task: str, traffic: str, asked: Asked) -> Repeats:
    """Count them."""
    last_s: dict[object, float] = {}
    number = again = ever = 0
    for time_s, question in asked:
        since_s = time_s - last_s.get(question, -inf)
        number, again, ever = number + 1, again + (since_s <= WITHIN_S), ever + (since_s < inf)
        last_s[question] = time_s
    return Repeats(task, traffic, number, again / max(number, 1), ever / max(number, 1))


def repeats_of_traffic(table: Path, bandwidth: Path | None, access: Path | None) -> list[Repeats]:
    """Every task's own traffic; what is not there to be read is told and left out.

    Args:
        table: the corpus as ``make bench-compression`` measured it.
        bandwidth: folder of throughput traces; None for that of the environment.
        access: folder of access traces; likewise.
    """
    tasks = discover()
    found: list[Repeats] = []
    parts: tuple[Callable[[], Iterable[Repeats]], ...] = (
        partial(_blocks, tasks["compression"], table),
        partial(_forecasts, tasks["bandwidth"], bandwidth),
        partial(_recorded_accesses, access),
        _simulated_accesses,
    )
    for part in parts:
        try:
            found += part()
        except InputError as error:
            print(f"left out: {error}", file=sys.stderr)
    return found


def sources(table: Path, bandwidth: Path | None, access: Path | None) -> dict[str, dict[str, object]]:
    """Length and digest of every file that the traffic was read from."""
    found = [table]
    for folder, given, names in (
        (bandwidth_sets.bandwidth_folder, bandwidth, [one.file for one in bandwidth_sets.SETS]),
        (prefetch_traces.access_folder, access, [one.file for one in prefetch_traces.TRACES]),
    ):
        with suppress(InputError):
            found += [folder(given) / name for name in names]
    return digests(path for path in found if path.is_file())


def _blocks(task: Task, table: Path) -> Iterator[Repeats]:
    """The corpus over links, each block or each run of blocks a question when its turn on the wire comes.

    What is remembered of a flow, which the graph is fed too, is not told apart: with it fewer are equal.
    """
    if not table.is_file():
        raise InputError(f"there is no {table}: run `make bench-compression`, or name the table with --table")
    cases = cases_of(read_table(table))
    for mbps in LINKS_MBPS:
        point = Point(mbps, CostModel.PIPELINED)
        blocks = at_point(cases, point)
        sizes = [block.context.facts.block_bytes for block in blocks]
        contexts = [block.context for block in blocks]
        yield repeats(
            task.name,
            f"blocks of the corpus at {mbps:g} Mbit/s",
            _fed(task, contexts, _sent_s(sizes, mbps)),
        )
        runs = as_runs(blocks, point)
        begins = _sent_s([run.blocks * run.case.context.facts.block_bytes for run in runs], mbps)
        asked = [(run.case.context, at_s) for run, at_s in zip(runs, begins, strict=True) if run.look]
        yield repeats(
            task.name,
            f"runs of blocks of the corpus at {mbps:g} Mbit/s",
            _fed(task, [context for context, _ in asked], [at_s for _, at_s in asked]),
        )


def _sent_s(sizes: Sequence[int], mbps: float) -> list[float]:
    """When each begins to be sent, plain and one after the other."""
    return list(accumulate((size * 8e-6 / mbps for size in sizes[:-1]), initial=0.0))


def _forecasts(task: Task, folder: Path | None) -> Iterator[Repeats]:
    """A forecast asked at each step of recorded traces: as the graph is fed, and with the link it is of."""
    folder = bandwidth_sets.bandwidth_folder(folder)
    for which in bandwidth_sets.SETS:
        stretches = read_throughput(folder / which.file)
        made = (case for one in stretches for case in stretch_cases(one, link_type=which.link_type))
        cases = sorted(islice(made, FORECASTS), key=lambda case: case.time_s)
        contexts, times = [case.context for case in cases], [case.time_s for case in cases]
        asked = list(_fed(task, contexts, times))
        yield repeats(task.name, f"steps of {which.name}", asked)
        by_link = [(at_s, (context.path, fed)) for context, (at_s, fed) in zip(contexts, asked, strict=True)]
        yield repeats(task.name, f"steps of {which.name}, each link by itself", by_link)


def _recorded_accesses(folder: Path | None) -> Iterator[Repeats]:
    folder = prefetch_traces.access_folder(folder)
    for trace in prefetch_traces.TRACES:
        if (folder / trace.file).is_file():
            yield _accesses(f"reads of {trace.name}", prefetch_traces.load(trace, folder, ACCESSES))


def _simulated_accesses() -> Iterator[Repeats]:
    for name in prefetch_traces.SIMULATED:
        yield _accesses(f"simulated reads: {name}", prefetch_traces.simulated(name, ACCESSES))


def _accesses(traffic: str, reads: Sequence[Read]) -> Repeats:
    """A question after each read, so many a second, to a policy that learns from each, as it serves."""
    contexts = [context_after(reads, place, CACHE_BLOCKS) for place in range(len(reads))]
    times = [place / ACCESSES_A_S for place in range(len(reads))]
    counted = repeats("prefetch", traffic, zip(times, contexts, strict=True))
    policy, rng, clock = PREFETCH.online(), Random(0), time.perf_counter_ns
    before: dict[Context, tuple[float, Action]] = {}
    answers_ns: list[int] = []
    lookups_ns: list[int] = []
    same = 0
    for context, time_s, (_, after) in zip(contexts, times, pairwise(reads), strict=False):
        began_ns = clock()
        known = before.get(context)
        found_ns = clock()
        action = policy.decide(context, time_s, rng).action
        answers_ns.append(clock() - found_ns)
        lookups_ns.append(found_ns - began_ns)
        same += known is not None and time_s - known[0] <= WITHIN_S and known[1] == action
        before[context] = (time_s, action)
        policy.observe(context, action, Outcome((after.block,), action.blocks), time_s)
    answer_us, lookup_us = (float(np.median(taken)) / 1e3 for taken in (answers_ns, lookups_ns))
    return replace(counted, same=same / len(reads), answer_us=answer_us, lookup_us=lookup_us)


def _fed(task: Task, contexts: Sequence[Any], times: Sequence[float]) -> Asked:
    """What the graph is fed, bit for bit."""
    for begin in range(0, len(contexts), ROWS):
        arrays = task.arrays(contexts[begin : begin + ROWS])
        for row, time_s in enumerate(times[begin : begin + ROWS]):
            yield time_s, b"".join([array[row].tobytes() for array in arrays.values()])
